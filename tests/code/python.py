"""The Python runner for tests: built and compiled once in a run of tests, in a home of each process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import Grant
from mcp_wasm.code.contract import Ran, Run
from mcp_wasm.code.runtimes import Runners
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits
from tests import once


@pytest.fixture(scope="session")
def python_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose Python runner is built; skips where that cannot be."""
    home = once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("python"))
    runners = Runners(home, Cache(home / "cache"), Limits(), Children())
    if runners.state("python") not in ("ready", "buildable"):
        pytest.skip(runners.state("python"))

    def make(first: Path) -> None:
        with Runtime(home=once.share_compiled(tmp_path_factory, first)) as runtime:
            assert runtime.run_code_sync(Run("python", "1 + 1")).value == 2

    built = once.made(tmp_path_factory, "python", make)
    # The runner alone: what tests make and keep in their home is no other process's.
    shutil.copytree(built / "runtimes", home / "runtimes")
    return home


class Python:
    """Runs programs; ``runtime`` is there for what else a test wants of it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def __call__(self, code: str, *, approved: Sequence[Grant] = (), **more: Any) -> Ran:
        return self.runtime.run_code_sync(Run("python", code, **more), approved=approved)


@pytest.fixture(scope="session")
def python(python_home: Path) -> Iterator[Python]:
    with Runtime(home=python_home) as runtime:
        yield Python(runtime)
