"""Two JSON documents compared by value."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType

from jsontext import number_key, pointer, short

MOST = 1000
LONG = 500


@dataclass
class Difference:
    """A place where two documents differ; one side is missing where something was added or removed."""

    path: str
    kind: str
    before: str | None
    after: str | None


def differences(before: object, after: object) -> list[Difference]:
    """At most ``MOST`` of them, in document order."""
    found: list[Difference] = []
    _compare(Side(before, plain(before)), Side(after, plain(after)), (), found)
    return found[:MOST]


def equal(left: object, right: object) -> bool:
    """By value: 1 and 1.0 are equal, 1 and true are not."""
    return plain(left) == plain(right)


def plain(value: object) -> object:
    """The value in a form that Python compares as JSON should be: no number equals a boolean, digits count."""
    if isinstance(value, (str, NoneType)):
        return value
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return (value, "boolean") if isinstance(value, bool) else (number_key(value),)


@dataclass
class Side:
    """A value as it was read, and in its plain form."""

    value: object
    plain: object

    def inner(self, key: str | int) -> Side:
        """One of the values in it."""
        return Side(self.value[key], self.plain[key])


def _compare(before: Side, after: Side, path: tuple[str | int, ...], found: list[Difference]) -> None:
    if len(found) >= MOST or before.plain == after.plain:
        return
    if isinstance(before.value, dict) and isinstance(after.value, dict):
        for name, value in before.value.items():
            if name in after.value:
                _compare(before.inner(name), after.inner(name), (*path, name), found)
            else:
                found.append(Difference(pointer(*path, name), "removed", short(value, LONG), None))
        for name, value in after.value.items():
            if name not in before.value:
                found.append(Difference(pointer(*path, name), "added", None, short(value, LONG)))
    elif isinstance(before.value, list) and isinstance(after.value, list):
        _compare_lists(before, after, path, found)
    else:
        found.append(Difference(pointer(*path), "changed", short(before.value, LONG), short(after.value, LONG)))


def _compare_lists(before: Side, after: Side, path: tuple[str | int, ...], found: list[Difference]) -> None:
    """What both begin and end with is the same; of the middle, elements are paired in order."""
    old, new = before.plain, after.plain
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    paired = shorter - head - tail
    for n in range(head, head + paired):
        _compare(before.inner(n), after.inner(n), (*path, n), found)
    for n in range(head + paired, len(old) - tail):
        found.append(Difference(pointer(*path, n), "removed", short(before.value[n], LONG), None))
    for n in range(head + paired, len(new) - tail):
        found.append(Difference(pointer(*path, n), "added", None, short(after.value[n], LONG)))
