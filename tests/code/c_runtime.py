"""A runtime with a C library, which is made once in a session of tests, and how C runs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcp_wasm.build import c_library, confine
from mcp_wasm.code import c
from mcp_wasm.code.contract import ABSENT, Ran, Run
from mcp_wasm.runtime import Runtime
from tests import once

Call = Callable[..., Ran]


@pytest.fixture(scope="session")
def c_runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A runtime whose C library is ready."""
    if c_library.unavailable() is not None:
        pytest.skip("zig is not installed")
    if confine.where_possible() is None:
        pytest.skip("no confinement on this machine")
    home = once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("c"))
    with Runtime(home=home) as runtime:
        c.warm(runtime.runners.folder)
        yield runtime


@pytest.fixture
def run_c(c_runtime: Runtime) -> Call:
    """Runs a C source with an input."""

    def made(code: str, given: object = ABSENT, **asked: Any) -> Ran:
        return c_runtime.run_code_sync(Run("c", code, given, **asked))

    return made


def main(body: str, *headers: str) -> str:
    """A program of one function, with the usual headers and ``headers`` beside them."""
    names = ("stdio.h", "stdlib.h", "string.h", *headers)
    return "".join(f"#include <{name}>\n" for name in names) + f"int main(void) {{\n{body}\nreturn 0;\n}}\n"
