"""How the command line reaches a running tree: JSON lines on a Unix socket that only its owner can open.

The socket lies in the tree's own folder (0700, the socket 0600), and whoever connects must be the
same user as this process: the kernel says who it is. Whoever may connect may do with the agents all that
their owner may, and nothing beside: there is no request that runs code, grants, or reads a file.

A request is ``{"do": NAME, …}`` on one line; the answer ``{"ok": VALUE}``, or ``{"error": TEXT, "fault":
"caller" | "guest" | "host"}``. One request of a connection is carried out at a time; who hangs up
gets no answer and need not be waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mcp_wasm.agents import incoming
from mcp_wasm.agents.control_socket import bound_at, peer_user, this_user
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.message import MOST_BYTES, Message, Priority
from mcp_wasm.agents.moving import Moves
from mcp_wasm.agents.view import View
from mcp_wasm.errors import CallerError, GuestError, HostFault, McpWasmError

_log = logging.getLogger(__name__)

LONGEST_LINE = 8 * 1024 * 1024
"""Bytes of a request or of an answer: a payload whose every character is written as an escape."""
CONNECTIONS = 32
LONGEST_ASK = 3600.0
"""Seconds."""
IDLE = 600.0
"""Seconds after which a connection that asks nothing is closed."""
_EVENTS = 1000
_MOMENT = 1.0


class Controlled(Protocol):
    """What is asked of a node."""

    name: str

    @property
    def moves(self) -> Moves:
        """The moves of agents between nodes."""

    @property
    def events(self) -> Recent:
        """What happened."""

    def views(self) -> Sequence[View]:
        """The agents and supervisors."""

    def tell(
        self, to: str, payload: Any, *, sender: str = ..., kind: str = ..., priority: Priority = ...
    ) -> str:
        """Send; the message's id."""

    async def ask(
        self, to: str, payload: Any, *, seconds: float = ..., priority: Priority = ..., client: str = ...
    ) -> Message:
        """Send and wait for the answer."""

    async def memory(self, path: str, keys: Iterable[str] = ...) -> Mapping[str, str]:
        """What an agent keeps."""

    async def restart(self, path: str) -> None:
        """Have an agent started anew."""

    async def terminate(self, path: str) -> None:
        """Stop an agent."""

    def note(self, path: str, what: str, detail: str) -> None:
        """Add an event."""


class Recent(Protocol):
    """The events that are kept."""

    def recent(self, most: int = ..., path: str | None = ...) -> Sequence[Event]:
        """The last ones."""


class Control:
    """Answers for ``node`` on the socket ``path``; ``stop`` is called when a person asks for the end."""

    def __init__(
        self, node: Controlled, path: Path, about: Mapping[str, Any], stop: Callable[[], None]
    ) -> None:
        self._node, self._path, self._about, self._stop = node, path, about, stop
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._ending = False
        self._do: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "about": self._tell_about,
            "views": self._views,
            "send": self._send,
            "ask": self._ask,
            "state": self._state,
            "events": self._events,
            "restart": self._restart,
            "move": self._move,
            "stop": self._end,
        }

    async def start(self) -> None:
        """Listen. The caller holds the tree's lock: a socket that lies there is of a tree that has ended.

        Raises:
            HostError: if that cannot be done.
        """
        listening = bound_at(self._path)
        self._server = await asyncio.start_unix_server(self._connected, sock=listening, limit=LONGEST_LINE)

    async def close(self) -> None:
        """Hang up and take the socket away."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            found: socket.socket = writer.get_extra_info("socket")
            if peer_user(found) not in {None, this_user()}:
                _log.warning("another user was turned away from %s", self._path)
            elif len(self._open) > CONNECTIONS:
                await _write(writer, _refusal(CallerError(f"{CONNECTIONS} connections are open already")))
            else:
                await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # it went away, was quiet for long, or the tree ends: nobody waits for this task
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE):
                    line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                await _write(writer, _refusal(CallerError(f"a request has {LONGEST_LINE:,} bytes at most")))
                await _discard(reader)
                return
            try:
                answer = await self._unless_gone(reader, self._answer(line))
                if answer is None:
                    return
                await _write(writer, answer)
            finally:
                if self._ending:
                    self._stop()  # once it was told that it is heard

    @staticmethod
    async def _unless_gone(reader: asyncio.StreamReader, work: Awaitable[bytes]) -> bytes | None:
        """What ``work`` gives; None, and an end of it, as soon as the other side says anything or is gone."""
        working = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() and not gone.done() else None
        finally:
            for each in (working, gone):
                each.cancel()
            await asyncio.gather(working, gone, return_exceptions=True)

    async def _answer(self, line: bytes) -> bytes:
        try:
            return _encoded({"ok": await self._carry_out(line)})
        except McpWasmError as error:
            return _refusal(error)
        except Exception as error:  # noqa: BLE001 - the top of a request: it must not end the tree
            fault = HostFault(f"{type(error).__name__}: {error}")
            _log.exception("internal error %s", fault.id)
            return _refusal(fault)

    async def _carry_out(self, line: bytes) -> Any:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            raise CallerError("a request is one JSON object on a line")
        do = self._do.get(str(request.get("do")))
        if do is None:
            raise CallerError(f"a request says what to do, one of {', '.join(self._do)}")
        return await do(request)

    async def _tell_about(self, _request: Mapping[str, Any]) -> Any:
        return {**self._about, "node": self._node.name}

    async def _views(self, _request: Mapping[str, Any]) -> Any:
        return [dataclasses.asdict(view) for view in self._node.views()]

    async def _send(self, request: Mapping[str, Any]) -> Any:
        to, kind = _text(request, "to"), incoming.kind(request.get("kind"))
        priority, warning = self._priority(to, request)
        made = self._node.tell(to, _payload(request), kind=kind, priority=priority)
        return {"id": made, "warning": warning}

    async def _ask(self, request: Mapping[str, Any]) -> Any:
        to, seconds = _text(request, "to"), request.get("seconds", 30.0)
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not number or not 0 < seconds <= LONGEST_ASK:
            raise CallerError(f"seconds: expected a number above 0, at most {LONGEST_ASK:g}")
        priority, warning = self._priority(to, request)
        answer = await self._node.ask(to, _payload(request), seconds=seconds, priority=priority)
        return {"reply": answer.value, "from": answer.sender, "warning": warning}

    async def _state(self, request: Mapping[str, Any]) -> Any:
        path = _text(request, "to")
        memory = await self._node.memory(path)
        found = next((view for view in self._node.views() if view.path == path), None)
        return {"agent": None if found is None else dataclasses.asdict(found), "memory": dict(memory)}

    async def _events(self, request: Mapping[str, Any]) -> Any:
        path, most = request.get("to"), request.get("most", 100)
        if isinstance(most, bool) or not isinstance(most, int) or not 0 < most <= _EVENTS:
            raise CallerError(f"most: expected a whole number from 1 to {_EVENTS:,}")
        return [dataclasses.asdict(event) for event in self._node.events.recent(most, path and str(path))]

    async def _restart(self, request: Mapping[str, Any]) -> Any:
        await self._node.restart(_text(request, "to"))
        return None

    async def _move(self, request: Mapping[str, Any]) -> Any:
        await self._node.moves.move(_text(request, "to"), _text(request, "node"))

    async def _end(self, request: Mapping[str, Any]) -> Any:
        if "to" in request:
            await self._node.terminate(_text(request, "to"))
        else:
            self._ending = True

    def _priority(self, to: str, request: Mapping[str, Any]) -> tuple[Priority, str]:
        priority, warning = incoming.priority(request.get("priority"))
        if warning:
            self._node.note(to, "warning", warning)
        return priority, warning


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise CallerError(f"{key}: expected the address of an agent")
    return value


def _payload(request: Mapping[str, Any]) -> Any:
    if "payload" not in request:
        raise CallerError("payload: expected a JSON value")
    payload = request["payload"]
    if len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise CallerError(f"payload: expected at most {MOST_BYTES:,} bytes of JSON")
    return payload


def _refusal(error: McpWasmError) -> bytes:
    fault = (
        "caller" if isinstance(error, CallerError) else "guest" if isinstance(error, GuestError) else "host"
    )
    return _encoded({"error": str(error), "fault": fault})


def _encoded(answer: Mapping[str, Any]) -> bytes:
    line = json.dumps(answer, allow_nan=False).encode() + b"\n"
    if len(line) > LONGEST_LINE:
        raise CallerError(f"the answer has {len(line):,} bytes, more than the {LONGEST_LINE:,} that fit")
    return line


async def _discard(reader: asyncio.StreamReader) -> None:
    """Read what still comes, for a moment: hung up on at once, the other side might not see why."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_MOMENT):
            while await reader.read(65_536):
                pass


async def _write(writer: asyncio.StreamWriter, line: bytes) -> None:
    async with asyncio.timeout(IDLE):
        writer.write(line)
        await writer.drain()
