"""A guest that does to its folders what it is told, and a folder to grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.guests import ENDLESS
from tests.sandbox.host.granted import Guest


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder to grant, beside a file that no guest may reach."""
    (tmp_path / "outside.txt").write_text("SECRET")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "s").write_text("SECRET")
    folder = tmp_path / "inside"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    return folder


@pytest.fixture
def guest(home: Path, program: Callable[[str], Path]) -> Iterator[Callable[..., Guest]]:
    """``guest(*grants)(function, **arguments)`` calls the program ``files`` under grants."""
    with Runtime(home=home, limits=Limits(fuel=ENDLESS)) as runtime:
        runtime.add(program("files"))
        yield lambda *grants: Guest(runtime, "files", *grants)
