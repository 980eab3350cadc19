//! How often each word stands in a text, without regard to case.

const std = @import("std");
const bindings = @import("bindings");
const unicode = @import("unicode.zig");
const Words = @import("words.zig").Words;

pub const Options = struct { limit: usize = 20, shortest: u64 = 1, skip_common: bool = false, skip_numbers: bool = false };

pub const Entry = struct { word: []const u8, count: u64, order: usize };

const common = std.StaticStringMap(void).initComptime(blk: {
    @setEvalBranchQuota(20_000);
    const list = "a about after all also am an and any are as at be because been before being between both but by can " ++
        "could did do does down each for from had has have he her here him his how i if in into is it it's its just me " ++
        "more most my no not now of off on one only or other our out over she so some such than that the their them " ++
        "then there these they this those through to too up us very was we were what when where which while who why " ++
        "will with would you your";
    var count: usize = 0;
    var counting = std.mem.tokenizeScalar(u8, list, ' ');
    while (counting.next()) |_| count += 1;
    var pairs: [count]struct { []const u8 } = undefined;
    var words = std.mem.tokenizeScalar(u8, list, ' ');
    for (&pairs) |*pair| pair.* = .{words.next().?};
    const made = pairs;
    break :blk made;
});

/// Different words of the text with their counts, in the order of the text.
pub fn tally(allocator: std.mem.Allocator, text: []const u8, options: Options) []Entry {
    var index: std.StringHashMapUnmanaged(usize) = .empty;
    var entries: std.ArrayListUnmanaged(Entry) = .empty;
    var words = Words.of(text);
    while (words.next()) |word| {
        if (word.number and options.skip_numbers) continue;
        if (options.shortest > 1 and unicode.graphemes(word.text) < options.shortest) continue;
        const lower = lowered(allocator, word.text);
        if (options.skip_common and common.has(lower)) continue;
        const found = index.getOrPut(allocator, lower) catch unreachable;
        if (found.found_existing) {
            entries.items[found.value_ptr.*].count += 1;
        } else {
            found.value_ptr.* = entries.items.len;
            entries.append(allocator, .{ .word = lower, .count = 1, .order = entries.items.len }) catch unreachable;
        }
    }
    return entries.items;
}

pub fn most(entries: []Entry) void {
    std.mem.sort(Entry, entries, {}, struct {
        fn before(_: void, left: Entry, right: Entry) bool {
            return if (left.count != right.count) left.count > right.count else left.order < right.order;
        }
    }.before);
}

/// In lower case, with the apostrophe of keyboards; the text itself where that is so already.
fn lowered(allocator: std.mem.Allocator, text: []const u8) []const u8 {
    var chars: unicode.Chars = .{ .text = text };
    while (chars.next()) |char| {
        if (small(char.code) != char.code) break;
    } else return text;
    // No letter gets longer: all of them keep their block, and the apostrophe gets shorter.
    const out = allocator.alloc(u8, text.len) catch unreachable;
    var len: usize = 0;
    chars = .{ .text = text };
    while (chars.next()) |char| len += std.unicode.utf8Encode(small(char.code), out[len..]) catch 0;
    return out[0..len];
}

/// The small letter of a capital in the Latin, Greek, Cyrillic and Armenian alphabets.
fn small(code: u21) u21 {
    return switch (code) {
        'A'...'Z', 0xc0...0xd6, 0xd8...0xde, 0x391...0x3a1, 0x3a3...0x3ab, 0x410...0x42f => code + 32,
        0x100...0x12f, 0x132...0x137, 0x14a...0x177, 0x460...0x481, 0x48a...0x4bf, 0x4d0...0x52f, 0x1e00...0x1e95, 0x1ea0...0x1eff => code | 1,
        0x139...0x148, 0x179...0x17e => code + (code & 1),
        0x400...0x40f => code + 80,
        0x531...0x556 => code + 48,
        0x2019 => '\'',
        else => code,
    };
}
