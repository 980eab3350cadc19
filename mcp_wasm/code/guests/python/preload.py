"""Imports everything that programs may import, while the snapshot is made: there is no library on disk later.

What is imported costs a run nothing: a run shares the pages of the snapshot that
it does not write. So this is the standard library as far as it works, and the
libraries in ``libraries.toml``. The seed of hashes is part of the snapshot too: the
order of a set of texts is the same in every run.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import sys
import tomllib
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hints
import kept_files
import loop
import tools_module

ENTRY = "mcp_wasm_runner"
"""The module that exports the component; it is being imported still when all else is there."""

_HERE = Path(__file__).parent

_WHOLE = (
    "asyncio", "collections", "compression", "concurrent", "dbm", "email", "encodings", "html", "http",
    "importlib", "json", "logging", "multiprocessing", "os", "pathlib", "re", "sqlite3", "string",
    "sysconfig", "tomllib", "unittest", "urllib", "wsgiref", "xml", "xmlrpc", "zipfile", "zoneinfo",
)  # fmt: skip
"""Packages of which every module is imported; of the others, what they import themselves."""

_NOT = frozenset({
    "__phello__", "_aix_support", "_android_support", "_apple_support", "_ios_support", "_osx_support",
    "_pyrepl", "antigravity", "ensurepip", "idlelib", "lib2to3", "mailbox", "pydoc_data", "test", "this",
    "turtle", "turtledemo", "venv",
})  # fmt: skip
"""Modules that open windows or browsers, install things, or belong to other systems."""

_ABSENT = "it was not built for WebAssembly"
_REASONS = {
    "_bz2": _ABSENT,
    "_lzma": _ABSENT,
    "_zstd": _ABSENT,
    "_curses": "there is no terminal",
    "_ctypes": "there are no native libraries to call",
    "_ssl": "there is no network",
    "_tkinter": "there is no screen",
    "mmap": "files cannot be mapped into memory",
}
"""Why a module is not here, by the compiled module that it lacks."""

_IMPORTED_ANYWAY = ("bz2", "lzma", "ssl", "ctypes")
"""Modules that libraries import although they can do without."""


def _load(name: str) -> str | None:
    """Import a module; None, or the name of what it lacks, or another reason."""
    try:
        importlib.import_module(name)
    except (ImportError, AttributeError, OSError, NotImplementedError) as error:
        return getattr(error, "name", None) or str(error)
    return None


def _load_inside(package: str) -> None:
    module = sys.modules.get(package)
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{package}."):
        if "__main__" not in found.name and ".test" not in found.name:
            _load(found.name)


def _load_standard_library() -> None:
    for name in sorted(sys.stdlib_module_names - _NOT):
        lacks = _load(name)
        if lacks is not None and not name.startswith("_"):
            hints.MISSING[name] = _REASONS.get(lacks, "it belongs to an operating system that is not here")
    for name in _NOT:
        if not name.startswith("_"):
            hints.MISSING[name] = "it has no use in this sandbox"
    for package in _WHOLE:
        _load_inside(package)


def _load_libraries() -> None:
    listed: dict[str, list[str]] = tomllib.loads((_HERE / "libraries.toml").read_text(encoding="utf-8"))
    absent = [name for name in _IMPORTED_ANYWAY if name not in sys.modules]
    sys.modules.update({name: _Absent(name) for name in absent})
    for modules in listed.values():
        for name in modules:
            importlib.import_module(name)
            _load_inside(name)
            hints.PACKAGES.append(name)
    for name in absent:
        del sys.modules[name]
    kept_files.keep("tzdata")


class _Absent(types.ModuleType):
    """Lets a library name what it will not use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


_PROBE = 1 << 22
"""Bytes that fit into no hole."""

_HOLES = (1 << 16, 1 << 14, 1 << 12, 1 << 10, 512, 256, 128, 64, 48, 32, 24, 16, 12, 8, 4)
"""Sizes of what fills the holes, the large ones first."""

_WARM = (
    "import math\nprint('')\nx = [math.sqrt(y) for y in range(3)]\n{'a': x, 'b': (1, 'x')}",
    "def f(x):\n    return 1 / x\nf(0)",
    "class A:\n    def __init__(self, a):\n        self.a = a\nresult = [A(n).a for n in range(3)]",
    "async def main():\n    return 1",
    "import nothing_of_that_name",
    "x = (",
    "x",
)
"""Programs that are run before the snapshot is made."""


def _warm_up(answer: Callable[[str], str]) -> None:
    """Run programs until the interpreter has specialised what every run goes through.

    What is initialised, specialised and counted later would be written to pages of
    the snapshot, and each page that a run writes costs it microseconds.
    """
    for _ in range(20):
        for code in _WARM:
            answer(json.dumps({"code": code, "input": {"n": 1}}))


_filling: list[bytes] = []


def _fill_holes() -> None:
    """Take all free memory below the end of the heap.

    Imports leave small holes on most of its pages. What a run allocates would be
    spread over these, a page to be copied for each; now it lies together at the end.
    """
    end = id(bytes(_PROBE))
    for size in _HOLES:
        while id(block := bytes(size)) < end:
            _filling.append(block)


def finish(answer: Callable[[str], str], forget: Callable[[], None]) -> None:
    """Leave the interpreter as a program expects to find it. Called when everything else was imported.

    ``answer`` runs a program and ``forget`` takes away what such runs left.
    """
    loop.install()
    tools_module.install()
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None) or ""
        # We hold our modules ourselves; under these names a program finds its own.
        if place.startswith(f"{_HERE}/") and name != ENTRY:
            del sys.modules[name]
    sys.path[:] = ["/"]
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = True
    # What costs time costs only the run's own fuel.
    sys.set_int_max_str_digits(0)
    os.environ.clear()
    warnings.resetwarnings()
    warnings.simplefilter("ignore", ResourceWarning)
    warnings.simplefilter("ignore", ImportWarning)
    _warm_up(answer)
    forget()
    gc.collect()
    gc.freeze()
    _fill_holes()


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _load_standard_library()
    _load_libraries()
