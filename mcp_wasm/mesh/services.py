"""A node as a service of NATS, so that its own tools (`nats service ls`) show the nodes of a mesh.

Only what anybody with access to NATS can see anyhow: the mesh, the node's name, where it takes calls. It is
signed by nobody and nothing here believes it; what nodes believe of each other is ``discovery``.
Source: ADR-32 of NATS.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from mcp_wasm import __version__
from mcp_wasm.errors import McpWasmError, MeshDenied
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.subscriptions import Subscription
from mcp_wasm.mesh.traffic import Received

NAME = "mcp-wasm"
_VERBS = ("PING", "INFO", "STATS")


class Service:
    """Answers for the node ``node`` of ``mesh``; ``boot`` is its life in milliseconds since 1970.

    ``subject`` is where it is spoken to, ``load`` gives how many calls run and how many more may.
    """

    def __init__(  # noqa: PLR0917 - what one answer tells
        self,
        wire: Connection,
        mesh: str,
        node: str,
        boot: int,
        subject: str,
        load: Callable[[], tuple[int, int]],
    ) -> None:
        self._wire, self._subject, self._load = wire, subject, load
        self._about = {
            "name": NAME,
            "id": f"{mesh}-{node}-{boot}",
            "version": __version__,
            "metadata": {"mesh": mesh, "node": node},
        }
        started = dt.datetime.fromtimestamp(boot / 1000, dt.UTC)
        self._started = started.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
        self._listening: list[Subscription] = []

    async def start(self) -> None:
        """Answer from now on, where NATS lets this node."""
        for verb in _VERBS:
            for which in ("", f".{NAME}", f".{NAME}.{self._about['id']}"):
                try:
                    found = await self._wire.subscribe(f"$SRV.{verb}{which}", self._answers(verb))
                except MeshDenied:
                    return  # it is there for people to look at, and nothing needs it
                self._listening.append(found)

    async def close(self) -> None:
        """Answer no more."""
        for each in self._listening:
            await each.stop()

    def _answers(self, verb: str) -> Callable[[Received], Any]:
        async def answer(received: Received) -> None:
            if received.reply:
                try:
                    await self._wire.publish(received.reply, json.dumps(self._told(verb)).encode())
                except McpWasmError:
                    return  # NATS is away, or who asked is nobody that may be answered

        return answer

    def _told(self, verb: str) -> dict[str, Any]:
        kind = {"type": f"io.nats.micro.v1.{verb.lower()}_response"}
        endpoint = {"name": "node", "subject": self._subject, "queue_group": ""}
        match verb:
            case "INFO":
                described = {**endpoint, "metadata": {}}
                return {**self._about, **kind, "description": "a node of mcp-wasm", "endpoints": [described]}
            case "STATS":
                calls, room = self._load()
                numbers = dict.fromkeys(("num_requests", "num_errors", "processing_time"), 0)
                stats = {**endpoint, **numbers, "average_processing_time": 0, "last_error": ""}
                stats["data"] = {"calls": calls, "room": room}
                return {**self._about, **kind, "started": self._started, "endpoints": [stats]}
        return {**self._about, **kind}
