"""Every limit of a call from both sides, and what a guest is told that reached it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.errors import (
    Cancelled,
    DeadlineExceeded,
    FuelExhausted,
    GuestError,
    LimitExceeded,
    MemoryLimitExceeded,
    Trap,
)
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.guests import ENDLESS, component

HOUR_NS = 3600 * 10**9
PAGE = 65536

Program = Callable[[str], Path]


def test_fuel_is_the_same_each_time_and_one_unit_decides(home: Path) -> None:
    text = """(core module $m (func (export "f") (param i32)
        (loop $l (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0)))))
      (core instance $i (instantiate $m))
      (func (export "f") (param "n" u32) (canon lift (core func $i "f")))"""
    with component(home, text) as runtime:
        spent = {runtime.call_sync("it_f", {"n": 1000}).report.fuel for _ in range(5)}
        assert len(spent) == 1
        (most,) = spent
        least, too_little = most, 1
        while least - too_little > 1:
            middle = (least + too_little) // 2
            try:
                runtime.call_sync("it_f", {"n": 1000}, limits={"fuel": middle})
                least = middle
            except FuelExhausted:
                too_little = middle
        # The engine looks at the fuel at each turn of a loop, so the last turn's few units are free.
        assert 1000 < most - 10 < least <= most
        with pytest.raises(FuelExhausted) as caught:
            runtime.call_sync("it_f", {"n": 1000}, limits={"fuel": least - 1})
        assert caught.value.allowed == caught.value.report.fuel == least - 1


def test_fuel_ends_a_loop_and_the_report_says_all_was_spent(runtime: Runtime) -> None:
    with pytest.raises(FuelExhausted, match="fuel limit was reached: 1,000,000 units") as caught:
        runtime.call_sync("tiny_spin", {}, limits={"fuel": 1_000_000})
    assert caught.value.report.fuel == 1_000_000


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("tiny_spin", {}),
        ("wasi_sleep", {"ns": HOUR_NS}),
        ("wasi_sleep_until", {"ns": HOUR_NS}),
        ("wasi_sleep", {"ns": 2**64 - 1}),
        ("wasi_race", {"one": HOUR_NS, "other": HOUR_NS}),
        ("wasi_poll_ever", {}),
        ("wasi_nap_ever", {}),
        ("wasi_print", {"chunks": 2**32 - 1, "byte": 65, "size": 4096}),
        ("hostile_post_spin", {"count": 3}),
    ],
)
def test_the_deadline_ends_a_guest_that(runtime: Runtime, tool: str, arguments: dict[str, int]) -> None:
    with pytest.raises(DeadlineExceeded) as caught:
        runtime.call_sync(tool, arguments, limits={"deadline": 0.1})
    assert caught.value.allowed == 0.1
    assert caught.value.used is not None
    assert caught.value.report.digest == runtime.tool(tool).digest


@pytest.mark.parametrize(
    ("limits", "cut"),
    [({"deadline": 0.05}, True), ({"fuel": 1000}, False)],
)
def test_what_a_guest_used_that_was_stopped_while_it_computed_is_told_as_the_least(
    runtime: Runtime, limits: dict[str, float], cut: bool
) -> None:
    with pytest.raises(LimitExceeded) as caught:
        runtime.call_sync("tiny_spin", {}, limits=limits)
    assert caught.value.report.fuel_is_least is cut


def test_a_guest_whose_start_spins_is_ended_too(home: Path) -> None:
    text = """(core module $m (func $s (loop $l (br $l))) (start $s) (func (export "f")))
        (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f")))"""
    with component(home, text) as runtime, pytest.raises(FuelExhausted):
        runtime.call_sync("it_f", {}, limits={"fuel": 1000})
    with component(home, text, Limits(fuel=ENDLESS)) as runtime, pytest.raises(DeadlineExceeded):
        runtime.call_sync("it_f", {}, limits={"deadline": 0.05})


REALLOC = """(core module $m (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) %s)
      (func (export "f") (param i32 i32)))
    (core instance $i (instantiate $m))
    (alias core export $i "m" (core memory $mem)) (alias core export $i "r" (core func $r))
    (func (export "f") (param "x" string) (canon lift (core func $i "f") (memory $mem) (realloc $r)))"""


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ("(loop $l (br $l)) unreachable", FuelExhausted, "fuel limit"),
        ("unreachable", Trap, "`unreachable`"),
        ("(i32.const -8)", Trap, "beyond end of memory"),
        ("(i32.const 65535)", Trap, "beyond end of memory"),
    ],
)
def test_an_allocator_that_misbehaves_costs_its_own_call(
    home: Path, body: str, error: type[GuestError], says: str
) -> None:
    with component(home, REALLOC % body, Limits(fuel=1_000_000)) as runtime, pytest.raises(error, match=says):
        runtime.call_sync("it_f", {"x": "hello"})


def test_a_call_past_its_deadline_fails_though_its_guest_returned(runtime: Runtime) -> None:
    # Reading the clock of the result is what takes the time: the guest itself returns in time.
    with pytest.raises(DeadlineExceeded):
        runtime.call_sync("hostile_bytes", {"size": 2_000_000}, limits={"deadline": 0.001})


@pytest.mark.parametrize("tool", ["tiny_spin", "wasi_poll_ever", "wasi_nap_ever"])
@pytest.mark.anyio
async def test_cancelling_the_caller_frees_its_worker(home: Path, program: Program, tool: str) -> None:
    async with Runtime(home=home, limits=Limits(fuel=ENDLESS, deadline=ENDLESS), workers=1) as runtime:
        runtime.add(program("tiny"))
        runtime.add(program("wasi"))
        await runtime.call("tiny_add", {"a": 1, "b": 1})
        running = asyncio.Event()
        task = asyncio.create_task(runtime.call(tool, {}, on_wait=lambda _: running.set()))
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The only worker is free again, or this would wait for ever.
        assert (await runtime.call("tiny_add", {"a": 1, "b": 2})).value == 3


@pytest.mark.anyio
async def test_cancelling_ends_a_guest_that_sleeps(home: Path, program: Program) -> None:
    async with Runtime(home=home, limits=Limits(deadline=ENDLESS), workers=1) as runtime:
        runtime.add(program("wasi"))
        running = asyncio.Event()
        task = asyncio.create_task(
            runtime.call("wasi_sleep", {"ns": HOUR_NS}, on_wait=lambda _: running.set())
        )
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await runtime.call("wasi_surroundings", {})).value == 0


def test_memory_grows_up_to_the_limit_and_not_over_it(home: Path, program: Program) -> None:
    with Runtime(home=home, limits=Limits(memory=10 * PAGE)) as runtime:
        runtime.add(program("hostile"))  # it has two pages to begin with
        assert runtime.call_sync("hostile_grow", {"pages": 8}).value == 2
        assert runtime.call_sync("hostile_grow", {"pages": 9}).value == -1
        with pytest.raises(Trap, match="may have hit its limit of 655,360 bytes"):
            runtime.call_sync("hostile_need", {"pages": 9})
        with pytest.raises(MemoryLimitExceeded, match="to begin with"):
            runtime.call_sync("hostile_grow", {"pages": 0}, limits={"memory": PAGE})


def many(item: str, count: int) -> str:
    return f"""(core module $m {item * count} (func (export "f")))
        (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f")))"""


def instances(count: int) -> str:
    parts = "".join(f"(core instance $e{n} (instantiate $e))" for n in range(count - 1))
    return f"(core module $e) {parts} {many('', 0)}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (lambda n: many("(memory 1)", n), "more than the 4 memories"),
        (lambda n: many("(table 1 funcref)", n), "more than the 4 tables"),
        (instances, "more than the 4 core instances"),
    ],
)
def test_no_component_has_more_parts_than_it_may(home: Path, text: Callable[[int], str], says: str) -> None:
    limits = Limits(memories=4, tables=4, instances=4)
    with component(home, text(4), limits) as runtime:
        assert runtime.call_sync("it_f", {}).value is None
    with component(home, text(5), limits) as runtime, pytest.raises(Trap, match=says):
        runtime.call_sync("it_f", {})


def test_waiting_needs_nothing_of_what_the_guest_may_have(home: Path, program: Program) -> None:
    with Runtime(home=home, limits=Limits(memories=1, tables=0, instances=2)) as runtime:
        runtime.add(program("wasi"))  # it has one memory and two core instances itself
        assert runtime.call_sync("wasi_race", {"one": 10**12, "other": 1000}).value == 1


def test_tables_grow_up_to_their_limit(home: Path) -> None:
    text = """(core module $m (table 1 funcref)
        (func (export "f") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))
      (core instance $i (instantiate $m))
      (func (export "f") (param "n" u32) (result s32) (canon lift (core func $i "f")))"""
    with component(home, text, Limits(table_elements=1000)) as runtime:
        assert runtime.call_sync("it_f", {"n": 999}).value == 1
        assert runtime.call_sync("it_f", {"n": 1000}).value == -1


def test_recursion_without_end_is_a_trap(runtime: Runtime) -> None:
    with pytest.raises(Trap, match="recursion without end") as caught:
        runtime.call_sync("tiny_deep", {})
    assert 0 < len(caught.value.frames) <= 20


def test_no_call_sees_what_another_left(runtime: Runtime) -> None:
    first = runtime.call_sync("hostile_grow", {"pages": 3}).value
    assert runtime.call_sync("hostile_grow", {"pages": 0}).value == first == 2


def test_a_call_can_only_narrow(runtime: Runtime) -> None:
    narrow = replace(runtime.limits, deadline=0.05)
    with pytest.raises(DeadlineExceeded) as caught:
        runtime.call_sync("tiny_spin", {}, limits={"deadline": 0.05, "fuel": 10**18})
    assert caught.value.allowed == narrow.deadline


def test_after_close_a_call_is_cancelled_and_the_running_ones_were(home: Path, program: Program) -> None:
    runtime = Runtime(home=home)
    runtime.add(program("tiny"))
    runtime.call_sync("tiny_add", {"a": 1, "b": 1})
    runtime.close()
    runtime.close()
    with pytest.raises(Cancelled):
        runtime.call_sync("tiny_add", {"a": 1, "b": 1})
