"""The size ratchet: no module past 500 lines, and the list of those past 300 may only shrink.

``python tests/project/sizes.py`` checks; with ``--record`` it writes the list
anew, and refuses to make it longer or a listed module larger unless there was none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_name("sizes.json")
SOFT, HARD = 300, 500
FOLDERS = ("mcp_wasm", "tests", "benchmarks", "examples")


def lines(root: Path = ROOT) -> dict[str, int]:
    """Lines of every Python module of the project, by its path."""
    return {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
    }


def faults(sizes: dict[str, int], recorded: dict[str, int]) -> list[str]:
    """What is wrong with ``sizes``, given the modules that were allowed to be long so far."""
    found = []
    for path, size in sizes.items():
        if size > HARD:
            found.append(f"{path} has {size} lines; {HARD} is the hard end: split it by concept")
        elif size > max(SOFT, recorded.get(path, 0)):
            found.append(f"{path} has {size} lines; {max(SOFT, recorded.get(path, 0))} are allowed: split it")
    for path, size in recorded.items():
        if sizes.get(path, 0) < size:
            found.append(f"{path} shrank to {sizes.get(path, 0)} lines: record that (sizes.py --record)")
    return found


def main() -> int:
    recorded: dict[str, int] = json.loads(RECORD.read_text(encoding="utf-8"))
    sizes = lines()
    if "--record" in sys.argv[1:]:
        kept = {p: min(n, sizes[p]) for p, n in recorded.items() if sizes.get(p, 0) > SOFT}
        RECORD.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        recorded = kept
    found = faults(sizes, recorded)
    told = "\n".join(found) or f"{len(sizes)} modules, {len(recorded)} past {SOFT} lines, none grew"
    sys.stdout.write(f"{told}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
