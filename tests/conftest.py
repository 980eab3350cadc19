"""What every test shares: the async backend, guest programs, and a home of its own.

No test may read or write the folders of the person who runs it, so home, cache
and settings folders point into the test's own temporary folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from tests.code.c_runtime import c_runtime
from tests.code.python import python_home

# Here, once: named in a second conftest too they would be made twice, and each takes a minute.
__all__ = ["c_runtime", "python_home"]

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile(
    "project", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("project")

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private home for this test, also for the child processes that it starts."""
    folder = tmp_path_factory.mktemp("home")
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(folder / variable.lower()))
    for variable in ("MCP_WASM_CONFIG", "MCP_WASM_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MCP_WASM_HOME", str(folder / "mcp-wasm"))
    return folder / "mcp-wasm"


@pytest.fixture
def program() -> Callable[[str], Path]:
    """The path of a guest program, by its stem: ``program("tiny")``."""

    def find(stem: str) -> Path:
        path = PROGRAMS / f"{stem}.wat"
        assert path.is_file(), f"there is no guest program {path}"
        return path

    return find
