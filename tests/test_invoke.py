"""A call from an event loop: what it waits for, who may cancel what, and which version it runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mcp_wasm.errors import (
    Cancelled,
    ComponentRefused,
    InvalidArguments,
    InvalidSettings,
    UnknownTool,
)
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import inspect, waits
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.binaries import component, loops_bomb

Program = Callable[[str], Path]
ADD = {"a": 40, "b": 2}
ENDLESS = Limits(fuel=10**15, deadline=10**9)


@pytest.fixture
async def runtime(home: Path, program: Program) -> AsyncIterator[Runtime]:
    async with Runtime(home=home, limits=ENDLESS) as made:
        made.add(program("tiny"))
        yield made


def endless(tmp_path: Path, name: str, constant: int) -> Path:
    """A component that gives a number, or sleeps for ever on request, before it does."""
    path = tmp_path / f"{name}.wat"
    path.write_text(f"""(component
        (core module $m (memory (export "m") 1)
          (func (export "get") (result i32) (i32.const {constant}))
          (func (export "count") (param i32) (result i32)
            (loop $l (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0)))
            (i32.const {constant})))
        (core instance $i (instantiate $m))
        (func (export "get") (result s32) (canon lift (core func $i "get")))
        (func (export "count") (param "n" u32) (result s32) (canon lift (core func $i "count"))))""")
    return path


@pytest.fixture
def quick_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """A running call says so at once: one that counts to its end may take less than a second."""
    monkeypatch.setattr(waits, "_HEARTBEAT_S", 0.005)


@pytest.mark.anyio
async def test_a_call_returns_its_value_and_its_cost(runtime: Runtime) -> None:
    outcome = await runtime.call("tiny_add", ADD)
    assert (outcome.value, outcome.text, outcome.failed) == (42, "42", False)
    report = outcome.report
    assert report.fuel > 0
    assert report.digest == runtime.component("tiny").digest
    assert min(report.queue_ms, report.compile_ms, report.instantiate_ms, report.run_ms) >= 0


@pytest.mark.anyio
async def test_many_calls_at_once_each_get_their_own_result(runtime: Runtime) -> None:
    calls = [runtime.call("tiny_add", {"a": n, "b": n}, client=str(n % 7)) for n in range(300)]
    assert [outcome.value for outcome in await asyncio.gather(*calls)] == [2 * n for n in range(300)]


@pytest.mark.parametrize("loops", [2, 8, 32])
@pytest.mark.anyio
async def test_endless_loops_hold_up_nobody_else(home: Path, program: Program, loops: int) -> None:
    async with Runtime(home=home, limits=ENDLESS, workers=8) as runtime:
        runtime.add(program("tiny"))
        runtime.add(program("tiny"), name="other")
        await runtime.call("tiny_add", ADD)
        tasks = [asyncio.create_task(runtime.call("tiny_spin", {}, client="bad")) for _ in range(loops)]
        for client, tool in [("good", "other_add"), ("good", "tiny_add"), ("bad", "other_add")]:
            calls = [runtime.call(tool, ADD, client=client) for _ in range(50)]
            assert {outcome.value for outcome in await asyncio.gather(*calls)} == {42}
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        # Everything is free again for the one who looped, too.
        assert (await runtime.call("tiny_add", ADD, client="bad")).value == 42


@pytest.mark.anyio
async def test_closing_ends_calls_that_run_and_calls_that_wait(home: Path, program: Program) -> None:
    before = set(threading.enumerate())  # those of runtimes that other tests share
    runtime = Runtime(home=home, limits=ENDLESS, workers=8)
    runtime.add(program("tiny"))
    await runtime.call("tiny_add", ADD)
    running = asyncio.Event()
    tasks = [
        asyncio.create_task(runtime.call("tiny_spin", {}, client=str(n), on_wait=lambda _: running.set()))
        for n in range(32)
    ]
    await running.wait()
    await asyncio.to_thread(runtime.close)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, Cancelled) for result in results)
    with pytest.raises(Cancelled):
        await runtime.call("tiny_add", ADD)
    more = set(threading.enumerate()) - before
    assert [thread for thread in more if thread.name.startswith("mcp-wasm")] == []
    assert len(more) <= 1  # the loop's own helper thread may stay


@pytest.mark.anyio
async def test_a_call_that_waits_for_a_compile_hears_of_it(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "slow.wasm"
    path.write_bytes(component(loops_bomb(20_000)))
    runtime.add(path)
    heard: list[str] = []
    spoken = asyncio.Event()

    def hear(line: str) -> None:
        heard.append(line)
        spoken.set()

    task = asyncio.create_task(runtime.call("slow_f", {}, on_wait=hear))
    await spoken.wait()
    assert heard == ["compiling slow, 1 s"]
    # Meanwhile others are served, and the one who waits may give up.
    assert (await runtime.call("tiny_add", ADD)).value == 42
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.anyio
async def test_one_who_gives_up_waiting_for_a_compile_cancels_it_for_nobody(
    home: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, waiting = threading.Event(), asyncio.Event()
    read_binary = inspect.read_binary

    def slowly(path: Path) -> bytes:
        gate.wait()
        return read_binary(path)

    async with Runtime(home=home) as runtime:
        runtime.add(program("tiny"))
        monkeypatch.setattr(inspect, "read_binary", slowly)  # a compile begins with the bytes
        first = asyncio.create_task(runtime.call("tiny_add", ADD, on_wait=lambda _: waiting.set()))
        second = asyncio.create_task(runtime.call("tiny_add", ADD))
        third = asyncio.create_task(runtime.call("tiny_add", ADD))
        await waiting.wait()
        for task in (first, second):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.set()
        assert (await third).value == 42


@pytest.mark.anyio
async def test_wrong_arguments_do_not_wait_for_a_compile(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "slow.wasm"
    path.write_bytes(component(loops_bomb(20_000)))
    runtime.add(path)
    with pytest.raises(InvalidArguments):
        await runtime.call("slow_f", {"no": 1})


@pytest.mark.anyio
async def test_a_running_call_finishes_on_the_version_it_began_with(
    home: Path, tmp_path: Path, quick_heartbeat: None
) -> None:
    async with Runtime(home=home, limits=ENDLESS) as runtime:
        first = runtime.add(endless(tmp_path, "it", 1)).digest
        await runtime.call("it_get", {})
        running = asyncio.Event()
        task = asyncio.create_task(
            runtime.call("it_count", {"n": 2_000_000_000}, on_wait=lambda _: running.set())
        )
        await running.wait()
        second = runtime.add(endless(tmp_path, "it", 2)).digest
        assert (await runtime.call("it_get", {})).value == 2
        outcome = await task
        assert (outcome.value, outcome.report.digest) == (1, first)
        assert (await runtime.call("it_count", {"n": 1})).report.digest == second != first


@pytest.mark.anyio
async def test_a_running_call_outlives_the_removal_of_its_component(
    home: Path, tmp_path: Path, quick_heartbeat: None
) -> None:
    async with Runtime(home=home, limits=ENDLESS) as runtime:
        runtime.add(endless(tmp_path, "it", 7))
        await runtime.call("it_get", {})
        running = asyncio.Event()
        task = asyncio.create_task(
            runtime.call("it_count", {"n": 2_000_000_000}, on_wait=lambda _: running.set())
        )
        await running.wait()
        runtime.remove("it")
        with pytest.raises(UnknownTool):
            await runtime.call("it_get", {})
        assert (await task).value == 7


@pytest.mark.anyio
async def test_a_file_that_changed_before_its_first_call_is_not_run_as_what_it_was(
    home: Path, tmp_path: Path
) -> None:
    async with Runtime(home=home) as runtime:
        runtime.add(endless(tmp_path, "it", 1))
        path = endless(tmp_path, "it", 2)
        with pytest.raises(ComponentRefused, match="has changed since it was published"):
            await runtime.call("it_get", {})
        runtime.add(path)
        assert (await runtime.call("it_get", {})).value == 2


@pytest.mark.parametrize(
    ("limits", "where"),
    [
        ({"nothing": 1}, "limits.nothing"),
        ({"workers": 1}, "limits.workers"),
        ({"result": 1}, "limits.result"),
        ({"fuel": "much"}, "limits.fuel"),
        ({"fuel": 0}, "limits.fuel"),
        ({"fuel": -1}, "limits.fuel"),
        ({"fuel": True}, "limits.fuel"),
        ({"deadline": float("nan")}, "limits.deadline"),
        ({"memory": None}, "limits.memory"),
    ],
)
@pytest.mark.anyio
async def test_a_limit_that_is_none_is_refused(
    runtime: Runtime, limits: dict[str, object], where: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        await runtime.call("tiny_add", ADD, limits=limits)
    assert caught.value.where == where


@pytest.mark.anyio
async def test_a_cancelled_call_that_never_began_runs_nothing(home: Path, program: Program) -> None:
    async with Runtime(home=home, limits=ENDLESS, workers=1) as runtime:
        runtime.add(program("tiny"))
        await runtime.call("tiny_add", ADD)
        running = asyncio.Event()
        spinning = asyncio.create_task(runtime.call("tiny_spin", {}, on_wait=lambda _: running.set()))
        await running.wait()
        waiting = [asyncio.create_task(runtime.call("tiny_spin", {})) for _ in range(10)]
        await asyncio.sleep(0)
        for task in [*waiting, spinning]:
            task.cancel()
        await asyncio.gather(*waiting, spinning, return_exceptions=True)
        assert (await runtime.call("tiny_add", ADD)).value == 42
