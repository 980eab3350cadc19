"""The bundled tools, built or copied once for all tests, in one runtime.

What compilers and package managers download is kept in pytest's own cache
folder, so that the second run of the tests needs no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.build import bundled
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.report import Outcome
from tests import once

Call = Callable[..., Outcome]


def toolchains(request: pytest.FixtureRequest) -> Path:
    """Where toolchains keep what they downloaded, from one run of the tests to the next."""
    cache = request.config.cache
    assert cache is not None
    return cache.mkdir("toolchains")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """The component of a bundled tool: ``built("hash")``; skips where its toolchain is missing."""
    # Where the demo builds them too: whoever is first builds, and waits for nobody but who builds the same.
    folder = once.shared(tmp_path_factory, "bundled") / "tools"
    kept = toolchains(request)
    tools = {tool.name: tool for tool in bundled.list_bundled()}

    def build(name: str) -> Path:
        tool = tools[name]
        if bundled.state(tool, folder) == "toolchain missing":
            pytest.skip(f"{tool.toolchain.program} is not installed; type: {tool.toolchain.install}")
        return bundled.build_bundled(tool, folder, cache=kept)

    return build


@pytest.fixture(scope="session")
def tools_runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    home = once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("tools-home"))
    with Runtime(home=home) as runtime:
        yield runtime


@pytest.fixture(scope="session")
def tool(built: Callable[[str], Path], tools_runtime: Runtime) -> Callable[[str], Call]:
    """A bundled tool to call: ``tool("hash")("digest", data=…)``."""

    def use(name: str) -> Call:
        if name not in {component.name for component in tools_runtime.components}:
            tools_runtime.add(built(name))

        def call(function: str, /, limits: dict[str, object] | None = None, **arguments: Any) -> Outcome:
            named = {key.replace("_", "-"): value for key, value in arguments.items()}
            return tools_runtime.call_sync(f"{name}_{function.replace('-', '_')}", named, limits=limits)

        return call

    return use
