"""The made tools of a runtime, from the runtime's parts. What compilers need is loaded when code comes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.capability.grant import NOTHING
from mcp_wasm.code.made import MadeTools
from mcp_wasm.code.made_state import Host
from mcp_wasm.invoke import Invoker
from mcp_wasm.policy.policies import Policies
from mcp_wasm.registry.index import Index
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox.account import Accounts, Caller, Entry
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome

if TYPE_CHECKING:
    from mcp_wasm.code.made_component import Maker

TEST_S = 10.0
"""Seconds that one of the tests may take which come with code."""

Publish = tuple[Callable[[Component, str], Component], Callable[[str, str], Component]]
"""How a component is published, and taken away by its name, each with a detail for the audit log."""


def new_made_tools(  # noqa: PLR0917 - the parts of a runtime, which alone calls it
    home: Path,
    index: Index,
    policies: Policies,
    invoker: Invoker,
    accounts: Accounts | None,
    publish: Publish,
    limits: Callable[[str], Limits],
    compiling: tuple[Cache, Children],
    runner: Callable[[str], Path],
) -> MadeTools:
    """The made tools of a runtime in ``home``; ``limits`` are those of a component by its name."""

    @functools.cache
    def maker() -> Maker:
        from mcp_wasm.code.made_component import Maker

        cache, children = compiling
        return Maker(cache, limits, children, home / "runtimes")

    def call(
        client: str, limits: Mapping[str, object], tool: Tool, component: Component, given: Mapping[str, Any]
    ) -> Outcome:
        allowed = component.limits.narrow(limits).narrow({"deadline": TEST_S})
        run = functools.partial(
            invoker.call_sync, tool, component, given, allowed, client or "local", grants=NOTHING
        )
        if accounts is None:
            return run()
        entry = Entry(Caller(client or "local", "test"), tool.name, component.name, component.digest, NOTHING)
        return accounts.run_sync(entry, given, run)

    return MadeTools(
        home, Host(index, policies, *publish, invoker.prepare, call, maker, runner, home / "runtimes")
    )
