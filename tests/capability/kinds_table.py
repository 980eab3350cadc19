"""The table of kinds and keys in ``docs/grants.md``, made from the tables that the reader uses.

``python -m tests.capability.kinds_table`` prints it.
"""

from __future__ import annotations

import sys

from mcp_wasm.capability.keys import KEYS, defaults, required
from mcp_wasm.capability.sizes import show_size
from mcp_wasm.capability.words import FORMS


def rows() -> list[str]:
    """A heading and one row for each key of each kind, but ``tools``, which every kind has."""
    found = ["| kind | key | what it is | without it |", "|---|---|---|---|"]
    for kind, keys in KEYS.items():
        usual, needed = defaults(kind), required(kind)
        for index, key in enumerate(keys[:-1]):
            without = "must be given" if key.name in needed else _shown(key.type, usual[key.name])
            first = f"**{kind}**" if index == 0 else ""
            found.append(f"| {first} | `{key.name}` | {key.docs} | {without} |")
    return found


def forms() -> list[str]:
    """A row for each short form of the command line."""
    return [f"| {kind} | {f'`{form}`' if form else '–'} |" for kind, form in FORMS.items()]


def _shown(type_: str, usual: object) -> str:
    if usual is None or usual == ():
        return "–"
    if isinstance(usual, bool):
        return "`true`" if usual else "`false`"
    if type_ in {"size", "quota"} and isinstance(usual, int):
        return f'`"{show_size(usual)}"`'
    if isinstance(usual, tuple):
        return ", ".join(f"`{each}`" for each in usual)
    return f"`{usual:g}`" if isinstance(usual, float) else f"`{usual}`"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*rows(), "", *forms()]) + "\n")
