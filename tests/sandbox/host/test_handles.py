"""Handles to the host's own resources: kept, given away, dropped, bounded, never confused."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import KeyValue
from mcp_wasm.errors import HandlesExhausted, HostFault, Trap
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.handles import Resources
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.host import boxes

PEEK = """(func (export "go") (param i64) (result i32)
    (call $peek (call $new (i64.const 7)) (i32.const 16)) (i32.const 16))"""
EAT = PEEK.replace("$peek", "$eat")
PEEK_AND_DROP = """(func (export "go") (param i64) (result i32) (local $box i32)
    (local.set $box (call $new (i64.const 8)))
    (call $peek (local.get $box) (i32.const 16))
    (call $drop (local.get $box)) (i32.const 16))"""
MANY = """(func (export "go") (param $n i64) (result i32) (local $box i32)
    (loop $next
      (local.set $box (call $new (local.get $n)))
      {drop}
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $next (i64.gt_u (local.get $n) (i64.const 0))))
    (call $peek (call $new (i64.const 9)) (i32.const 16)) (i32.const 16))"""


def result(runtime: Any, times: int = 1) -> bytes:
    return base64.b64decode(runtime.call_sync("it_go", {"times": times}).value)


def test_a_handle_stands_for_its_object_until_the_call_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bytes] = []
    boxes.register(monkeypatch, boxes.interface(closed))
    with boxes.guest(tmp_path, PEEK) as runtime:
        assert result(runtime) == b"7"
        assert closed == [b"7"]


def test_what_the_guest_gives_away_is_the_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bytes] = []
    boxes.register(monkeypatch, boxes.interface(closed))
    with boxes.guest(tmp_path, EAT) as runtime:
        assert result(runtime) == b"7"
        assert closed == []


def test_a_dropped_handle_closes_its_object_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bytes] = []
    boxes.register(monkeypatch, boxes.interface(closed))
    with boxes.guest(tmp_path, PEEK_AND_DROP) as runtime:
        assert result(runtime) == b"8"
        assert closed == [b"8"]


def test_as_many_handles_as_allowed_and_not_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bytes] = []
    boxes.register(monkeypatch, boxes.interface(closed))
    with boxes.guest(tmp_path, MANY.format(drop=""), limits=Limits(resources=20)) as runtime:
        assert result(runtime, 19) == b"9"
        assert len(closed) == 20
        with pytest.raises(HandlesExhausted, match="20 handles"):
            result(runtime, 20)
        assert len(closed) == 40


def test_dropped_handles_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes.register(monkeypatch, boxes.interface([]))
    code = MANY.format(drop="(call $drop (local.get $box))")
    with boxes.guest(tmp_path, code, limits=Limits(resources=2)) as runtime:
        assert result(runtime, 5000) == b"9"


def test_a_handle_of_another_resource_is_no_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes.register(monkeypatch, boxes.interface([]))
    code = PEEK.replace("(call $new (i64.const 7))", "(call $lid)")
    with boxes.guest(tmp_path, code, peeked="$lid") as runtime, pytest.raises(Trap, match="another resource"):
        result(runtime)


@pytest.mark.parametrize("wrong", ["text", None, [300], boxes.Lid()])
def test_a_result_that_does_not_fit_is_our_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: object
) -> None:
    boxes.register(monkeypatch, boxes.interface([], lambda _call, _box: wrong))
    with boxes.guest(tmp_path, PEEK) as runtime, pytest.raises(HostFault):
        result(runtime)


def test_one_that_fails_to_close_does_not_keep_the_others_open() -> None:
    class Stuck:
        def close(self) -> None:
            raise ValueError("stuck")

    closed: list[bytes] = []
    table = Resources(3)
    table.put(boxes.Box(b"a", closed))
    table.put(Stuck())
    table.put(boxes.Box(b"b", closed))
    table.close()
    assert sorted(closed) == [b"a", b"b"]
    assert len(table) == 0


def test_a_denial_is_in_the_report_once_with_its_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peek(call: Call, box: boxes.Box) -> bytes:
        for _ in range(3):
            call.deny(KeyValue("notes"), "open bucket notes", "no grant of keyvalue to it")
        call.deny(None, "the moon", "nothing allows that", kind="storage", quiet=True)
        return box.content

    boxes.register(monkeypatch, boxes.interface([], peek))
    with boxes.guest(tmp_path, PEEK) as runtime:
        first, second = runtime.call_sync("it_go", {"times": 1}).report.denials
        assert (first.capability, first.asked, first.count, first.component) == (
            "keyvalue",
            "open bucket notes",
            3,
            "it",
        )
        assert first.command.startswith("mcp-wasm grants add it keyvalue")
        assert (second.capability, second.command, second.quiet) == ("storage", "", True)
        assert runtime.services.denials == {("it", "keyvalue"): 1, ("it", "storage"): 1}


def test_a_flood_of_denials_is_counted_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def peek(call: Call, box: boxes.Box) -> bytes:
        for number in range(1000):
            call.deny(KeyValue(f"b{number}"), f"open bucket {number}" + "x" * 10_000, "no")
        return box.content

    boxes.register(monkeypatch, boxes.interface([], peek))
    with boxes.guest(tmp_path, PEEK) as runtime:
        denials = runtime.call_sync("it_go", {"times": 1}).report.denials
        assert len(denials) == 64
        assert denials[-1].count == 937
        assert max(len(denial.asked) for denial in denials) == 500
