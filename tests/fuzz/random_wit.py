"""Components of random WIT: ``wasm-tools wit-smith`` thinks of the types, a dummy module stands behind them.

The worlds that wit-smith makes export little and its functions use few of its
types, so a world is written beside them that exports the interfaces of the main
package and functions that take and return every type with a name.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
from pathlib import Path
from typing import Any

from mcp_wasm.sandbox.wasm_tools import program

_FUNCTION = re.compile(r"^(\s+)%?([\w-]+)(: func\()", re.MULTILINE)
_EXTERNAL = re.compile(r"@external-id\([^)]*\)")
_SIZES = (1000, 10_000, 60_000)


def component(seed: int, folder: Path) -> Path | None:
    """A component file of random WIT, its WIT with docs beside it; None where the seed makes none."""
    rng = random.Random(seed)
    package, beside = folder / "package.wasm", folder / "c.wit"
    parts, items = rng.choice((3, 10, 40)), rng.choice((10, 60))
    options = [f"--max-type-parts={parts}", f"--max-interface-items={items}", "--max-packages=2"]
    if rng.random() < 0.1:
        options = ["--arbitrary-config"]
    given = rng.randbytes(rng.choice(_SIZES))
    if not _run("wit-smith", *options, "-o", str(package), given=given):
        return None
    if not _run("component", "wit", str(package), "--out-dir", str(beside)):
        return None
    for file in beside.rglob("*.wit"):
        # A feature that wasm-tools prints and encodes, and that the engine does not know yet.
        file.write_text(_EXTERNAL.sub("", file.read_text()))
    main = next(iter(beside.glob("*.wit")), None)
    if main is None or not _export_everything(main, beside, rng):
        return None
    core, made = folder / "core.wasm", folder / "c.wasm"
    embed = ("component", "embed", "--dummy", str(beside), "-w", "all-that-there-is", "-o", str(core))
    if not _run(*embed) or not _run("component", "new", str(core), "-o", str(made)):
        return None
    return made


def docs(name: str) -> str:
    """What the WIT beside a component says of the function ``name``."""
    return f"Does what `{name}` says."


def _export_everything(main: Path, beside: Path, rng: random.Random) -> bool:
    """Write a world that exports the interfaces with functions, and functions of every named type."""
    resolve = _resolve(beside)
    package = re.search(r"^package ([^;{]+);", main.read_text(), re.MULTILINE)
    if package is None or not resolve:
        return False
    mine = [entry["name"] for entry in resolve["packages"]].index(package[1].replace("%", ""))
    here = {
        n: each for n, each in enumerate(resolve["interfaces"]) if each["package"] == mine and each["name"]
    }
    types = [
        (here[owner]["name"], each["name"])
        for each in resolve["types"]
        if each["name"] and (owner := (each["owner"] or {}).get("interface")) in here
    ]
    exported = [each["name"] for each in here.values() if each["functions"]]
    if rng.random() < 0.5:
        exported = exported[:1]  # of the others at most the types are imported
    if not exported and not types:
        return False
    text = f"{main.read_text()}\n{_uses(types)}\n"
    text = _FUNCTION.sub(lambda m: f"{m[1]}/// {docs(m[2])}\n{m[0]}", text)
    exports = "".join(f"  export %{name};\n" for name in (*exported, *(["uses-of-types"] if types else [])))
    main.write_text(f"{text}\nworld all-that-there-is {{\n{exports}}}\n")
    return True


def _uses(types: list[tuple[str, str]]) -> str:
    """An interface of functions over ``types``, each an interface and a name."""
    lines = [f"  use %{interface}.{{%{name} as t{n}}};" for n, (interface, name) in enumerate(types)]
    for n in range(len(types)):
        lines.append(f"  take{n}: func(one: t{n}, may: option<t{n}>, all: list<t{n}>) -> option<t{n}>;")
        lines.append(
            f"  pair{n}: func(two: tuple<t{n}, t{(n + 1) % len(types)}>) -> result<t{n}, list<t{n}>>;"
        )
    return "\n".join(["interface uses-of-types {", *lines, "}"]) if types else ""


def _resolve(beside: Path) -> dict[str, Any]:
    printed = subprocess.run(
        [str(program()), "component", "wit", "--json", str(beside)], capture_output=True, check=False
    )
    return json.loads(printed.stdout) if printed.returncode == 0 else {}


def _run(*arguments: str, given: bytes = b"") -> bool:
    return (
        subprocess.run([str(program()), *arguments], input=given, capture_output=True, check=False).returncode
        == 0
    )
