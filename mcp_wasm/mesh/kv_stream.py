"""The stream below a store: entries by subject, changed several at a time, all or none.

It is a NATS KV bucket (``KV_…``, one message a subject), which any tool of NATS can look at. A
change goes in by an atomic batch in which every part says what it expects to be there: so a store
holds its bounds, and a swap its word, with several processes at once. Source: ADR-8 and ADR-50 of
nats-io/nats-architecture-and-design; a server of 2.12 or newer is needed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mcp_wasm.errors import MeshDenied, MessageRefused, NoReply, StateUnavailable, Unreachable
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.traffic import Received

Storage = Literal["file", "memory"]

MOST_PARTS = 1000
"""Messages of one batch: the server's limit."""

_WRONG_LAST, _NO_STREAM = 10071, 10059

_AGAIN = 0.05
"""Seconds between two tries while the server is away."""

_MARKER_SECONDS = "60s"
"""How long the mark of a removed entry stays at most; it is taken away at once if we live."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a subject holds, None for nothing; ``seq`` is what a change has to expect there."""

    value: bytes | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a change: ``value`` (None: nothing) in place of what has ``seq``."""

    subject: str
    value: bytes | None
    seq: int


class Stream:
    """The stream ``name`` on a connection, made where it is not there.

    In a ``file`` a change survives the end of the server, and a loss of power as the server's
    ``sync_interval`` says: the parts of a change are put on disk while they are gathered (which takes most
    of its time), what comes of them later. In ``memory`` it takes a hundredth, and is gone with the server.
    """

    def __init__(self, connection: Connection, name: str, seconds: float, storage: Storage) -> None:
        self.connection, self.name, self.seconds, self.storage = connection, name, seconds, storage
        self._made = False

    def subject(self, *words: str) -> str:
        """A subject of it."""
        return ".".join(("$KV", self.name, *words))

    async def make(self) -> None:
        """Make it unless it is there.

        Raises:
            StateUnavailable: it cannot be made.
        """
        if self._made:
            return
        config = {
            "name": f"KV_{self.name}",
            "subjects": [self.subject(">")],
            "storage": self.storage,
            "retention": "limits",
            "max_msgs_per_subject": 1,
            "discard": "new",
            "allow_direct": True,
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "allow_atomic": True,
            "allow_msg_ttl": True,
        }
        answer = await self._api("STREAM.CREATE", config)
        if "error" in answer:
            raise self.failed(str(answer["error"].get("description")))
        if not answer.get("config", {}).get("allow_atomic"):
            raise self.failed("it needs a NATS server of version 2.12 or newer")
        self._made = True

    async def get(self, subject: str) -> Held:
        """What ``subject`` holds."""
        found = await self._ask(f"$JS.API.DIRECT.GET.KV_{self.name}.{subject}", b"")
        if found.headers.get("Status") == "404":
            return Held()
        if "Status" in found.headers:
            raise self.failed(f"the server answered {found.headers['Status']}")
        seq = int(found.headers["Nats-Sequence"])
        gone = "KV-Operation" in found.headers or "Nats-Marker-Reason" in found.headers
        return Held(None if gone else found.payload, seq)

    async def subjects(self, pattern: str) -> list[str]:
        """The subjects that hold something and fit ``pattern``, in no order."""
        found: list[str] = []
        while True:
            answer = await self._api("STREAM.INFO", {"subjects_filter": pattern, "offset": len(found)})
            if "error" in answer:
                raise self.failed(str(answer["error"].get("description")))
            page = answer["state"].get("subjects") or {}
            found += page
            if not page or len(found) >= answer.get("total", 0):
                return found

    async def change(self, parts: Sequence[Part]) -> bool:
        """Do all of ``parts`` or, where one finds another ``seq`` than it expects, none; whether it was."""
        batch = uuid.uuid4().hex
        for number, part in enumerate(parts, 1):
            headers = {
                "Nats-Expected-Last-Subject-Sequence": str(part.seq),
                "Nats-Batch-Id": batch,
                "Nats-Batch-Sequence": str(number),
            }
            if part.value is None:
                headers |= {"KV-Operation": "DEL", "Nats-TTL": _MARKER_SECONDS}
            if number < len(parts):
                await self.connection.publish(part.subject, part.value or b"", headers=headers)
        headers["Nats-Batch-Commit"] = "1"
        answer = json.loads((await self._ask(part.subject, part.value or b"", headers)).payload)
        error = answer.get("error")
        if error is not None and error.get("err_code") != _WRONG_LAST:
            raise self.failed(str(error.get("description")))
        if error is None:
            await self._sweep([each.subject for each in parts if each.value is None], answer["seq"])
        return error is None

    async def purge(self, pattern: str, below: int | None = None) -> None:
        """Take away what fits ``pattern``, up to the sequence ``below``."""
        wanted: dict[str, Any] = {"filter": pattern} | ({} if below is None else {"seq": below})
        await self._api("STREAM.PURGE", wanted)

    async def _sweep(self, removed: Sequence[str], last: int) -> None:
        """The marks of what was removed: without them a list of subjects is a list of what is there."""
        async with asyncio.TaskGroup() as group:
            for subject in removed:
                group.create_task(self.purge(subject, last + 1))

    async def _api(self, what: str, wanted: dict[str, Any]) -> dict[str, Any]:
        asked = await self._ask(f"$JS.API.{what}.KV_{self.name}", json.dumps(wanted).encode())
        answer: dict[str, Any] = json.loads(asked.payload)
        if answer.get("error", {}).get("err_code") == _NO_STREAM:
            self._made = False
        return answer

    async def _ask(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Received:
        """Ask, and again while the server is away; a change (with ``headers``) once, since it may be done."""
        end = asyncio.get_running_loop().time() + self.seconds
        while True:
            try:
                return await self.connection.request(subject, payload, self.seconds, headers=headers)
            except (Unreachable, NoReply) as error:
                if headers is not None or asyncio.get_running_loop().time() > end:
                    raise self.failed(str(error).rstrip(".")) from None
                await asyncio.sleep(_AGAIN)
            except (MeshDenied, MessageRefused) as error:
                raise self.failed(str(error).rstrip(".")) from None

    def failed(self, reason: str) -> StateUnavailable:
        """An error of this stream."""
        return StateUnavailable(f"NATS KV {self.name}", reason)


def encoded(text: bytes) -> str:
    """One word of a subject, whatever is in ``text``."""
    return "k" + base64.urlsafe_b64encode(text).decode().rstrip("=")


def decoded(word: str) -> bytes:
    """What ``encoded`` was given."""
    return base64.urlsafe_b64decode(word[1:] + "=" * (-len(word[1:]) % 4))
