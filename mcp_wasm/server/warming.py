"""Having the runners of code ready before code comes, but not before a client has been answered."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING

from mcp.server.context import CallNext, HandlerResult

from mcp_wasm.errors import McpWasmError
from mcp_wasm.server.peer import Context

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

_AFTER_S = 0.1
"""Seconds after the first list of tools: the answer is on its way, and a model reads it first."""


class Warming:
    """Makes the runners of ``runtime`` that are built ready; one that is not is built when code comes."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self._begun = runtime, False

    async def answered(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Middleware: begin a little after the first list of tools was asked for."""
        result = await call_next(ctx)
        if ctx.method == "tools/list" and not self._begun:
            self._begun = True
            asyncio.get_running_loop().call_later(_AFTER_S, self.begin)
        return result

    def begin(self) -> threading.Thread:
        """Begin now; the thread ends when all are ready, or with the runtime."""
        thread = threading.Thread(target=self._prepare, name="mcp-wasm warming", daemon=True)
        thread.start()
        return thread

    def _prepare(self) -> None:
        for language in ("javascript", "python"):
            with suppress(McpWasmError, CancelledError):  # whoever runs code is told
                if self._runtime.runners.state(language) == "ready":
                    self._runtime.prepare_code(language).result()
