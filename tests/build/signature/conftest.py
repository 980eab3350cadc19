"""Components of nothing but a signature, read back by the engine."""

from __future__ import annotations

from typing import Protocol

import pytest

from mcp_wasm.build import docs as build_docs
from mcp_wasm.build import wasm_tools
from mcp_wasm.build.signature import wit
from mcp_wasm.build.signature.model import Signature
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.component import docs
from mcp_wasm.component.types import Function
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.inspect import inspect


class ReadBack(Protocol):
    """The functions, by name, of a component that has the WIT text of a signature and does nothing."""

    def __call__(self, signature: Signature, interface: str = "") -> dict[str, Function]: ...


@pytest.fixture(scope="session")
def read_back() -> ReadBack:
    def read(signature: Signature, interface: str = "") -> dict[str, Function]:
        text = wit.text(signature, interface=interface)
        with Workspace("a dummy") as space:
            path, core, out = space.write("world.wit", text), space.work / "core", space.work / "component"
            tool = wasm_tools.program()
            space.run([tool, "component", "embed", "--dummy", path, "-w", signature.world, "-o", core])
            space.run([tool, "component", "new", core, "-o", out])
            binary = build_docs.attach(out.read_bytes(), text, signature.world)
        seen = inspect(binary, "a dummy", Children())
        carried = docs.package_docs(binary)
        world = seen.world if carried is None else docs.apply_package_docs(seen.world, carried)
        assert seen.resolve is not None
        return {function.name: function for function in docs.apply(world, seen.resolve).exports}

    return read
