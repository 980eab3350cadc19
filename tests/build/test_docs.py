from __future__ import annotations

import pytest

from mcp_wasm.build import bundled, docs, wasm_tools
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.component.docs import package_docs
from mcp_wasm.errors import BuildFailed

WORLD = """package t:t;
/// What it is.
world thing {
    /// A direction – nördlich.
    enum way { up, down }
    /// Go.
    ///
    /// - `way`: where to
    export go: func(way: way);
}
world other { /// Something else.
  export stop: func(); }
"""
EMPTY_COMPONENT = b"\0asm\x0d\0\x01\0"


def test_the_docs_of_a_world_are_read_back_from_the_component() -> None:
    found = package_docs(docs.attach(EMPTY_COMPONENT, WORLD, "thing"))
    assert found is not None
    assert set(found["worlds"]) == {"root"}
    assert found["worlds"]["root"]["docs"] == "What it is."
    assert found["worlds"]["root"]["func_exports"]["go"]["docs"].startswith("Go.")
    assert found["worlds"]["root"]["types"]["way"]["docs"] == "A direction – nördlich."


def test_wasm_tools_shows_the_docs_of_a_shipped_component() -> None:
    with Workspace("x") as space:
        path = bundled.SHIPPED / "hash.wasm"
        space.run([wasm_tools.program(), "validate", path])
        shown = space.run([wasm_tools.program(), "component", "wit", path])
    assert "/// The digest or checksum of a text or of bytes." in shown


def test_a_text_without_docs_leaves_the_component_as_it_is() -> None:
    plain = "package t:t;\nworld thing { export go: func(); }"
    assert docs.attach(EMPTY_COMPONENT, plain, "thing") == EMPTY_COMPONENT


def test_a_wrong_text_is_a_failed_build_that_says_where() -> None:
    with pytest.raises(BuildFailed, match=r"world\.wit:1:"):
        docs.attach(EMPTY_COMPONENT, "package t:t; wurld x {}", "x")
