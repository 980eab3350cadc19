"""``wasi:keyvalue/store``: buckets of values that outlive a call, by name and under grants.

A grant names buckets, so every function asks again whether this call may use the
bucket that a handle stands for: a handle is no permission. Two components that
were granted a name share the bucket. Source: the public drafts of
``wasi:keyvalue``; the older one pages by numbers, the newer one by texts.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from mcp_wasm.capability import match
from mcp_wasm.errors import StateOverdue, StateRefused, StateUnavailable
from mcp_wasm.memory import options, protocol
from mcp_wasm.memory.protocol import Store
from mcp_wasm.sandbox.call import Call, Stopped
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.services import Services

_log = logging.getLogger(__name__)

FILE = "keyvalue.sqlite"
"""The file in the folder ``state`` of the home."""

_CURSORS = 1_000
"""Numbers of pages that one handle remembers; the oldest are forgotten."""

_T = TypeVar("_T")


class Stores:
    """The store behind all buckets, made when the first call asks for it."""

    def __init__(self, services: Services) -> None:
        self.store: Store = options.store(services.state, services.home / "state" / FILE)

    def close(self) -> None:
        """Called when the runtime ends."""
        self.store.close()


class Bucket:
    """What a handle to a bucket stands for: its name, and the pages that were listed through it."""

    __slots__ = ("_cursors", "_numbers", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._cursors: dict[int, str] = {}
        self._numbers = itertools.count(1)

    def remember(self, key: str) -> int:
        """A number for the page after ``key``."""
        if len(self._cursors) >= _CURSORS:
            del self._cursors[next(iter(self._cursors))]
        number = next(self._numbers)
        self._cursors[number] = key
        return number

    def recall(self, number: int) -> str:
        """The key of that number.

        Raises:
            StateRefused: if this handle never gave it, or long ago.
        """
        try:
            return self._cursors[number]
        except KeyError:
            raise StateRefused("the cursor", "one that this bucket handle gave", str(number)) from None


class Denied(Exception):
    """The call has no grant for what it attempted, which is recorded already."""


def answered(run: Callable[..., _T]) -> Callable[..., Any]:
    """``run`` as a function of an interface: what it returns is ``ok``, what it may raise is ``err``."""

    @functools.wraps(run)
    def answer(call: Call, *arguments: Any) -> Any:
        try:
            return {"ok": run(call, *arguments)}
        except Denied:
            return {"err": {"tag": "access-denied"}}
        except StateRefused as error:
            return {"err": {"tag": "other", "val": str(error)}}
        except StateUnavailable as error:
            _log.warning("%s: %s", call.about.component, error)
            return {"err": {"tag": "other", "val": error.reason}}
        except StateOverdue:
            raise Stopped from None

    return answer


def allowed(call: Call, name: str, *, write: bool) -> Store:
    """The store, if the call may use the bucket ``name``.

    Raises:
        Denied: if it may not.
    """
    decision = match.bucket(call.grants, call.about.component, name, write)
    if decision.grant is None:
        asked = f"{'write' if write else 'read'} bucket {name}"
        call.deny(decision.wanted, asked, decision.rule, kind="keyvalue")
        raise Denied
    return call.services.shared(Stores).store


def _open(call: Call, identifier: str) -> Any:
    try:
        protocol.check_bucket(identifier)
    except StateRefused as error:
        shown = ascii(identifier[: protocol.LONGEST_BUCKET])[1:-1]
        call.deny(None, f"read bucket {shown}", str(error), kind="keyvalue")
        return {"err": {"tag": "no-such-store"}}
    return _open_named(call, identifier)


@answered
def _open_named(call: Call, name: str) -> Bucket:
    allowed(call, name, write=False)
    return Bucket(name)


@answered
def _get(call: Call, bucket: Bucket, key: str) -> bytes | None:
    return allowed(call, bucket.name, write=False).get(bucket.name, key, until=call.stop)


@answered
def _exists(call: Call, bucket: Bucket, key: str) -> bool:
    return allowed(call, bucket.name, write=False).exists(bucket.name, key, until=call.stop)


@answered
def _set(call: Call, bucket: Bucket, key: str, value: bytes) -> None:
    allowed(call, bucket.name, write=True).set(bucket.name, key, value, until=call.stop)


@answered
def _delete(call: Call, bucket: Bucket, key: str) -> None:
    allowed(call, bucket.name, write=True).delete(bucket.name, key, until=call.stop)


@answered
def _list_by_text(call: Call, bucket: Bucket, cursor: str | None) -> dict[str, Any]:
    keys, more = _page(call, bucket, cursor)
    return {"keys": keys, "cursor": keys[-1] if more else None}


@answered
def _list_by_number(call: Call, bucket: Bucket, cursor: int | None) -> dict[str, Any]:
    keys, more = _page(call, bucket, None if cursor is None else bucket.recall(cursor))
    return {"keys": keys, "cursor": bucket.remember(keys[-1]) if more else None}


def _page(call: Call, bucket: Bucket, after: str | None) -> tuple[list[str], bool]:
    store = allowed(call, bucket.name, write=False)
    page = store.list_keys(bucket.name, after=after, until=call.stop)
    return list(page.keys), page.more


def _functions(list_keys: Callable[..., Any]) -> dict[str, Any]:
    return {
        "open": _open,
        "[method]bucket.get": _get,
        "[method]bucket.set": _set,
        "[method]bucket.delete": _delete,
        "[method]bucket.exists": _exists,
        "[method]bucket.list-keys": list_keys,
    }


INTERFACES = (
    Interface("wasi:keyvalue/store", ("0.2.0-draft2",), _functions(_list_by_text), {"bucket": Bucket}),
    Interface("wasi:keyvalue/store", ("0.2.0-draft",), _functions(_list_by_number), {"bucket": Bucket}),
)
