//! The words of a text: the segments of UAX #29 (WB4 to WB13b) that hold a letter or a digit.

const unicode = @import("unicode.zig");
const Chars = unicode.Chars;
const Kind = unicode.Kind;

pub const Word = struct {
    text: []const u8,
    /// No letter in it.
    number: bool,
    /// A character of a script that is written without spaces, which is a word by itself here.
    east: bool,
};

pub const Words = struct {
    chars: Chars,

    pub fn of(text: []const u8) Words {
        return .{ .chars = .{ .text = text } };
    }

    pub fn next(self: *Words) ?Word {
        while (self.chars.next()) |char| {
            if (char.kind.east) {
                self.skipMarks();
                return self.word(char.begin, false, true);
            }
            if (joins(char.kind)) {
                if (self.run(char)) |found| return found;
            } else if (char.kind.letter) {
                return self.unspaced(char.begin);
            }
        }
        return null;
    }

    fn word(self: Words, begin: usize, number: bool, east: bool) Word {
        return .{ .text = self.chars.text[begin..self.chars.at], .number = number, .east = east };
    }

    /// Marks and format characters belong to what stands before them (WB4).
    fn skipMarks(self: *Words) void {
        while (self.chars.peek()) |char| {
            if (!isMark(char.kind)) return;
            self.chars.at = char.end;
        }
    }

    /// Thai and its like: letters of which Unicode alone does not say where words end.
    fn unspaced(self: *Words, begin: usize) Word {
        while (self.chars.peek()) |char| {
            const more = char.kind.letter and !char.kind.east and !joins(char.kind);
            if (!more and !isMark(char.kind)) break;
            self.chars.at = char.end;
        }
        return self.word(begin, false, false);
    }

    /// A run of letters, digits and what may stand between them; null for one of underscores alone.
    fn run(self: *Words, first: unicode.Char) ?Word {
        var last = first.kind;
        var letters = isLetter(last) or last.wb == .katakana;
        var digits = last.wb == .numeric;
        while (true) {
            self.skipMarks();
            const char = self.chars.peek() orelse break;
            if (joined(last, char.kind)) {
                self.chars.at = char.end;
                last = char.kind;
            } else if (last.wb == .hebrew_letter and char.kind.wb == .single_quote and !self.bridges(last, char)) {
                self.chars.at = char.end;
                break;
            } else if (self.bridges(last, char)) {
                self.chars.at = char.end;
                self.skipMarks();
                const after = self.chars.next().?;
                last = after.kind;
            } else break;
            letters = letters or isLetter(last) or last.wb == .katakana;
            digits = digits or last.wb == .numeric;
        }
        if (!letters and !digits) return null;
        return self.word(first.begin, !letters, false);
    }

    /// Whether `middle` is punctuation that stands within a word: can't, 3.14 (WB6, WB7b, WB12).
    fn bridges(self: Words, last: *const Kind, middle: unicode.Char) bool {
        const wb = middle.kind.wb;
        const both = wb == .midnumlet or wb == .single_quote;
        const in_word = isLetter(last) and (both or wb == .midletter or (wb == .double_quote and last.wb == .hebrew_letter));
        const in_number = last.wb == .numeric and (both or wb == .midnum);
        if (!in_word and !in_number) return false;
        var ahead: Words = .{ .chars = .{ .text = self.chars.text, .at = middle.end } };
        ahead.skipMarks();
        const after = ahead.chars.next() orelse return false;
        if (wb == .double_quote) return after.kind.wb == .hebrew_letter;
        return if (in_word) isLetter(after.kind) else after.kind.wb == .numeric;
    }
};

fn isLetter(kind: *const Kind) bool {
    return kind.wb == .aletter or kind.wb == .hebrew_letter;
}

fn isMark(kind: *const Kind) bool {
    return kind.wb == .extend or kind.wb == .format or kind.wb == .zwj;
}

fn joins(kind: *const Kind) bool {
    return isLetter(kind) or kind.wb == .numeric or kind.wb == .katakana or kind.wb == .extendnumlet;
}

fn joined(last: *const Kind, now: *const Kind) bool {
    if (last.wb == .extendnumlet or now.wb == .extendnumlet) return joins(last) and joins(now);
    if (last.wb == .katakana or now.wb == .katakana) return last.wb == now.wb;
    return joins(last) and joins(now);
}
