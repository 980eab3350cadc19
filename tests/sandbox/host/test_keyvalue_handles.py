"""Handles of ``wasi:keyvalue`` that live longer than what allowed them, or are many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import NOTHING, Grants, KeyValue, gather
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.sandbox.call import About, Call, Permit, Stopped
from mcp_wasm.sandbox.host import keyvalue_atomics, keyvalue_batch, keyvalue_store
from mcp_wasm.sandbox.host.keyvalue_atomics import Cas
from mcp_wasm.sandbox.host.keyvalue_store import Bucket
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop

DENIED = {"err": {"tag": "access-denied"}}
STORE, OLD_STORE = (each.functions for each in keyvalue_store.INTERFACES)
ATOMICS, OLD_ATOMICS = (each.functions for each in keyvalue_atomics.INTERFACES)
BATCH = keyvalue_batch.INTERFACES[0].functions
WRITE = gather([KeyValue("notes", write=True)])


def permit(services: Services, grants: Grants) -> Permit:
    return Permit(About("it_tool", "it", "0" * 64), Limits(), services, grants)


@pytest.fixture
def call(home: Path) -> Iterator[Call]:
    """A call that was granted a bucket for writing."""
    services = Services(home, state=StateOptions(bounds=Bounds(page=2)))
    made = Call(permit(services, WRITE), Stop())
    yield made
    made.close()
    services.close()


def ok(answer: Any) -> Any:
    assert "ok" in answer, answer
    return answer["ok"]


def run(function: Any, *given: Any) -> Any:
    return function(*given)


def test_a_handle_is_no_permission(call: Call) -> None:
    """An instance of a session keeps its handles from call to call, and each call has its own grants."""
    bucket = ok(run(STORE["open"], call, "notes"))
    cas = ok(run(ATOMICS["[static]cas.new"], call, bucket, "k"))
    read_only = gather([KeyValue("notes")])
    call.renew(permit(call.services, read_only), Stop())
    assert run(STORE["[method]bucket.get"], call, bucket, "k") == {"ok": None}
    assert run(STORE["[method]bucket.set"], call, bucket, "k", b"v") == DENIED
    assert run(ATOMICS["swap"], call, cas, b"v") == {"err": {"tag": "store-error", "val": DENIED["err"]}}
    assert [denial.asked for denial in call.denials] == ["write bucket notes"]
    call.renew(permit(call.services, NOTHING), Stop())
    for function, given in (
        (STORE["[method]bucket.get"], (bucket, "k")),
        (STORE["[method]bucket.exists"], (bucket, "k")),
        (STORE["[method]bucket.list-keys"], (bucket, None)),
        (OLD_STORE["[method]bucket.list-keys"], (bucket, None)),
        (BATCH["get-many"], (bucket, ["k"])),
        (ATOMICS["[method]cas.current"], (cas,)),
        (ATOMICS["[static]cas.new"], (bucket, "k")),
        (OLD_ATOMICS["increment"], (bucket, "k", 1)),
    ):
        assert run(function, call, *given) == DENIED


def test_a_swap_is_of_the_bucket_and_key_that_its_handle_was_made_for(call: Call) -> None:
    call.renew(permit(call.services, gather([KeyValue("*", write=True)])), Stop())
    one, two = (ok(run(STORE["open"], call, name)) for name in ("one", "two"))
    run(STORE["[method]bucket.set"], call, one, "k", b"1")
    run(STORE["[method]bucket.set"], call, two, "k", b"2")
    cas = ok(run(ATOMICS["[static]cas.new"], call, one, "k"))
    run(STORE["[method]bucket.set"], call, two, "k", b"3")
    assert run(ATOMICS["swap"], call, cas, b"4") == {"ok": None}
    assert run(STORE["[method]bucket.get"], call, two, "k") == {"ok": b"3"}


def test_a_stale_swap_gives_a_handle_to_the_newest(call: Call) -> None:
    bucket = Bucket("notes")
    stale = ok(run(ATOMICS["[static]cas.new"], call, bucket, "k"))
    run(STORE["[method]bucket.set"], call, bucket, "k", b"1")
    answer = run(ATOMICS["swap"], call, stale, b"2")
    newest = answer["err"]["val"]
    assert answer["err"]["tag"] == "cas-failed"
    assert isinstance(newest, Cas)
    assert run(ATOMICS["[method]cas.current"], call, newest) == {"ok": b"1"}
    assert run(ATOMICS["swap"], call, newest, b"2") == {"ok": None}


def test_a_swaps_handle_holds_no_value() -> None:
    """Ten thousand handles to a value of a megabyte would be ten gigabytes of the host."""
    assert Cas.__slots__ == ("bucket", "key", "seen", "version")


def test_pages_by_number_go_on_through_the_handle_that_gave_them(call: Call) -> None:
    list_keys, bucket = OLD_STORE["[method]bucket.list-keys"], Bucket("notes")
    ok(run(BATCH["set-many"], call, bucket, [(key, b"") for key in "abcde"]))
    first = ok(run(list_keys, call, bucket, None))
    assert (first["keys"], first["cursor"]) == (["a", "b"], 1)
    second = ok(run(list_keys, call, bucket, first["cursor"]))
    assert ok(run(list_keys, call, bucket, second["cursor"])) == {"keys": ["e"], "cursor": None}
    assert ok(run(list_keys, call, bucket, first["cursor"]))["keys"] == ["c", "d"]
    other = run(list_keys, call, Bucket("notes"), first["cursor"])
    assert other["err"]["tag"] == "other"


def test_a_flood_of_lists_remembers_a_bounded_number_of_pages(call: Call) -> None:
    list_keys, bucket = OLD_STORE["[method]bucket.list-keys"], Bucket("notes")
    ok(run(BATCH["set-many"], call, bucket, [(key, b"") for key in "abc"]))
    numbers = [ok(run(list_keys, call, bucket, None))["cursor"] for _ in range(keyvalue_store._CURSORS + 1)]
    assert "err" in run(list_keys, call, bucket, numbers[0])
    assert ok(run(list_keys, call, bucket, numbers[1]))["keys"] == ["c"]


def test_a_call_that_is_due_stops_at_its_next_use(call: Call) -> None:
    bucket = ok(run(STORE["open"], call, "notes"))
    call.stop.cancelled = True
    for function, given in (
        (STORE["[method]bucket.get"], (bucket, "k")),
        (STORE["[method]bucket.list-keys"], (bucket, None)),
        (BATCH["get-many"], (bucket, ["k"])),
    ):
        with pytest.raises(Stopped):
            run(function, call, *given)
