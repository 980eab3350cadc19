"""The runners of source code: one component a language, built or taken from the package once, then kept.

The sources of a runner are in ``guests/`` of this package. A component that the
package ships is used as it is; another is built when it is first wanted and kept
in the home, named by what it was built from, for every process of that home.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_wasm import publish
from mcp_wasm.build import bundled
from mcp_wasm.build.languages import TOOLCHAINS, compile_component
from mcp_wasm.build.toolchain import Progress, Source, silent
from mcp_wasm.errors import CallerError
from mcp_wasm.registry import sources
from mcp_wasm.registry.tool import Component
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits

GUESTS = Path(__file__).parent / "guests"
WORLD = "runner"
WITS = ("mcp-wasm-code-0.1.0/code.wit", "mcp-wasm-tools-0.1.0/tools.wit")
"""The package with the world of a runner, and what that imports."""

RUNNERS: Mapping[str, str] = {"python": "python", "javascript": "javascript", "typescript": "javascript"}
"""The languages whose programs are data, with the runner of each."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library that programs can import, by what it is installed as and by its import names."""

    distribution: str
    modules: tuple[str, ...]


PYTHON_LIBRARIES: tuple[Library, ...] = ()
"""What Python programs have beside the standard library; all of it is plain Python."""


class Runners:
    """The runners of a home.

    ``home`` is the runtime's folder; ``cache``, ``limits`` and ``children`` are
    what components are published with. ``progress`` is told each step of a build.
    """

    def __init__(
        self, home: Path, cache: Cache, limits: Limits, children: Children, progress: Progress = silent
    ) -> None:
        self.folder = home / "runtimes"
        self._cache, self._limits, self._children, self._progress = cache, limits, children, progress
        self._known: dict[str, Component] = {}
        self._lock = threading.Lock()

    def state(self, language: str) -> str:
        """``ready``, ``buildable``, or the reason why there is no runner, in words."""
        runner = _runner(language)
        if self._path(runner).is_file():
            return "ready"
        toolchain = TOOLCHAINS.get(runner)
        if toolchain is None or not (GUESTS / runner).is_dir():
            return f"this package came without its {runner} runner"
        reason = toolchain.available() or _missing_library(runner)
        return "buildable" if reason is None else f"{reason}; type: {toolchain.install}"

    def component(self, language: str) -> Component:
        """The runner of a language, built if need be, which takes some seconds the first time.

        Raises:
            CallerError: programs in that language are not run by a runner.
            BuildFailed, ToolchainMissing: it cannot be built.
            ComponentRefused: what was built is no component that can run here.
        """
        runner = _runner(language)
        with self._lock:
            if runner not in self._known:
                found = sources.source(self.path(runner))
                self._known[runner] = publish.publish(found, self._cache, self._limits, self._children)
            return self._known[runner]

    def path(self, language: str) -> Path:
        """The file of a runner's component, built if need be.

        Raises:
            CallerError, BuildFailed, ToolchainMissing: as ``component``.
        """
        runner = _runner(language)
        path = self._path(runner)
        if path.is_file():
            return path
        self.folder.mkdir(parents=True, exist_ok=True)
        with bundled.alone(self.folder / f".{runner}.building", f"the {runner} runner", self._progress):
            if not path.is_file():
                self._progress(f"building the {runner} runner, once")
                component = compile_component(
                    runner, source(runner), trusted=True, cache=self.folder, progress=self._progress
                )
                bundled.replace(path, component)
                self._remove_others(runner, path)
        return path

    def _path(self, runner: str) -> Path:
        shipped = bundled.SHIPPED / f"runner_{runner}.wasm"
        return shipped if shipped.is_file() else self.folder / f"runner_{runner}-{digest(runner)[:32]}.wasm"

    def _remove_others(self, runner: str, kept: Path) -> None:
        """Remove the runners of other versions of this package: each takes some ten megabytes."""
        for path in self.folder.glob(f"runner_{runner}-*.wasm"):
            if path != kept:
                path.unlink(missing_ok=True)


def source(runner: str) -> Source:
    """What the toolchain of a runner is given."""
    entry = {"python": "app.py", "javascript": "main.js"}[runner]
    packages = tuple(module for library in PYTHON_LIBRARIES for module in library.modules)
    return Source(
        f"runner_{runner}", GUESTS / runner, entry, wit(), WORLD, packages if runner == "python" else ()
    )


def wit() -> str:
    """The world of a runner with all that it imports, as one text."""
    installed = bundled.PACKAGE / "_wit"
    folder = installed if installed.is_dir() else bundled.PACKAGE.parent / "wit"
    own, *imported = ((folder / name).read_text(encoding="utf-8") for name in WITS)
    return "\n".join([own, *map(_nested, imported)])


def digest(runner: str) -> str:
    """The SHA-256 (hex) of everything that decides the bytes of a runner."""
    made = hashlib.sha256(f"{TOOLCHAINS[runner].version()}\n{wit()}".encode())
    for path in sorted((GUESTS / runner).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            made.update(f"\n{path.relative_to(GUESTS).as_posix()} {len(content)}\n".encode() + content)
    for library in PYTHON_LIBRARIES if runner == "python" else ():
        made.update(f"\n{library.distribution} {_version(library)}".encode())
    return made.hexdigest()


def _nested(text: str) -> str:
    """A WIT package as one that stands beside another in one file."""
    before, keyword, rest = text.partition("package ")
    name, _, body = rest.partition(";")
    return f"{before}{keyword}{name} {{{body}}}\n"


def _runner(language: str) -> str:
    runner = RUNNERS.get(language)
    if runner is None:
        raise CallerError(f"no runner runs {language!r}; there are {', '.join(RUNNERS)}")
    return runner


def _missing_library(runner: str) -> str | None:
    for library in PYTHON_LIBRARIES if runner == "python" else ():
        if not _version(library):
            return f"the Python package {library.distribution} is missing"
    return None


def _version(library: Library) -> str:
    try:
        return importlib.metadata.version(library.distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
