"""Write the signatures of the host interfaces, as the sandbox reads them, from the WIT packages here.

Every folder here is one package; each gives one file of the same name in
``mcp_wasm/sandbox/host/signatures``. Run it after a change: ``python wit/generate.py``.
A test compares the two.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from mcp_wasm.component import encode, resolve
from mcp_wasm.component.types import Import, World
from mcp_wasm.sandbox.wasm_tools import program

HERE = Path(__file__).parent
SIGNATURES = HERE.parent / "mcp_wasm" / "sandbox" / "host" / "signatures"


def packages() -> list[Path]:
    """The folders of WIT packages."""
    return sorted(path for path in HERE.iterdir() if path.is_dir() and any(path.glob("*.wit")))


def signatures(folder: Path) -> str:
    """The file for one package."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / folder.name
        shutil.copytree(folder, root)
        for other in packages():
            if other != folder:
                shutil.copytree(other, root / "deps" / other.name)
        printed = subprocess.run(
            [str(program()), "component", "wit", "--json", str(root)], check=True, capture_output=True
        )
    found = json.loads(printed.stdout)
    package = _package(folder)
    imports = tuple(
        Import(name, "interface", functions) for name, functions in resolve.interfaces(found, package).items()
    )
    return json.dumps(encode.world_to_json(World(imports, ())), separators=(",", ":")) + "\n"


def _package(folder: Path) -> str:
    """The package that the files of a folder declare."""
    for path in sorted(folder.glob("*.wit")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("package ") and line.rstrip().endswith(";"):
                return line.removeprefix("package ").rstrip().removesuffix(";").strip()
    raise ValueError(f"{folder} declares no package")


if __name__ == "__main__":
    SIGNATURES.mkdir(exist_ok=True)
    for each in packages():
        (SIGNATURES / f"{each.name}.json").write_text(signatures(each), encoding="utf-8")
