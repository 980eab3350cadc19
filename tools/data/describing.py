"""What a JSON document of unknown shape holds."""

from __future__ import annotations

from collections import Counter

from jsontext import kind, short

LONGEST_EXAMPLE = 60
MOST_PATHS = 20_000


class Outline:
    """Paths, with ``*`` for array elements, and what was seen at each."""

    def __init__(self, document: object) -> None:
        self.values = self.depth = 0
        self.kinds: dict[str, Counter[str]] = {}
        self.examples: dict[str, str] = {}
        self._walk(document, "", 0)

    def _walk(self, value: object, path: str, depth: int) -> None:
        self.values += 1
        self.depth = max(self.depth, depth)
        name = kind(value)
        # Objects whose names are data would give a path a value; past a bound they are only counted.
        if path in self.kinds or len(self.kinds) < MOST_PATHS:
            self.kinds.setdefault(path, Counter())[name] += 1
            if path not in self.examples or (self.examples[path] == "null" and value is not None):
                self.examples[path] = _example(value)
        if isinstance(value, dict):
            for key, inner in value.items():
                self._walk(inner, f"{path}/{key.replace('~', '~0').replace('/', '~1')}", depth + 1)
        elif isinstance(value, list):
            for inner in value:
                self._walk(inner, f"{path}/*", depth + 1)


def _example(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{len(value)} names}}"
    if isinstance(value, list):
        return f"[{len(value)} elements]"
    return short(value, LONGEST_EXAMPLE)
