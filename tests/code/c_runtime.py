"""A runtime with a C library, which is made once in a session of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mcp_wasm.build import c_library, confine
from mcp_wasm.code import c
from mcp_wasm.runtime import Runtime


@pytest.fixture(scope="session")
def c_runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A runtime whose C library is ready."""
    if c_library.unavailable() is not None:
        pytest.skip("zig is not installed")
    if confine.where_possible() is None:
        pytest.skip("no confinement on this machine")
    with Runtime(home=tmp_path_factory.mktemp("c")) as runtime:
        c.warm(runtime.runners.folder)
        yield runtime
