"""Who waits for which answer: the questions of clients of this node, which are no agents themselves.

A client's address is ``client:NAME@NODE``; an answer finds the question by the id of its message, and
only one to the very address that asked is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from mcp_wasm.agents.message import Message, new_id
from mcp_wasm.agents.ports import Settle
from mcp_wasm.errors import AgentFailed, NoReply, Unreachable

PREFIX = "client:"
MOST = 10_000
"""Answers that are waited for at once."""


class Asks:
    """The open questions of the node ``name``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: dict[str, tuple[str, asyncio.Future[Message]]] = {}

    def address(self, client: str = "") -> str:
        """The address of a client of this node, or of a nameless new one."""
        return f"{PREFIX}{client or new_id()}@{self._name}"

    @contextmanager
    def waiting(self, message: Message) -> Iterator[asyncio.Future[Message]]:
        """The answer to ``message``, for as long as the block waits for it.

        Raises:
            Unreachable: too many wait already.
        """
        if len(self._open) >= MOST:
            raise Unreachable(message.to, f"{MOST:,} answers are waited for already")
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._open[message.id] = (message.sender, answer)
        try:
            yield answer
        finally:
            del self._open[message.id]
            answer.cancel()

    async def answer(
        self, to: str, answer: asyncio.Future[Message], work: Coroutine[Any, Any, None] | None, seconds: float
    ) -> Message:
        """The answer, ``seconds`` at most; ``work`` sends the question, and may fail.

        Raises:
            NoReply: ``seconds`` are over.
            McpWasmError: nobody took the question, or it failed.
        """
        sending = None if work is None else asyncio.ensure_future(work)
        try:
            async with asyncio.timeout(seconds):
                if sending is not None:
                    first: set[asyncio.Future[Any]] = {sending, answer}
                    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
                    if not answer.done():
                        sending.result()
                return await answer
        except TimeoutError:
            raise NoReply(to, seconds) from None
        finally:
            if sending is not None and not sending.cancel() and not sending.cancelled():
                sending.exception()  # an answer came all the same

    def answered(self, message: Message) -> None:
        """Give an answer to who waits for it.

        Raises:
            Unreachable: nobody does.
        """
        asker, answer = self._open.get(message.re, ("", None))
        if answer is None or answer.done() or asker.partition("@")[0] != message.to.partition("@")[0]:
            raise Unreachable(message.to, "nobody waits for the answer any more")
        answer.set_result(message)


def settling(to: str, answer: asyncio.Future[Message]) -> Settle:
    """Tells ``answer`` that its question was not handled by ``to``."""

    def settle(how: str, reason: str) -> None:
        if how != "handled" and not answer.done():
            answer.set_exception(AgentFailed(to, reason))

    return settle
