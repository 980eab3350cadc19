"""The connections of the HTTP client: only to addresses that were checked, and only by TCP.

The client asks for a connection to a name; it is made to an address of that name
(``resolve.checked``). TLS is negotiated by the client over it with the name that
it asked for, so certificates are verified against the name and not the address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import httpcore2

from mcp_wasm.capability.grant import Network
from mcp_wasm.sandbox.network.failure import Failure
from mcp_wasm.sandbox.network.resolve import Resolve, checked

Dial = Callable[[str, int, float | None], Awaitable[httpcore2.AsyncNetworkStream]]
"""Connects to an address (not a name) and a port, within so many seconds."""


async def dial(ip: str, port: int, seconds: float | None) -> httpcore2.AsyncNetworkStream:
    """Connect by TCP."""
    return await httpcore2.AnyIOBackend().connect_tcp(ip, port, seconds)


class Pinned(httpcore2.AsyncNetworkBackend):
    """Connections under one grant."""

    def __init__(self, grant: Network, resolve: Resolve, dial: Dial) -> None:
        self._grant, self._resolve, self._dial = grant, resolve, dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of ``host`` that answers.

        Raises:
            Failure: if one of its addresses must not be connected to.
            httpcore2.ConnectError: if none answers.
        """
        del local_address, socket_options  # a guest has no say in either
        until = time.monotonic() + (timeout if timeout is not None else 60.0)
        try:
            async with asyncio.timeout(until - time.monotonic()):
                addresses = await checked(self._resolve, host, port, self._grant)
        except TimeoutError:
            raise Failure("DNS-timeout") from None
        failed: Exception = httpcore2.ConnectTimeout("no time is left to connect")
        for index, ip in enumerate(addresses):
            # An address that never answers leaves time for the others.
            left = (until - time.monotonic()) / (len(addresses) - index)
            if left <= 0:
                break
            try:
                return await self._dial(str(ip), port, left)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's own signature
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Never: nothing that a guest names is a file of the host.

        Raises:
            Failure: always.
        """
        del path, timeout, socket_options
        raise Failure("HTTP-request-denied", refused=True)
