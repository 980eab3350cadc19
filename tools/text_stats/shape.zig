//! The shape of a text: sentences, lines and paragraphs.

const std = @import("std");
const unicode = @import("unicode.zig");

pub const Lines = struct { lines: u64 = 0, blank: u64 = 0, paragraphs: u64 = 0, longest: u64 = 0 };

/// Lines end with LF, CR LF or CR.
pub fn lines(text: []const u8) Lines {
    var found: Lines = .{};
    var in_paragraph = false;
    var at: usize = 0;
    while (at < text.len) {
        const end = std.mem.findAnyPos(u8, text, at, "\r\n") orelse text.len;
        const line = text[at..end];
        const blank = isBlank(line);
        found.lines += 1;
        found.blank += @intFromBool(blank);
        found.paragraphs += @intFromBool(!blank and !in_paragraph);
        found.longest = @max(found.longest, unicode.graphemes(line));
        in_paragraph = !blank;
        at = end + 1;
        if (end < text.len and text[end] == '\r' and at < text.len and text[at] == '\n') at += 1;
    }
    return found;
}

fn isBlank(text: []const u8) bool {
    var chars: unicode.Chars = .{ .text = text };
    while (chars.next()) |char| if (!char.kind.space) return false;
    return true;
}

const abbreviations = [_][]const u8{
    "al", "approx", "apr", "art", "aug", "ave", "bzw", "ca", "capt", "cf", "ch", "co", "col", "corp", "dec", "dept",
    "dr", "ed", "eds", "eq", "est", "etc", "feb", "fig", "figs", "gen", "gov", "hon", "inc", "jan", "jr", "lt", "ltd",
    "max", "min", "mr", "mrs", "ms", "mt", "nov", "no", "nr", "oct", "op", "pp", "prof", "pvt", "ref", "rev", "sec",
    "sen", "sep", "sept", "sgt", "sr", "st", "tel", "univ", "usw", "vol", "vs",
};

pub fn sentences(text: []const u8) u64 {
    var chars: unicode.Chars = .{ .text = text };
    var count: u64 = 0;
    // Where the letters of the present sentence begin, if there are any yet.
    var begin: ?usize = null;
    var line_ends: u2 = 0;
    while (chars.next()) |char| {
        if (char.code == '\n' or (char.code == '\r' and !std.mem.startsWith(u8, text[char.end..], "\n"))) {
            line_ends +|= 1;
            if (line_ends >= 2 and begin != null) {
                count += 1;
                begin = null;
            }
            continue;
        }
        if (!char.kind.space) line_ends = 0;
        if (char.kind.letter and begin == null) begin = char.begin;
        const first = begin orelse continue;
        if (!isEnd(char) or !endsHere(text, first, char, &chars)) continue;
        count += 1;
        begin = null;
    }
    return count + @intFromBool(begin != null);
}

fn isEnd(char: unicode.Char) bool {
    return char.code == '.' or char.code == 0x2026 or char.kind.ends;
}

/// Whether the sentence from `first` ends with `end`; the marks and quotes that follow are taken along.
fn endsHere(text: []const u8, first: usize, end: unicode.Char, chars: *unicode.Chars) bool {
    var alone = end.code == '.';
    while (chars.peek()) |char| {
        if (!isEnd(char) and !char.kind.closes) break;
        if (isEnd(char)) alone = false;
        chars.at = char.end;
    }
    // In Chinese and Japanese no space follows.
    if (end.code >= 0x3000) return true;
    const after = chars.peek() orelse return true;
    if (!after.kind.space) return false;
    if (!alone) return true;
    return !isAbbreviation(text[first..end.begin]) and !beginsSmall(text[after.end..]);
}

/// Whether the text ends with an initial, an abbreviation, or is the number of an item of a list.
fn isAbbreviation(before: []const u8) bool {
    const from = if (std.mem.findLastAny(u8, before, " \t\r\n(\"'[")) |space| space + 1 else 0;
    const word = before[from..];
    if (word.len == 1 and std.ascii.isUpper(word[0])) return true;
    if (from == 0 and word.len <= 3) {
        for (word) |byte| {
            if (!std.ascii.isDigit(byte)) break;
        } else return true;
    }
    // e.g., i.e., U.S.: letters and dots in turn.
    if (word.len >= 3 and word.len % 2 == 1) {
        for (word, 0..) |byte, at| {
            if (if (at % 2 == 1) byte != '.' else !std.ascii.isAlphabetic(byte)) break;
        } else return true;
    }
    for (abbreviations) |known| if (std.ascii.eqlIgnoreCase(known, word)) return true;
    return false;
}

fn beginsSmall(text: []const u8) bool {
    var chars: unicode.Chars = .{ .text = text };
    while (chars.next()) |char| if (!char.kind.space) return char.kind.lower;
    return false;
}
