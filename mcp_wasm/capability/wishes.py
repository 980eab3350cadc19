"""What a component wishes for: its imports beyond base WASI, and what its manifest asks a person for.

Pure. A wish gives nothing. It is shown to the person who decides, and recorded
with the decision: other bytes of a trusted name keep their grants only while
their wishes did not grow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mcp_wasm.capability.capability import need

_LONGEST = 400


def of_imports(imports: Iterable[str]) -> frozenset[str]:
    """The imports beyond base WASI, without their versions."""
    needs = map(need, imports)
    return frozenset(_cut(_plain(each.interface).replace(" ", "_")) for each in needs if each.kind != "base")


def wishes(imports: Iterable[str], manifest: Mapping[str, Any]) -> frozenset[str]:
    """All that a component wishes for, one short text each; never fails, whatever a manifest says.

    A line of the manifest is a table under ``wishes`` (``[[wishes.network]]``), in the form of a grant,
    with an optional ``reason``, which is for people and no part of the wish:
    ``network hosts=["api.example.com"]``.
    """
    return of_imports(imports) | frozenset(wish for wish, _ in lines(manifest))


def lines(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The wishes in a manifest with the reason that its author gives for each (or ``""``)."""
    return (line(kind, table) for kind, table in tables(manifest))


def tables(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables of wishes in a manifest, as they stand there, with the kind of each."""
    kinds = manifest.get("wishes")
    for kind, found in kinds.items() if isinstance(kinds, Mapping) else ():
        for table in found if isinstance(found, list) else [found]:
            if isinstance(table, Mapping):
                yield str(kind), table


def line(kind: str, table: Mapping[str, Any]) -> tuple[str, str]:
    """One table of a manifest as a wish, and its reason."""
    reason = table.get("reason", "")
    return _line(kind, table), reason if isinstance(reason, str) else ""


def _line(kind: str, table: Mapping[str, Any]) -> str:
    parts = (f"{_plain(key)}={_value(table[key])}" for key in sorted(table) if key != "reason")
    return _cut(f"{_plain(kind)} {' '.join(parts)}")


def _cut(line: str) -> str:
    if len(line) <= _LONGEST:
        return line
    # Still another line where what is cut off is another.
    return f"{line[:_LONGEST]}…{hashlib.sha256(line.encode()).hexdigest()}"


def _plain(key: str) -> str:
    return json.dumps(key, ensure_ascii=True)[1:-1]


def _value(value: Any) -> str:
    try:
        values = sorted(value, key=str) if isinstance(value, list) else value
        return json.dumps(values, ensure_ascii=True, default=str, separators=(",", ":"))
    except (ValueError, RecursionError):  # numbers of thousands of digits, which Python does not write
        return "?"
