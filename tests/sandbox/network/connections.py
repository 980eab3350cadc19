"""A resolver that answers as a test says, and connections that are recorded and all lead to one server."""

from __future__ import annotations

import ssl
from typing import Any

import httpcore2

from mcp_wasm.sandbox.network.client import Client
from mcp_wasm.sandbox.network.pinned import dial

PUBLIC = "93.184.216.34"
"""An address that is public; no test ever connects to it."""


class Recorder:
    """``names`` gives the answers for each name in turn, the last one for ever; ``to`` is a port on loopback.

    ``asked`` are the names that were resolved, ``dialled`` the addresses and ports
    that were to be connected to. Nothing leaves this machine: every connection is
    made to the loopback server, and none at all without one.
    """

    def __init__(self, names: dict[str, list[list[str]]], to: int | None = None) -> None:
        self._names = {name: list(answers) for name, answers in names.items()}
        self._to = to
        self.asked: list[str] = []
        self.dialled: list[tuple[str, int]] = []

    async def _resolve(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        answers = self._names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def _dial(self, ip: str, port: int, seconds: float | None) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((ip, port))
        if self._to is None:
            raise httpcore2.ConnectError("nothing is there")
        return await dial("127.0.0.1", self._to, seconds)

    def client(self, tls: ssl.SSLContext | None = None, pauses: Any = None) -> Client:
        """A client that resolves and connects so."""
        return Client(self._resolve, self._dial, tls, pauses)
