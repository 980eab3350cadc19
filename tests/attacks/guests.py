"""Hostile guests: core modules made into components of a WIT world, and folders of them for a server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mcp_wasm.sandbox import wasm_tools

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "programs"
HOSTILE = PROGRAMS / "attacks"


def componentized(stem: str, scratch: Path) -> bytes:
    """``tests/programs/attacks/STEM.wat``, a core module, as a component of the world in ``STEM.wit``."""
    return built((HOSTILE / f"{stem}.wat").read_text(), (HOSTILE / f"{stem}.wit").read_text(), scratch)


def built(core: str, wit: str, scratch: Path) -> bytes:
    """A core module in text as a component of the only world in ``wit``; our WIT packages may be imported."""
    packages = scratch / "wit" / "deps"
    packages.mkdir(parents=True)
    for package in sorted((ROOT / "wit").glob("*-*")):
        shutil.copytree(package, packages / package.name)
    (scratch / "wit" / "world.wit").write_text(wit)
    (scratch / "core.wat").write_text(core)
    tools = str(wasm_tools.program())
    for step in (
        ["parse", "core.wat", "-o", "core.wasm"],
        ["component", "embed", "wit", "core.wasm", "-o", "embedded.wasm"],
        ["component", "new", "embedded.wasm", "-o", "component.wasm"],
    ):
        subprocess.run([tools, *step], cwd=scratch, check=True, capture_output=True)
    return (scratch / "component.wasm").read_bytes()


def component(inside: str) -> str:
    """A component in text with an export ``f`` that does nothing, and ``inside`` before it."""
    return f"""(component {inside}
      (core module $honest (func (export "f")))
      (core instance $honest (instantiate $honest))
      (func (export "f") (canon lift (core func $honest "f"))))"""


def everyone(folder: Path, scratch: Path) -> None:
    """Put every guest that the attacks call into ``folder``, and the honest ones."""
    for name in ("tiny", "hostile", "wasi"):
        shutil.copy(PROGRAMS / f"{name}.wat", folder)
    for path in HOSTILE.glob("*.wat"):
        if not path.with_suffix(".wit").exists():
            shutil.copy(path, folder)
    for name, stem in (("hoarder", "wasi_hoarder"), ("forger", "forger"), ("http", "http_hoarder")):
        (folder / f"{name}.wasm").write_bytes(componentized(stem, scratch / name))
