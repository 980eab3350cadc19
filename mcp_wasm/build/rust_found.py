"""Finds a Rust compiler on this machine that can compile for WebAssembly, and a linker for it.

Nothing is installed or downloaded: a person's own compiler is used, the first on
PATH that has the standard library of ``TARGET``.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcp_wasm.errors import ToolchainMissing

TARGET = "wasm32-unknown-unknown"
NAME = "Rust for WebAssembly"
INSTALL = (
    f"rustup target add {TARGET} (with Rust of https://rustup.rs), "
    "or on Debian: apt-get install rustc libstd-rust-dev-wasm32 lld"
)
OF_RUSTUP = ("HOME", "PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME")
"""Where a person's toolchains are; rustup stands for the compiler at times."""

_LINKER = re.compile(r"wasm-ld(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler: its program, its folder of libraries, its version in words, and a linker."""

    program: Path
    libraries: Path
    version: str
    linker: Path


def unavailable() -> str | None:
    """None, or why no Rust can be compiled here."""
    found = _found()
    return found if isinstance(found, str) else None


def compiler() -> Compiler:
    """The compiler.

    Raises:
        ToolchainMissing: there is none, with what to install.
    """
    found = _found()
    if isinstance(found, str):
        raise ToolchainMissing(f"{NAME} ({found})", INSTALL)
    return found


@functools.cache
def _found_in(path: str) -> Compiler | str:
    reason = "the program rustc is not installed"
    for program in _programs("rustc", path):
        sysroot, version = (
            _asked(program, "--print", "sysroot"),
            " ".join(_asked(program, "--version").split()[:2]),
        )
        if not sysroot or not version:
            reason = f"{program} does not start"
            continue
        libraries = Path(sysroot) / "lib"
        if not (libraries / "rustlib" / TARGET / "lib").is_dir():
            reason = f"{version} has no standard library for {TARGET}"
            continue
        linker = _linker(libraries, path)
        if linker is None:
            reason = f"{version} has no linker for WebAssembly, neither its own rust-lld nor wasm-ld"
            continue
        real = Path(sysroot) / "bin" / program.name
        return Compiler(real if real.is_file() else program, libraries, version, linker)
    return reason


def _found() -> Compiler | str:
    return _found_in(os.environ.get("PATH", os.defpath))


def _programs(name: str, path: str) -> Iterator[Path]:
    for folder in path.split(os.pathsep):
        found = shutil.which(name, path=folder) if folder else None
        if found is not None:
            yield Path(found)


def _linker(libraries: Path, path: str) -> Path | None:
    own = next(iter(sorted(libraries.glob("rustlib/*/bin/rust-lld"))), None)
    if own is not None:
        return own
    named = [each for folder in path.split(os.pathsep) if folder for each in Path(folder).glob("wasm-ld*")]
    fitting = [(int(found[1] or 10_000), each) for each in named if (found := _LINKER.fullmatch(each.name))]
    return max(fitting)[1] if fitting else None


def _asked(program: Path, *arguments: str) -> str:
    """What the compiler answers, "" for nothing; rustup must not download for that."""
    environment = {name: os.environ[name] for name in OF_RUSTUP if name in os.environ}
    try:
        ran = subprocess.run(
            [str(program), *arguments],
            # A folder of somebody else's could name another toolchain.
            cwd=os.sep,
            env=environment | {"RUSTUP_AUTO_INSTALL": "0"},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
