"""What goes in and what comes out: prints, results and arguments of any size, values that lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.errors import (
    FuelExhausted,
    InvalidArguments,
    OutputLimitExceeded,
    Trap,
)
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.children import output
from tests.sandbox.guests import component

Program = Callable[[str], Path]


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
        assert runtime.call_sync("hostile_count_text", {"of": "x" * 992}).value == 992
        for tool, value in [
            ("count_text", "x" * 993),
            ("count_numbers", [1] * 125),
            ("count_texts", ["x"] * 112),
            ("count_texts", [["x" * 10] * 10] * 10),
        ]:
            with pytest.raises(InvalidArguments, match="at most 1,000 bytes of arguments"):
                runtime.call_sync(f"hostile_{tool}", {"of": value})


def test_a_million_elements_go_in(home: Path, program: Program) -> None:
    with Runtime(home=home, limits=Limits(arguments=2**24)) as runtime:
        runtime.add(program("hostile"))
        a_million(runtime)


def a_million(runtime: Runtime) -> None:
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
