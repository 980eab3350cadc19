"""Texts compared, patched and merged by lines; a last line without a line break is another line than one with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from problem import Problem

NO_BREAK = "\\ No newline at end of file"
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
WORDS = re.compile(r"\s+|\w+|[^\w\s]")


def split(text: str) -> list[str]:
    """Lines with their line breaks; only \\n ends a line."""
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def matching(before: list[str], after: list[str]) -> list[tuple[str, int, int, int, int]]:
    """Opcodes as difflib's; what both begin and end with is taken off first, which is most of most texts."""
    shorter = min(len(before), len(after))
    head = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    tail = next((n for n in range(shorter - head) if before[-1 - n] != after[-1 - n]), shorter - head)
    middle = SequenceMatcher(None, before[head : len(before) - tail], after[head : len(after) - tail], autojunk=False)
    codes = [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in middle.get_opcodes()]
    if head:
        codes.insert(0, ("equal", 0, head, 0, head))
    if tail:
        codes.append(("equal", len(before) - tail, len(before), len(after) - tail, len(after)))
    return codes


def unified(before: list[str], after: list[str], context: int, name: str) -> str:
    """A unified diff, as `patch` and git read it; empty when there is no difference."""
    codes = [code for code in matching(before, after) if code[0] != "equal"]
    if not codes:
        return ""
    out = [f"--- a/{name}\n", f"+++ b/{name}\n"]
    for group in _hunks(codes, context):
        out += _hunk(before, after, group, context)
    return "".join(out)


def _hunks(codes: list[tuple[str, int, int, int, int]], context: int) -> list[list[tuple[str, int, int, int, int]]]:
    """Changes that are nearer than twice the context are one hunk."""
    groups = [[codes[0]]]
    for code in codes[1:]:
        if code[1] - groups[-1][-1][2] <= 2 * context:
            groups[-1].append(code)
        else:
            groups.append([code])
    return groups


def _hunk(before: list[str], after: list[str], group: list[tuple[str, int, int, int, int]], context: int) -> list[str]:
    first, last = group[0], group[-1]
    lead = min(context, first[1])
    trail = min(context, len(before) - last[2])
    start, end = first[1] - lead, last[2] + trail
    new_start, new_end = first[3] - lead, last[4] + trail
    out = [f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n"]
    at = start
    for _, a, b, c, d in group:
        out += [_line(" ", line) for line in before[at:a]]
        out += [_line("-", line) for line in before[a:b]]
        out += [_line("+", line) for line in after[c:d]]
        at = b
    return out + [_line(" ", line) for line in before[at:end]]


def _range(start: int, end: int) -> str:
    count = end - start
    # An empty range names the line before it.
    return f"{start + (count > 0)}" if count == 1 else f"{start + (count > 0)},{count}"


def _line(mark: str, line: str) -> str:
    return mark + line if line.endswith("\n") else f"{mark}{line}\n{NO_BREAK}\n"


@dataclass
class Hunk:
    """Lines to find and lines to put there; ``start`` is counted from 0 in the text before."""

    start: int
    old: list[str]
    new: list[str]


def read_patch(text: str) -> list[Hunk]:
    """The hunks of a unified diff of one file."""
    lines = text.split("\n")
    hunks: list[Hunk] = []
    files = at = 0
    while at < len(lines):
        match = HUNK.match(lines[at])
        if match:
            hunk, at = _read_hunk(lines, at + 1, match, len(hunks) + 1)
            hunks.append(hunk)
            continue
        if lines[at].startswith("--- "):
            files += 1
        at += 1
    if files > 1:
        raise Problem(f"the patch changes {files} files; give the part of one file")
    if not hunks and text.strip():
        raise Problem("the patch has no hunks: a unified diff has lines such as @@ -1,3 +1,4 @@")
    return hunks


def _read_hunk(lines: list[str], at: int, match: re.Match[str], number: int) -> tuple[Hunk, int]:
    old_count, new_count = (int((match[n] or "1")[:9]) for n in (2, 4))
    old: list[str] = []
    new: list[str] = []
    while len(old) < old_count or len(new) < new_count:
        # Mailers and models drop the space of an empty line.
        line = lines[at] if at < len(lines) else "@"
        mark, rest = (line[:1] or " "), line[1:]
        if mark not in " +-":
            raise Problem(f"hunk {number} ends before its {old_count} old and {new_count} new lines are there")
        if mark in " -":
            old.append(rest + "\n")
        if mark in " +":
            new.append(rest + "\n")
        at += 1
        if at < len(lines) and lines[at].startswith("\\"):
            for side in [old] * (mark in " -") + [new] * (mark in " +"):
                side[-1] = side[-1][:-1]
            at += 1
    if len(old) > old_count or len(new) > new_count:
        raise Problem(f"hunk {number} has more lines than its head says")
    return Hunk(max(0, int(match[1][:9]) - (old_count > 0)), old, new), at


def apply(text: str, hunks: list[Hunk]) -> str:
    """The text with every hunk applied, each where it fits nearest to where it says."""
    lines, out, at, moved = split(text), [], 0, 0
    for number, hunk in enumerate(hunks, 1):
        place = _find(lines, hunk, at, moved)
        if place is None:
            raise Problem(f"{_why(lines, hunk, number, moved)}; nothing was changed")
        moved = place - hunk.start
        out += lines[at:place] + hunk.new
        at = place + len(hunk.old)
    return "".join(out + lines[at:])


def _find(lines: list[str], hunk: Hunk, least: int, moved: int) -> int | None:
    guess, last = hunk.start + moved, len(lines) - len(hunk.old)
    if not hunk.old:
        return guess if least <= guess <= len(lines) else None
    # Over the lines that are there, not over distances: a hunk may say that it is at line 999,999,999.
    fits = [n for n in range(least, last + 1) if lines[n] == hunk.old[0] and lines[n : n + len(hunk.old)] == hunk.old]
    return min(fits, key=lambda place: (abs(place - guess), place < guess), default=None)


def _why(lines: list[str], hunk: Hunk, number: int, moved: int) -> str:
    """The first line that differs where the hunk should be."""
    for n, wanted in enumerate(hunk.old):
        at = hunk.start + moved + n
        found = lines[at] if 0 <= at < len(lines) else None
        if found != wanted:
            there = "the text ends" if found is None else f"there is {found[:80]!r}"
            return f"hunk {number} does not fit: line {at + 1} should be {wanted[:80]!r}, but {there}"
    return f"hunk {number} does not fit"


def words(before: str, after: str) -> list[tuple[str, str]]:
    """Same, added and removed pieces, in order."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    pieces: list[tuple[str, str]] = []
    for tag, a, b, c, d in matching(old, new):
        if tag == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        if b > a:
            pieces.append(("removed", "".join(old[a:b])))
        if d > c:
            pieces.append(("added", "".join(new[c:d])))
    return pieces


def merge(base: list[str], ours: list[str], theirs: list[str]) -> tuple[str, int]:
    """Three-way merge: what one side alone changed is taken, what both changed differently is a conflict."""
    changes = [[code for code in matching(base, side) if code[0] != "equal"] for side in (ours, theirs)]
    out: list[str] = []
    at = conflicts = 0
    shift = [0, 0]
    while changes[0] or changes[1]:
        start = min(side[0][1] for side in changes if side)
        end, taken = _overlap(changes, start)
        out += base[at:start]
        sides = []
        for n, side in enumerate((ours, theirs)):
            grown = sum((d - c) - (b - a) for _, a, b, c, d in taken[n])
            sides.append(side[start + shift[n] : end + shift[n] + grown])
            shift[n] += grown
        if sides[0] == sides[1] or sides[1] == base[start:end]:
            out += sides[0]
        elif sides[0] == base[start:end]:
            out += sides[1]
        else:
            conflicts += 1
            out += ["<<<<<<< ours\n", *_ended(sides[0]), "=======\n", *_ended(sides[1]), ">>>>>>> theirs\n"]
        at = end
    return "".join(out + base[at:]), conflicts


def _overlap(
    changes: list[list[tuple[str, int, int, int, int]]], start: int
) -> tuple[int, list[list[tuple[str, int, int, int, int]]]]:
    """The end of the changes that touch each other from ``start`` on, which are taken off both lists."""
    end, taken = start, [[], []]
    grew = True
    while grew:
        grew = False
        for side, got in zip(changes, taken, strict=True):
            while side and side[0][1] <= end:
                code = side.pop(0)
                got.append(code)
                end, grew = max(end, code[2]), True
    return end, taken


def _ended(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-1] + "\n"] if lines and not lines[-1].endswith("\n") else lines
