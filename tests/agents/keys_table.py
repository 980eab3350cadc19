"""The tables of keys in ``docs/agents.md``, made from the tables that the reader uses.

``python -m tests.agents.keys_table`` prints them.
"""

from __future__ import annotations

import sys

from mcp_wasm.agents.tree_keys import TABLES, Key, default
from mcp_wasm.capability.sizes import show_size

_MUST = {"component"}


def rows(table: str) -> list[str]:
    """A heading and a row for each key of ``table``."""
    found = ["| key | what it is | without it |", "|---|---|---|"]
    return [*found, *(f"| `{key.name}` | {_what(key)} | {_without(table, key)} |" for key in TABLES[table])]


def _what(key: Key) -> str:
    return f"{key.docs}: {', '.join(f'`{each}`' for each in key.choices)}" if key.choices else key.docs


def _without(table: str, key: Key) -> str:
    usual = default(table, key)
    if key.name in _MUST or (table == "supervisors.NAME" and key.name == "children"):
        return "must be given"
    if usual is None or usual == {}:
        return "–"
    if isinstance(usual, bool):
        return f"`{str(usual).lower()}`"
    if key.type == "size" and isinstance(usual, int):
        return f'`"{show_size(usual)}"`'
    if isinstance(usual, tuple):
        return ", ".join(f"`{each:g}`" if isinstance(each, float) else f"`{each}`" for each in usual)
    return f"`{usual:g}`" if isinstance(usual, float) else f"`{usual}`"


if __name__ == "__main__":
    for name in TABLES:
        sys.stdout.write("\n".join([f"`{name}`", "", *rows(name), "", ""]))
