"""The Python runner for tests: built and compiled once in a session of tests, in one home."""

from __future__ import annotations

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


@pytest.fixture(scope="session")
def python_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose Python runner is built; skips where that cannot be."""
    home = tmp_path_factory.mktemp("python")
    runners = Runners(home, Cache(home / "cache"), Limits(), Children())
    if runners.state("python") not in ("ready", "buildable"):
        pytest.skip(runners.state("python"))
    runners.path("python")
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
