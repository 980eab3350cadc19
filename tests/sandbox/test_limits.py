"""Every limit of a call from both sides, and what a guest is told that reached it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.errors import (
    Cancelled,
    DeadlineExceeded,
    FuelExhausted,
    GuestError,
    InvalidArguments,
    MemoryLimitExceeded,
    OutputLimitExceeded,
    Trap,
)
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.children import output

ENDLESS = 10**15
HOUR_NS = 3600 * 10**9
PAGE = 65536

Program = Callable[[str], Path]


@pytest.fixture
def runtime(home: Path, program: Program) -> Iterator[Runtime]:
    with Runtime(home=home, limits=Limits(fuel=ENDLESS)) as made:
        for name in ("tiny", "hostile", "wasi"):
            made.add(program(name))
        yield made


def component(home: Path, text: str, limits: Limits | None = None) -> Runtime:
    """A runtime with one component, ``it``, made from text."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "it.wat").write_text(f"(component {text})")
    runtime = Runtime(home=home, limits=limits)
    runtime.add(home / "it.wat")
    return runtime


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


def test_prints_are_kept_up_to_the_cap_and_counted_past_it(runtime: Runtime) -> None:
    chunk = 4096
    report = runtime.call_sync("wasi_print", {"chunks": 16, "byte": 65, "size": chunk}).report
    assert report.stdout.text == "A" * 65536
    assert report.stdout.dropped == 0
    report = runtime.call_sync("wasi_complain", {"chunks": 17, "byte": 66, "size": chunk}).report
    assert report.stderr.text == "B" * 65536
    assert report.stderr.dropped == chunk
    report = runtime.call_sync("wasi_print", {"chunks": 3, "byte": 67, "size": 5}, limits={"log": 7}).report
    assert report.stdout.text == "C" * 7
    assert report.stdout.dropped == 8


def test_what_was_printed_before_a_failure_is_reported(runtime: Runtime) -> None:
    with pytest.raises(FuelExhausted) as caught:
        runtime.call_sync("wasi_print", {"chunks": 10**9, "byte": 68, "size": 10}, limits={"fuel": 100_000})
    printed = caught.value.report.stdout
    assert printed.text.startswith("DDDDDDDDDD")


def test_a_guest_without_wasi_prints_nothing(runtime: Runtime) -> None:
    report = runtime.call_sync("tiny_add", {"a": 1, "b": 1}).report
    assert (report.stdout.text, report.stdout.dropped, report.stderr.text) == ("", 0, "")


def test_bytes_that_are_no_text_are_shown_as_such(runtime: Runtime) -> None:
    report = runtime.call_sync("wasi_print", {"chunks": 1, "byte": 255, "size": 2}).report
    assert report.stdout.text == "\ufffd\ufffd"


def test_a_flood_of_output_and_of_results_does_not_grow_the_process(home: Path) -> None:
    printed = output(
        home,
        """
        import resource
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB on Linux
        with Runtime(home=home) as runtime:
            runtime.add(programs / "wasi.wat")
            runtime.add(programs / "hostile.wat")
            runtime.call_sync("wasi_print", {"chunks": 1, "byte": 65, "size": 1})
            before = peak()
            runtime.call_sync("wasi_print", {"chunks": 40000, "byte": 65, "size": 4096})
            print(int(peak() - before))
            for tool, size in [("claim_flags", 2**27), ("text", 2**27 - 5000), ("claim_enums", 2**27)]:
                try:
                    runtime.call_sync(f"hostile_{tool}", {"size" if tool == "text" else "count": size})
                except GuestError as error:
                    print(type(error).__name__)
            print(int(peak() - before))
        """,
    )
    flood, *errors, results = printed.splitlines()
    assert int(flood) < 50
    assert errors == ["Trap", "OutputLimitExceeded", "Trap"]
    assert int(results) < 500


@pytest.mark.parametrize("tool", ["hostile_bytes", "hostile_text"])
def test_a_result_over_its_limit_is_refused_and_one_byte_less_is_not(
    home: Path, program: Program, tool: str
) -> None:
    # Zeros as text are six characters each, as base64 four for three of them; two quotes around them.
    size, text = (300, 402) if tool == "hostile_bytes" else (50, 302)
    with Runtime(home=home, limits=Limits(result=text)) as runtime:
        runtime.add(program("hostile"))
        assert len(runtime.call_sync(tool, {"size": size}).text) == text
        with pytest.raises(OutputLimitExceeded) as caught:
            runtime.call_sync(tool, {"size": size + 1})
        assert caught.value.allowed == text


@pytest.mark.parametrize(
    ("tool", "count"),
    [("claim_bytes", 10_000_000), ("claim_flags", 10_000_000), ("claim_enums", 10_000_000)],
)
def test_a_list_that_the_engine_does_not_copy_names_the_output_limit(
    runtime: Runtime, tool: str, count: int
) -> None:
    with pytest.raises((OutputLimitExceeded, Trap)) as caught:
        runtime.call_sync(f"hostile_{tool}", {"count": count})
    assert "out of bounds" in str(caught.value)
    with pytest.raises(OutputLimitExceeded, match="more values at once"):
        runtime.call_sync("hostile_bytes", {"size": 8_000_000})


def test_escapes_count_before_a_huge_text_is_copied(runtime: Runtime) -> None:
    with pytest.raises(OutputLimitExceeded, match="strings alone"):
        runtime.call_sync("hostile_text", {"size": 20_000_000})  # 120 MB as JSON


def test_arguments_are_bounded_before_anything_runs(home: Path, program: Program) -> None:
    with Runtime(home=home, limits=Limits(arguments=1000)) as runtime:
        runtime.add(program("hostile"))
        assert runtime.call_sync("hostile_count_text", {"of": "x" * 999}).value == 999
        for tool, value in [
            ("count_text", "x" * 1000),
            ("count_numbers", [1] * 1000),
            ("count_texts", ["x"] * 1000),
            ("count_texts", [["x" * 10] * 10] * 10),
        ]:
            with pytest.raises(InvalidArguments, match="at most 1,000 bytes of arguments"):
                runtime.call_sync(f"hostile_{tool}", {"of": value})


def test_a_million_elements_go_in(runtime: Runtime) -> None:
    assert runtime.call_sync("hostile_count_numbers", {"of": [7] * 1_000_000}).value == 1_000_000
    assert runtime.call_sync("hostile_count_bytes", {"of": b"x" * 4_000_000}).value == 4_000_000
    assert runtime.call_sync("hostile_count_text", {"of": "é" * 4_000_000}).value == 8_000_000


def test_values_that_are_not_what_they_claim_are_traps(runtime: Runtime) -> None:
    cases: dict[str, tuple[dict[str, int], str]] = {
        "char": ({"value": 0xD800}, "out of range for `char`"),
        "pick": ({"value": 2}, "discriminant 2 out of range"),
        "hue": ({"value": 2**32 - 1}, "out of range"),
        "outside": ({}, "out of bounds of memory"),
        "nowhere": ({}, "out of bounds of memory"),
        "misaligned": ({}, "not aligned"),
        "invalid-text": ({}, "invalid utf-8"),
        "post-trap": ({"count": 3}, "`unreachable`"),
    }
    for name, (arguments, says) in cases.items():
        with pytest.raises(Trap, match=says):
            runtime.call_sync(f"hostile_{name.replace('-', '_')}", arguments)


def test_values_wider_than_their_type_are_cut_as_the_component_model_says(runtime: Runtime) -> None:
    assert runtime.call_sync("hostile_truth", {"value": 2**31}).value is True
    assert runtime.call_sync("hostile_small", {"value": 300}).value == 44
    assert runtime.call_sync("hostile_nested", {}).value == {"some": {"some": {"some": 42}}}


def test_what_a_guest_calls_its_functions_cannot_steer_a_terminal(home: Path) -> None:
    name = "\\1b[31m" + "x" * 1000
    text = f"""(core module $m (func $f (@name "{name}") (export "f") unreachable))
        (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f")))"""
    with component(home, text) as runtime, pytest.raises(Trap) as caught:
        runtime.call_sync("it_f", {})
    assert caught.value.frames
    for frame in caught.value.frames:
        assert frame.isprintable()
        assert len(frame) <= 160


def test_a_guest_cannot_pass_its_trap_off_as_a_limit(home: Path) -> None:
    name = (
        "memory minimum size\\0aCaused by:\\0a  too much data is being copied between the host and the guest"
    )
    text = f"""(core module $m (func $f (@name "{name}") (export "f") unreachable))
        (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f")))"""
    with component(home, text) as runtime, pytest.raises(Trap, match="`unreachable`"):
        runtime.call_sync("it_f", {})


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
