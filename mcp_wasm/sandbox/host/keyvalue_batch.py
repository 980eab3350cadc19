"""``wasi:keyvalue/batch``: several keys of a bucket in one request, as a whole or not at all."""

from __future__ import annotations

from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.host.keyvalue_store import Bucket, allowed, answered


@answered
def _get_many(call: Call, bucket: Bucket, keys: list[str]) -> list[list[Any] | None]:
    values = allowed(call, bucket.name, write=False).get_many(bucket.name, keys, until=call.stop)
    return [None if value is None else [key, value] for key, value in zip(keys, values, strict=True)]


@answered
def _set_many(call: Call, bucket: Bucket, items: list[tuple[str, bytes]]) -> None:
    allowed(call, bucket.name, write=True).set_many(bucket.name, items, until=call.stop)


@answered
def _delete_many(call: Call, bucket: Bucket, keys: list[str]) -> None:
    allowed(call, bucket.name, write=True).delete_many(bucket.name, keys, until=call.stop)


INTERFACES = tuple(
    Interface(
        "wasi:keyvalue/batch",
        (version,),
        {"get-many": _get_many, "set-many": _set_many, "delete-many": _delete_many},
        uses={"bucket": Bucket},
    )
    for version in ("0.2.0-draft2", "0.2.0-draft")
)
