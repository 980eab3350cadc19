"""A pipe in a watched folder: opening it waits for a writer, so nothing may open it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mcp_wasm.errors import ComponentRefused
from mcp_wasm.registry import sources
from mcp_wasm.sandbox import inspect

TINY = Path(__file__).parents[1] / "programs" / "tiny.wat"

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


@pytest.mark.parametrize("beside", ["tiny.toml", "tiny.wit", "tiny.wit/a.wit"])
def test_a_pipe_beside_a_component_is_refused_and_not_opened(tmp_path: Path, beside: str) -> None:
    shutil.copy(TINY, tmp_path / "tiny.wat")
    pipe = tmp_path / beside
    pipe.parent.mkdir(exist_ok=True)
    os.mkfifo(pipe)
    with pytest.raises(ComponentRefused, match="it is no file"):
        sources.source(tmp_path / "tiny.wat")
    assert sources.scan([tmp_path]) == {}


def test_a_pipe_named_like_a_component_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wasm")
    assert sources.scan([tmp_path]) == {}
    with pytest.raises(ComponentRefused, match="it is a pipe"):
        inspect.read_binary(tmp_path / "x.wasm")
