"""Where a place in a bundle came from, by the source map that esbuild writes beside it. Pure.

The map's ``mappings`` are lines parted by ``;`` and segments by ``,``; each
segment is up to five numbers in base 64, each relative to the one before:
column in the bundle, source, line and column in it, name. Source: ECMA-426.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

DIGITS = {letter: value for value, letter in enumerate(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceMap:
    """The places of a bundle.

    ``lines`` has for each of its lines (column, source, line, column), columns
    and lines from 0, in the order of the first.
    """

    sources: tuple[str, ...]
    lines: tuple[tuple[tuple[int, int, int, int], ...], ...]

    def place(self, line: int, column: int) -> tuple[str, int, int] | None:
        """File, line and column (from 1) of the place at ``line`` and ``column`` (from 1) of the bundle."""
        segments = self.lines[line - 1] if 0 < line <= len(self.lines) else ()
        found = bisect_right(segments, column - 1, key=lambda segment: segment[0])
        if found == 0:
            return None
        _, source, original, start = segments[found - 1]
        return self.sources[source], original + 1, start + 1

    def tell(self, text: str, bundle: str) -> str:
        """``text`` with the places in the file ``bundle`` as places in the sources, where they are known."""

        def told(found: re.Match[str]) -> str:
            place = self.place(int(found[1]), int(found[2]))
            return found[0] if place is None else ":".join(map(str, place))

        return re.sub(rf"/?{re.escape(bundle)}:(\d{{1,9}}):(\d{{1,9}})", told, text)


def read_source_map(text: bytes, folder: str) -> SourceMap:
    """The map in ``text``; ``folder`` is taken off the names of its sources."""
    document = json.loads(text)
    source = line = column = 0
    lines = []
    for row in document["mappings"].split(";"):
        segments, start = [], 0
        for segment in filter(None, row.split(",")):
            numbers = [*_numbers(segment)]
            start += numbers[0]
            # A segment of one number is of no source.
            if len(numbers) > 1:
                source, line, column = source + numbers[1], line + numbers[2], column + numbers[3]
                segments.append((start, source, line, column))
        lines.append(tuple(segments))
    return SourceMap(tuple(name.removeprefix(folder) for name in document["sources"]), tuple(lines))


def _numbers(segment: str) -> Iterator[int]:
    """Numbers of five bits a digit, the lowest first; the lowest bit of all is the sign."""
    value = shift = 0
    for letter in segment:
        digit = DIGITS[letter]
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0
