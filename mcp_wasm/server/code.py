"""The tools for code: running what a model sends, and telling what that may call.

A run is a job like a call of a tool (``jobs``); the others answer by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from mcp_wasm.capability.grant import Grant
from mcp_wasm.code.contract import CODE
from mcp_wasm.code.run import RUN_CODE
from mcp_wasm.sandbox.report import Report
from mcp_wasm.sandbox.waits import OnWait
from mcp_wasm.server.code_answer import Answers
from mcp_wasm.server.code_tools import DESCRIBE
from mcp_wasm.server.code_wanted import describe_wanted, run_wanted
from mcp_wasm.server.content import Wire
from mcp_wasm.server.jobs import Job, Request
from mcp_wasm.server.making import Making
from mcp_wasm.server.peer import Peer
from mcp_wasm.server.text import visible
from mcp_wasm.server.wanted import Arguments

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

_LONGEST = 256 * 1024
"""Characters of stubs; those who make them stay far below."""

Content = Callable[[str, Peer], bytes | None]
"""The content of a resource, by its address, for a client that may read it."""


class Code:
    """Carries out the tools for code on ``runtime``; ``content`` reads the resources that code is given."""

    def __init__(self, runtime: Runtime, answers: Answers, content: Content) -> None:
        self._runtime, self._answers, self._content = runtime, answers, content
        self.making = Making(runtime)

    def runs(self, request: Request) -> bool:
        """Whether ``request`` is to run code, and this client may."""
        return request.name == RUN_CODE and request.peer.may(RUN_CODE)

    def job(self, request: Request) -> Job:
        """The run that ``request`` asks for.

        Raises:
            InvalidArguments, InvalidSettings: it cannot be.
        """
        peer = request.peer
        limits = self._runtime.limits.narrow(request.limits)
        run = run_wanted(request.arguments, lambda uri: self._content(uri, peer))
        run = replace(run, limits=request.limits)

        async def once(
            approved: Sequence[Grant], _digest: str, on_wait: OnWait | None
        ) -> tuple[Wire, Report]:
            ran = await self._runtime.run_code(
                run,
                client=peer.client,
                allow=request.kinds,
                approved=approved,
                on_wait=on_wait,
                by=request.caller,
            )
            return self._answers.wire(ran, limits, peer.owner), ran.report

        return Job(self._runtime.component(CODE), limits, once)

    async def call(self, request: Request) -> Any:
        """The value of a call of one of the other tools, but for ``keep_tool``.

        Raises:
            McpWasmError: for what cannot be done.
        """
        if request.name == DESCRIBE:
            return await anyio.to_thread.run_sync(self._described, request.peer, request.arguments)
        return await self.making.call(request)

    def _described(self, peer: Peer, arguments: Arguments) -> str:
        from mcp_wasm.code.stubs import describe  # when somebody asks

        language, query = describe_wanted(arguments)
        tools = [tool for tool in self._runtime.tools if peer.may(tool.name)]
        found = describe(
            tools, self._runtime.code_grants(), language, query, options=self._runtime.services.options
        )
        return visible(found.text, _LONGEST)
