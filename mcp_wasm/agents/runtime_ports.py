"""What agents need of the runtime: its published tools, called in their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.agents.message import MOST_BYTES
from mcp_wasm.errors import McpWasmError
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.account import Caller


class RuntimeTools:
    """Implements ``ports.Tools``: each tool runs under its own grants, each call is in the audit log."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def call(self, name: str, arguments: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        """``{"ok": value}``, or ``{"err": text}`` for whatever went wrong."""
        try:
            outcome = await self._runtime.call(
                name, arguments, client=f"agent {who}", by=Caller(who, "agent")
            )
        except McpWasmError as error:
            return {"err": str(error)}
        if len(outcome.text) > MOST_BYTES:
            # Not even written down for a message: that would hold up every agent.
            return {"err": f"the result has {len(outcome.text):,} characters, at most {MOST_BYTES:,} fit"}
        return {"err": outcome.value} if outcome.failed else {"ok": outcome.value}
