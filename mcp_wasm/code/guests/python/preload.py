"""Imports everything that programs may import, while the snapshot is made: there is no library on disk later.

What is imported costs a run nothing: a run shares the pages of the snapshot that
it does not write. So this is the standard library as far as it works, the
encodings, and the libraries in ``LIBRARIES``.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import sys
import warnings

import hints
import loop
import tools_module

LIBRARIES: dict[str, str] = {}
"""Import names of the libraries that programs have, with what they are installed as."""

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


def _load(name: str) -> str | None:
    """Import a module; None, or why it cannot be."""
    try:
        importlib.import_module(name)
    except (ImportError, AttributeError, OSError, NotImplementedError) as error:
        return str(error)
    return None


def _load_standard_library() -> None:
    for name in sorted(sys.stdlib_module_names - _NOT):
        reason = _load(name)
        if reason is not None and not name.startswith("_"):
            hints.MISSING[name] = "it needs an operating system that is not here"
    for package in _WHOLE:
        module = sys.modules.get(package)
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{package}."):
            if not found.name.endswith("__main__") and ".test" not in found.name:
                _load(found.name)


def finish() -> None:
    """Leave the interpreter as a program expects to find it. Called when everything else was imported."""
    loop.install()
    tools_module.install()
    ours = [
        name
        for name, module in sys.modules.items()
        if (getattr(module, "__file__", "") or "").startswith("/0/")
    ]
    for name in ours:
        # Reachable for us by reference; a program's own modules of these names are found first.
        if name != "app":
            del sys.modules[name]
    sys.path[:] = ["/"]
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = True
    sys.set_int_max_str_digits(0)
    warnings.resetwarnings()
    os.environ.clear()
    gc.collect()
    gc.freeze()


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _load_standard_library()
    for _name in LIBRARIES:
        importlib.import_module(_name)
