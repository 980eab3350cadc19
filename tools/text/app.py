"""The functions of the world ``text``: texts and records in and out, problems as errors."""

from __future__ import annotations

import re
from functools import wraps

import wit_world
from componentize_py_types import Err
from wit_world import (
    Difference,
    Explanation,
    Group,
    Match,
    Merged,
    Options,
    Part,
    Piece_Added,
    Piece_Removed,
    Piece_Same,
    TestResult,
)

import lines
import patterns
from problem import Problem

FLAGS = {
    Options.IGNORE_CASE: re.IGNORECASE,
    Options.MULTILINE: re.MULTILINE,
    Options.DOT_ALL: re.DOTALL,
    Options.VERBOSE: re.VERBOSE,
    Options.ASCII: re.ASCII,
}
PIECES = {"same": Piece_Same, "added": Piece_Added, "removed": Piece_Removed}
USUAL_MATCHES = 50
MOST_MATCHES = 1000
USUAL_CONTEXT = 3


def answering(function):
    """Turns a ``Problem`` into the error of the WIT result."""

    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except Problem as problem:
            raise Err(f"{problem}.") from None
        except RecursionError:
            raise Err("the pattern is nested too deep.") from None

    return call


def _flags(options: Options) -> int:
    return sum(value for option, value in FLAGS.items() if option in options)


def _shown(found: re.Match[str], line: int, line_start: int) -> Match:
    names = {number: name for name, number in found.re.groupindex.items()}
    groups = [
        Group(n, names.get(n), found.group(n), None if found.group(n) is None else found.span(n))
        for n in range(1, found.re.groups + 1)
    ]
    return Match(found.group(), found.span(), line, found.start() - line_start + 1, groups)


class WitWorld(wit_world.WitWorld):
    """What the component exports."""

    @answering
    def regex_test(self, pattern: str, text: str, options: Options, limit: int | None) -> TestResult:
        most = USUAL_MATCHES if limit is None else limit
        if most > MOST_MATCHES:
            raise Problem(f"limit is at most {MOST_MATCHES}, not {most}")
        shown, count, line, line_start, seen = [], 0, 1, 0, 0
        for found in patterns.compiled(pattern, _flags(options)).finditer(text):
            count += 1
            if count <= most:
                line += text.count("\n", seen, found.start())
                line_start = text.rfind("\n", 0, found.start()) + 1
                seen = found.start()
                shown.append(_shown(found, line, line_start))
        return TestResult(count, shown)

    @answering
    def regex_replace(self, pattern: str, text: str, replacement: str, options: Options, count: int | None) -> str:
        if count == 0:
            return text
        try:
            return patterns.compiled(pattern, _flags(options)).sub(replacement, text, count=count or 0)
        except (re.error, IndexError) as error:
            raise Problem(f"the replacement is wrong: {error}") from None

    @answering
    def regex_explain(self, pattern: str, options: Options) -> Explanation:
        found = patterns.Explanation(pattern, _flags(options))
        return Explanation([Part(depth, words) for depth, words in found.parts], found.groups, found.warnings)

    def diff(self, before: str, after: str, context: int | None, name: str | None) -> Difference:
        old, new = lines.split(before), lines.split(after)
        around = USUAL_CONTEXT if context is None else min(context, len(old))
        shown = (name or "text").replace("\n", " ").replace("\r", " ")
        codes = lines.matching(old, new)
        changed = [code for code in codes if code[0] != "equal"]
        removed, added = sum(b - a for _, a, b, _, _ in changed), sum(d - c for _, _, _, c, d in changed)
        both = len(old) + len(new)
        similarity = 1.0 if not both else 2 * (len(old) - removed) / both
        return Difference(lines.unified(old, new, around, shown), added, removed, similarity)

    def diff_words(self, before: str, after: str) -> list[Piece_Same | Piece_Added | Piece_Removed]:
        return [PIECES[kind](text) for kind, text in lines.words(before, after)]

    @answering
    def patch(self, text: str, patch: str, reverse: bool) -> str:
        hunks = lines.read_patch(patch)
        if reverse:
            shift = 0
            for hunk in hunks:
                grown = len(hunk.new) - len(hunk.old)
                hunk.old, hunk.new, hunk.start = hunk.new, hunk.old, hunk.start + shift
                shift += grown
        return lines.apply(text, hunks)

    def merge(self, base: str, ours: str, theirs: str) -> Merged:
        return Merged(*lines.merge(*map(lines.split, (base, ours, theirs))))
