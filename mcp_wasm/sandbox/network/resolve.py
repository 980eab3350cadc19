"""Names to addresses, each of them checked before anybody connects.

A name says nothing of where it leads, and it may lead elsewhere the next time
it is asked for. So a connection is made to an address that was resolved and
checked here and to no other: the name is not resolved a second time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor

from mcp_wasm.capability import address
from mcp_wasm.capability.grant import Network
from mcp_wasm.sandbox.network.failure import Failure

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, as texts, best first; the port only chooses among them."""

_MOST = 64
"""Addresses of one name; a name with more is refused rather than checked in part."""
_AT_ONCE = 4
"""Lookups of one component at the same time."""
TRIED = 4
"""Addresses of one name that a connection is tried to."""


def system(executor: Executor) -> Resolve:
    """The system's own resolver, which blocks its thread of ``executor`` until it is done."""

    def blocking(host: str, port: int) -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    async def resolve(host: str, port: int) -> list[str]:
        return await asyncio.get_running_loop().run_in_executor(executor, blocking, host, port)

    return resolve


def few_at_once(resolve: Resolve) -> Resolve:
    """``resolve`` for one component, whose slow names must not hold up those of all the others.

    A lookup cannot be interrupted: one that nobody waits for any more still counts.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    def ended(lookup: asyncio.Future[Sequence[str]]) -> None:
        gate.release()
        if not lookup.cancelled():
            lookup.exception()  # whoever waited for it may be gone

    async def one_of_few(host: str, port: int) -> Sequence[str]:
        await gate.acquire()
        lookup = asyncio.ensure_future(resolve(host, port))
        lookup.add_done_callback(ended)
        return await asyncio.shield(lookup)

    return one_of_few


async def checked(resolve: Resolve, host: str, port: int, grant: Network) -> list[address.Address]:
    """The addresses of ``host`` that may be connected to under ``grant``.

    One address that may not be refuses the name: a public name with a private
    address beside the public one is an attack or a mistake, and which of them
    would be used is chance.

    Raises:
        Failure: if the name has no address, or one that must not be connected to.
        TimeoutError: if the resolver says that it took too long.
    """
    literal = address.parse(host)
    if literal is not None:
        found: list[address.Address | None] = [literal]
    else:
        try:
            found = [address.parse(text) for text in await resolve(host, port)]
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            raise Failure("DNS-error", {"rcode": None, "info-code": None}) from None
    if not found or len(found) > _MOST:
        raise Failure("DNS-error", {"rcode": None, "info-code": None})
    addresses = []
    for one in found:
        reason = "its address is none" if one is None else address.refusal(one, grant.private, grant.hosts)
        if reason or one is None:
            private = one is not None and address.sort(one)[0] == "private"
            raise Failure(
                "destination-IP-prohibited", reason=f"{host}: {reason}", refused=True, private=private
            )
        addresses.append(one)
    return addresses[:TRIED]
