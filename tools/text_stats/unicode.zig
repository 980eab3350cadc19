//! Code points of a text with their properties, and where grapheme clusters begin (UAX #29, GB3 to GB13).

const tables = @import("tables.zig");

pub const Kind = tables.Kind;

const ascii = blk: {
    @setEvalBranchQuota(100_000);
    var found: [128]u8 = undefined;
    for (&found, 0..) |*index, code| index.* = search(code);
    break :blk found;
};

fn search(code: u21) u8 {
    var low: usize = 0;
    var high: usize = tables.ranges.len;
    while (high - low > 1) {
        const middle = (low + high) / 2;
        if (tables.ranges[middle] >> 8 <= code) low = middle else high = middle;
    }
    return @truncate(tables.ranges[low]);
}

pub const Char = struct { code: u21, kind: *const Kind, begin: usize, end: usize };

/// The code points of UTF-8, which the host has checked; what is none all the same is one byte long.
pub const Chars = struct {
    text: []const u8,
    at: usize = 0,

    pub fn next(self: *Chars) ?Char {
        if (self.at >= self.text.len) return null;
        const begin = self.at;
        const first = self.text[begin];
        if (first < 0x80) {
            self.at += 1;
            return .{ .code = first, .kind = &tables.kinds[ascii[first]], .begin = begin, .end = self.at };
        }
        const len: usize = if (first < 0xe0) 2 else if (first < 0xf0) 3 else 4;
        var code: u21 = first & (@as(u8, 0xff) >> @intCast(len + 1));
        self.at = @min(begin + len, self.text.len);
        for (self.text[begin + 1 .. self.at]) |byte| code = code << 6 | (byte & 0x3f);
        return .{ .code = code, .kind = &tables.kinds[search(code)], .begin = begin, .end = self.at };
    }

    pub fn peek(self: Chars) ?Char {
        var copy = self;
        return copy.next();
    }
};

/// Told every code point in turn, says before which of them a grapheme cluster begins.
pub const Graphemes = struct {
    previous: ?tables.Gcb = null,
    odd_indicators: bool = false,
    pictograph: enum { none, seen, joined } = .none,
    conjunct: enum { none, consonant, linked } = .none,

    pub fn begins(self: *Graphemes, kind: *const Kind) bool {
        const answer = if (self.previous) |before| self.breaks(before, kind) else true;
        self.odd_indicators = kind.gcb == .ri and !(self.odd_indicators and !answer);
        self.pictograph = if (kind.pict) .seen else if (self.pictograph == .none) .none else switch (kind.gcb) {
            .extend => if (self.pictograph == .seen) .seen else .none,
            .zwj => if (self.pictograph == .seen) .joined else .none,
            else => .none,
        };
        self.conjunct = switch (kind.incb) {
            .consonant => .consonant,
            .linker => if (self.conjunct == .none) .none else .linked,
            .extend => self.conjunct,
            .none => .none,
        };
        self.previous = kind.gcb;
        return answer;
    }

    fn breaks(self: Graphemes, before: tables.Gcb, kind: *const Kind) bool {
        const now = kind.gcb;
        if (before == .cr and now == .lf) return false;
        if (isControl(before) or isControl(now)) return true;
        if (now == .extend or now == .zwj or now == .spacingmark or before == .prepend) return false;
        if (before == .l and (now == .l or now == .v or now == .lv or now == .lvt)) return false;
        if ((before == .lv or before == .v) and (now == .v or now == .t)) return false;
        if ((before == .lvt or before == .t) and now == .t) return false;
        if (self.conjunct == .linked and kind.incb == .consonant) return false;
        if (self.pictograph == .joined and kind.pict) return false;
        return !(self.odd_indicators and now == .ri);
    }

    fn isControl(gcb: tables.Gcb) bool {
        return gcb == .control or gcb == .cr or gcb == .lf;
    }
};

pub fn graphemes(text: []const u8) u64 {
    var chars: Chars = .{ .text = text };
    var clusters: Graphemes = .{};
    var count: u64 = 0;
    while (chars.next()) |char| count += @intFromBool(clusters.begins(char.kind));
    return count;
}
