"""One change of a store in NATS KV: what it has to know is read, what it writes gathered, then all at once.

The rules of a change are those of ``memory.changes``, the same as of every backend. Each bucket
has an account (entries, bytes, and its generation, by which a bucket is cleared at once), and the
store one of all bytes: both are parts of every change, so that no bound is passed by two at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from mcp_wasm.memory.protocol import Entry, Usage
from mcp_wasm.mesh.kv_stream import Held, Part, Stream, encoded

_T = TypeVar("_T")


class Draft:
    """The entries of one bucket within one change: the table of ``memory.changes``."""

    def __init__(self, account: Held, total: Held, entries: dict[bytes, Held]) -> None:
        self._held, self._put = entries, dict[bytes, bytes | None]()
        known = json.loads(account.value or b"{}")
        self.generation: int = known.get("generation", 0)
        self.used = Usage(known.get("keys", 0), known.get("bytes", 0))
        self.all: int = json.loads(total.value or b"0")
        self.cleared = False

    def usage(self, bucket: str) -> Usage:  # noqa: ARG002 - a change is of one bucket
        """How full the bucket is."""
        return self.used

    def total(self) -> int:
        """Bytes of all buckets."""
        return self.all

    def size(self, bucket: str, key: bytes) -> int | None:
        """Bytes of a value."""
        value = self.entry(bucket, key).value
        return None if value is None else len(value)

    def entry(self, bucket: str, key: bytes) -> Entry:  # noqa: ARG002
        """A value and its version, as they were before the change."""
        return entry(self._held[key])

    def put(self, bucket: str, key: bytes, value: bytes) -> None:  # noqa: ARG002
        """Keep a value."""
        self._put[key] = value

    def remove(self, bucket: str, key: bytes) -> None:  # noqa: ARG002
        """Remove an entry."""
        self._put[key] = None

    def remove_all(self, bucket: str) -> None:  # noqa: ARG002
        """Remove every entry: those of the next generation are others."""
        self.cleared = True
        self.generation += 1

    def account(self, bucket: str, usage: Usage) -> None:  # noqa: ARG002
        """The bucket is now so full."""
        self.all += usage.bytes - self.used.bytes
        self.used = usage

    def parts(self, at: Callable[[bytes], str]) -> list[Part]:
        """The entries that change."""
        return [Part(at(key), value, self._held[key].seq) for key, value in self._put.items()]


def entry(held: Held) -> Entry:
    """What a store says of it: the version of what is not there is 0."""
    return Entry() if held.value is None else Entry(held.value, held.seq)


class Bucket:
    """One bucket of the store in ``stream``."""

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream, self.name = stream, name
        self._word = encoded(name.encode())
        self._account = stream.subject("bucket", self._word)
        self._total = stream.subject("total")

    def at(self, generation: int, key: bytes) -> str:
        """The subject of an entry."""
        return self._stream.subject("entry", self._word, str(generation), encoded(key))

    async def account(self) -> tuple[Held, int, Usage]:
        """The account as it is held, the generation in it, and how full the bucket is."""
        held = await self._stream.get(self._account)
        draft = Draft(held, Held(), {})
        return held, draft.generation, draft.used

    async def entries(self, keys: Sequence[bytes]) -> tuple[int, dict[bytes, Held]]:
        """What ``keys`` hold, all at one moment, and the generation of the bucket."""
        before, generation, _ = await self.account()
        while True:
            found = await _all(self._stream, [self.at(generation, key) for key in keys])
            if len(found) < 2:
                return generation, dict(zip(keys, found, strict=True))
            after, newer, _ = await self.account()
            if after.seq == before.seq:
                return generation, dict(zip(keys, found, strict=True))
            before, generation = after, newer

    async def change(self, keys: Sequence[bytes], work: Callable[[Draft], _T]) -> tuple[bool, _T]:
        """Do ``work`` on a draft with these keys, and write it; whether nobody else was quicker."""
        account, generation, _ = await self.account()
        subjects = [self.at(generation, key) for key in keys]
        total, *found = await _all(self._stream, [self._total, *subjects])
        draft = Draft(account, total, dict(zip(keys, found, strict=True)))
        result = work(draft)
        parts = draft.parts(lambda key: self.at(generation, key))
        if not parts and not draft.cleared:
            return True, result
        known = {"keys": draft.used.keys, "bytes": draft.used.bytes, "generation": draft.generation}
        parts.append(Part(self._account, json.dumps(known).encode(), account.seq))
        parts.append(Part(self._total, json.dumps(draft.all).encode(), total.seq))
        if not await self._stream.change(parts):
            return False, result
        if draft.cleared:
            await self._stream.purge(self._stream.subject("entry", self._word, str(generation), "*"))
        return True, result

    async def keys(self) -> list[str]:
        """The words of the keys that hold something."""
        _, generation, _ = await self.account()
        found = await self._stream.subjects(self._stream.subject("entry", self._word, str(generation), "*"))
        return [subject.rsplit(".", 1)[1] for subject in found]


async def _all(stream: Stream, subjects: Sequence[str]) -> list[Held]:
    if len(subjects) == 1:
        return [await stream.get(subjects[0])]
    return list(await asyncio.gather(*(stream.get(subject) for subject in subjects)))
