//! The functions of the world.

const std = @import("std");
const bindings = @import("bindings");
const frequency = @import("frequency.zig");
const shape = @import("shape.zig");
const tokens = @import("tokens.zig");
const unicode = @import("unicode.zig");

/// A mistake traps; the texts of a panic would be most of the component.
pub const panic = std.debug.no_panic;

const words_a_minute = 238;
const characters_a_minute = 390;
const most_words = 1000;

/// Blocks that live until the call returns. `wit_alloc` traps when there is no memory left.
const allocator: std.mem.Allocator = .{ .ptr = undefined, .vtable = &.{
    .alloc = struct {
        fn alloc(_: *anyopaque, len: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
            return @ptrCast(bindings.wit_alloc(len, alignment.toByteUnits()));
        }
    }.alloc,
    .resize = std.mem.Allocator.noResize,
    .remap = std.mem.Allocator.noRemap,
    .free = std.mem.Allocator.noFree,
} };

fn slice(text: bindings.wit_string_t) []const u8 {
    return if (text.len == 0) "" else text.ptr[0..text.len];
}

fn string(text: []const u8) bindings.wit_string_t {
    return .{ .ptr = text.ptr, .len = text.len };
}

fn estimated(text: []const u8) bindings.text_stats_token_estimate_t {
    const found = tokens.estimate(text);
    return .{ .tokens = found.tokens, .at_least = found.at_least, .at_most = found.at_most };
}

export fn text_stats_tokens(args: *const bindings.text_stats_tokens_args_t, result: *bindings.text_stats_token_estimate_t) void {
    result.* = estimated(slice(args.text));
}

export fn text_stats_count(args: *const bindings.text_stats_count_args_t, result: *bindings.text_stats_counts_t) void {
    const text = slice(args.text);
    const lines = shape.lines(text);
    var words: u64 = 0;
    var east: u64 = 0;
    var found = @import("words.zig").Words.of(text);
    while (found.next()) |word| {
        words += 1;
        east += @intFromBool(word.east);
    }
    result.* = .{
        .bytes = text.len,
        .words = words,
        .different_words = frequency.tally(allocator, text, .{}).len,
        .sentences = shape.sentences(text),
        .lines = lines.lines,
        .blank_lines = lines.blank,
        .paragraphs = lines.paragraphs,
        .longest_line = lines.longest,
        .reading_seconds = ((words - east) * 60 + words_a_minute / 2) / words_a_minute + (east * 60 + characters_a_minute / 2) / characters_a_minute,
        .tokens = estimated(text),
    };
    characters(text, result);
}

fn characters(text: []const u8, result: *bindings.text_stats_counts_t) void {
    var chars: unicode.Chars = .{ .text = text };
    var clusters: unicode.Graphemes = .{};
    while (chars.next()) |char| {
        const begins = clusters.begins(char.kind);
        result.code_points += 1;
        result.graphemes += @intFromBool(begins);
        result.graphemes_without_space += @intFromBool(begins and !char.kind.space);
    }
}

export fn text_stats_top_words(args: *const bindings.text_stats_top_words_args_t, result: *bindings.text_stats_result_list_word_count_string_t) void {
    var options: frequency.Options = .{};
    if (args.options.is_some) {
        const given = args.options.val;
        if (given.limit.is_some) options.limit = given.limit.val;
        if (given.shortest.is_some) options.shortest = given.shortest.val;
        options.skip_common = given.skip_common.is_some and given.skip_common.val;
        options.skip_numbers = given.skip_numbers.is_some and given.skip_numbers.val;
    }
    result.is_err = options.limit == 0 or options.limit > most_words;
    if (result.is_err) {
        result.val.err = string("limit must be from 1 to 1000");
        return;
    }
    const entries = frequency.tally(allocator, slice(args.text), options);
    frequency.most(entries);
    const given = entries[0..@min(options.limit, entries.len)];
    // Of an empty list too the host wants a place in memory.
    const list = allocator.alloc(bindings.text_stats_word_count_t, given.len + 1) catch unreachable;
    for (list[0..given.len], given) |*item, entry| item.* = .{ .word = string(entry.word), .count = entry.count };
    result.val.ok = .{ .ptr = list.ptr, .len = given.len };
}
