"""The subscriptions of a connection: entered anew with each client, so that they outlive its loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription

from mcp_wasm.errors import MeshDenied, MessageRefused, Unreachable
from mcp_wasm.mesh.client import UNFIT, Client
from mcp_wasm.mesh.link import Link
from mcp_wasm.mesh.traffic import Received

Callback = Callable[[Received], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Subscription:
    """A subscription that outlives the loss of a connection; ``stop`` ends it."""

    subject: str
    queue: str
    callback: Callback
    messages: int
    size: int
    _owner: Subscriptions
    current: NatsSubscription | None = None

    async def stop(self) -> None:
        """End it; what has come already and was not handled is dropped."""
        await self._owner.remove(self)

    async def take(self, msg: Msg) -> None:
        """A message came."""
        await self.callback(Received(msg.subject, msg.data, msg.headers or {}, msg.reply))


class Subscriptions:
    """Those of one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._all: dict[Subscription, None] = {}

    async def add(self, made: Subscription) -> Subscription:
        """See ``Connection.subscribe``."""
        self._all[made] = None
        client = self._link.present
        if client is None:
            return made
        try:
            with self._link.denial("subscribe to", made.subject) as denied:
                await _enter(client, made)
                await client.settle()
        except UNFIT as error:
            del self._all[made]
            raise MessageRefused(
                "a subscription", "a subject of NATS", f"{made.subject!r}: {error}"
            ) from None
        except (Unreachable, nats.errors.Error):
            return made  # lost meanwhile: it is entered again with the next connection
        except asyncio.CancelledError:
            await self.remove(made)
            raise
        if denied.done():
            await self.remove(made)
            raise MeshDenied("subscribe to", made.subject)
        return made

    async def remove(self, made: Subscription) -> None:
        """End one, once or several times."""
        self._all.pop(made, None)
        current, made.current = made.current, None
        if current is not None:
            with contextlib.suppress(nats.errors.Error):  # it is gone already, with its connection
                await current.unsubscribe()

    async def enter_all(self, client: Client) -> None:
        """Have them all in force with a new client."""
        while left := [each for each in self._all if each.current is None]:
            for each in left:
                await _enter(client, each)
        await client.settle()

    def leave_all(self) -> None:
        """The client is gone."""
        for each in self._all:
            each.current = None


async def _enter(client: Client, made: Subscription) -> None:
    made.current = await client.subscribe(made.subject, made.queue, made.take, made.messages, made.size)
