//! An estimate of how many tokens a language model makes of a text.
//!
//! Tokenizers of byte pairs first cut a text into words with the space before them, numbers of up to three
//! digits, runs of punctuation, and white space; then they look each piece up. Here the pieces are cut the same
//! way, and what a piece costs is the mean for its script and length, in thousandths of a token, as measured
//! with the tokenizer `o200k_base`.

const std = @import("std");
const unicode = @import("unicode.zig");

pub const Estimate = struct { tokens: u64, at_least: u64, at_most: u64 };

const Script = enum { ascii, latin, greek, cyrillic, semitic, indic, thai, hangul, kana, han, other };

/// Words of ASCII letters by length.
const ascii_words = [_]u32{ 0, 1000, 1010, 1040, 1030, 1050, 1080, 1110, 1190, 1270, 1350, 1420, 1560, 1710, 1860, 2050, 2500 };
const ascii_more = 450;

/// For the others: what a word costs at all, and each letter of it.
const Cost = struct { word: u32, letter: u32 };
const costs = std.EnumArray(Script, Cost).init(.{
    .ascii = .{ .word = 0, .letter = 0 },
    .latin = .{ .word = 500, .letter = 250 },
    .greek = .{ .word = 450, .letter = 290 },
    .cyrillic = .{ .word = 450, .letter = 210 },
    .semitic = .{ .word = 130, .letter = 335 },
    .indic = .{ .word = 100, .letter = 380 },
    .thai = .{ .word = 200, .letter = 370 },
    .hangul = .{ .word = 700, .letter = 440 },
    .kana = .{ .word = 0, .letter = 530 },
    .han = .{ .word = 250, .letter = 650 },
    .other = .{ .word = 500, .letter = 1500 },
});
const pictograph = 2000;
const symbol = 1300;
/// A mark is part of the word after it, and often of its token too.
const mark_before_letter = 600;

pub fn estimate(text: []const u8) Estimate {
    var thousandths: u64 = 0;
    var spread: u64 = 0;
    var cutter: Cutter = .{ .chars = .{ .text = text } };
    while (cutter.next()) |piece| {
        const cost = price(piece);
        thousandths += cost;
        // English and code are what tokenizers know best, and the languages of the world differ.
        if (piece.kind == .letters and piece.script != .ascii) spread += cost;
    }
    const tokens = (thousandths + 999) / 1000;
    if (text.len == 0) return .{ .tokens = 0, .at_least = 0, .at_most = 0 };
    const other = @min(spread, thousandths / 4);
    const below = (thousandths / 10 + other * 2 / 3 + 1999) / 1000;
    const above = (thousandths * 3 / 20 + other * 4 / 5 + 1999) / 1000;
    return .{ .tokens = tokens, .at_least = @max(1, tokens -| below), .at_most = tokens + above };
}

const Piece = struct { kind: enum { letters, digits, marks, space, symbols }, script: Script = .ascii, len: u32 = 0, pictographs: u32 = 0, before_letter: bool = false };

fn price(piece: Piece) u64 {
    switch (piece.kind) {
        .digits => return @as(u64, (piece.len + 2) / 3) * 1000,
        .space => return 1000,
        .marks => return if (piece.before_letter) markRun(piece.len - 1) + mark_before_letter else markRun(piece.len),
        .symbols => return @as(u64, piece.pictographs) * pictograph + @as(u64, piece.len) * symbol,
        .letters => {},
    }
    if (piece.script != .ascii) {
        const cost = costs.get(piece.script);
        return @max(1000, cost.word + @as(u64, cost.letter) * piece.len);
    }
    if (piece.len < ascii_words.len) return ascii_words[piece.len];
    return ascii_words[ascii_words.len - 1] + @as(u64, piece.len - ascii_words.len + 1) * ascii_more;
}

fn markRun(len: u32) u64 {
    return if (len == 0) 0 else if (len <= 2) 1000 else 1000 + @as(u64, len - 2) * 250;
}

const Class = enum { lower, upper, letter, digit, newline, space, mark, symbol, pictograph, extend };

fn classOf(char: unicode.Char) Class {
    const kind = char.kind;
    if (char.code == '\n' or char.code == '\r') return .newline;
    if (kind.space) return .space;
    if (kind.wb == .numeric) return .digit;
    if (kind.letter) return if (char.code < 128) (if (std.ascii.isUpper(@intCast(char.code))) .upper else .lower) else if (kind.lower) .lower else .letter;
    if (kind.wb == .extend or kind.wb == .format or kind.wb == .zwj or kind.gcb == .spacingmark) return .extend;
    if (kind.pict and char.code > 0x2000) return .pictograph;
    return if (char.code < 128) .mark else .symbol;
}

fn scriptOf(code: u21) Script {
    return switch (code) {
        0...0x7f => .ascii,
        0x80...0x24f, 0x1e00...0x1eff => .latin,
        0x370...0x3ff, 0x1f00...0x1fff => .greek,
        0x400...0x52f => .cyrillic,
        0x590...0x77f => .semitic,
        0x900...0xdff => .indic,
        0xe00...0xeff => .thai,
        0x1100...0x11ff, 0x3130...0x318f, 0xac00...0xd7ff => .hangul,
        0x3040...0x30ff => .kana,
        0x3400...0x9fff, 0xf900...0xfaff, 0x20000...0x3ffff => .han,
        else => .other,
    };
}

const Cutter = struct {
    chars: unicode.Chars,
    /// Whether a line end would be part of the piece before it.
    glued: bool = false,

    fn next(self: *Cutter) ?Piece {
        while (self.chars.next()) |char| {
            const class = classOf(char);
            const glued = self.glued;
            self.glued = false;
            switch (class) {
                .newline => if (self.newlines(glued)) return .{ .kind = .space, .len = 1 },
                .space => if (self.spaces(char)) return .{ .kind = .space, .len = 1 },
                .digit => return .{ .kind = .digits, .len = 1 + self.count(.digit) },
                .mark => {
                    self.glued = true;
                    const len = 1 + self.count(.mark);
                    const after = self.chars.peek();
                    return .{ .kind = .marks, .len = len, .before_letter = after != null and after.?.kind.letter and classOf(after.?) != .digit };
                },
                .symbol => return .{ .kind = .symbols, .len = 1 },
                .pictograph => return .{ .kind = .symbols, .pictographs = 1 },
                .extend => {},
                .lower, .upper, .letter => return self.letters(char, class),
            }
        }
        return null;
    }

    fn count(self: *Cutter, class: Class) u32 {
        var n: u32 = 0;
        while (self.chars.peek()) |char| {
            if (classOf(char) != class) break;
            self.chars.at = char.end;
            n += 1;
        }
        return n;
    }

    /// Line ends and the white space between them are one token, or none after punctuation.
    fn newlines(self: *Cutter, glued: bool) bool {
        _ = self.count(.newline);
        return !glued;
    }

    /// One space goes with what follows; more are a token of their own.
    fn spaces(self: *Cutter, first: unicode.Char) bool {
        const more = self.count(.space);
        const after = self.chars.peek() orelse return true;
        if (classOf(after) == .newline) return false;
        return more > 0 or first.code != ' ';
    }

    /// Letters of one script; a capital after a small letter begins a new piece.
    fn letters(self: *Cutter, first: unicode.Char, class: Class) Piece {
        var script = scriptOf(first.code);
        var last = class;
        var len: u32 = 1;
        while (self.chars.peek()) |char| {
            const now = classOf(char);
            if (now == .extend) {
                len += 1;
                self.chars.at = char.end;
                continue;
            }
            if (now != .lower and now != .upper and now != .letter) break;
            if (now == .upper and last == .lower) break;
            const other = scriptOf(char.code);
            if (other != script) {
                if ((script == .ascii or script == .latin) and (other == .ascii or other == .latin)) script = .latin else break;
            }
            last = now;
            len += 1;
            self.chars.at = char.end;
        }
        return .{ .kind = .letters, .script = script, .len = len };
    }
};
