"""Tools that call tools, on the caller's thread and budget: fuel, time, depth, stack, results."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import Logging, Tools
from mcp_wasm.errors import DeadlineExceeded, FuelExhausted, McpWasmError
from mcp_wasm.nested import CALL_FUEL
from mcp_wasm.sandbox.host.tools import DEPTH, LISTED_FUEL
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome
from tests.sandbox.children import output
from tests.sandbox.guests import ENDLESS
from tests.sandbox.host import state_guests
from tests.sandbox.host.tools_guests import ADD, ALL, Make, error, maker, nested, relay

MIB = 1024 * 1024


@pytest.fixture
def make(home: Path, request: pytest.FixtureRequest) -> Make:
    return maker(home, request.addfinalizer)


def test_what_a_call_within_costs_is_the_callers(make: Make) -> None:
    runtime = make(caller=(ALL,))
    alone = runtime.call_sync("tiny_add", {"a": 1, "b": 2}).report.fuel
    fuel = relay(runtime, "tiny_add", ADD).report.fuel
    assert fuel > alone + CALL_FUEL
    again = {"name": "tiny_add", "arguments": ADD, "times": 50}
    outcome = runtime.call_sync("caller_again", again)
    assert outcome.value == 50
    assert outcome.report.fuel > 50 * (alone + CALL_FUEL)


def test_calls_nest_so_deep_and_no_deeper(make: Make) -> None:
    runtime = make(caller=(ALL,), other=(ALL,))
    turns = ["other_relay", "caller_relay"] * DEPTH
    deepest = relay(runtime, *nested(*turns[: DEPTH - 1], "tiny_add"))
    assert "3" in str(deepest.value)
    assert not deepest.failed
    too_deep = relay(runtime, *nested(*turns[:DEPTH], "tiny_add"))
    assert f"calls of tools nest {DEPTH} deep at most" in str(too_deep.value)


def test_a_tool_that_calls_itself_is_bounded_by_depth(make: Make) -> None:
    runtime = make(caller=(Tools(("caller_relay",)),))
    outcome = relay(runtime, *nested(*["caller_relay"] * 7))
    assert f"calls of tools nest {DEPTH} deep at most" in str(outcome.value)


def test_the_deepest_stacks_within_each_other_trap_and_the_process_goes_on(home: Path) -> None:
    # Each guest is as deep in its stack as it can be when it calls the next one; the last one overflows.
    printed = output(
        home,
        """
        import json
        from mcp_wasm.capability.grant import Logging, Tools
        from mcp_wasm.capability.policy import Entry, Policy
        from mcp_wasm.sandbox.host.tools import DEPTH
        policy = Policy({"caller": Entry("caller", trust="name", grants=(Tools(("*",)),))})
        with Runtime(home=home, policy=policy) as runtime:
            for name in ("tiny", "caller"):
                runtime.add(programs / f"{name}.wat")
            def dig(frames, levels):
                name, arguments = "tiny_deep", "{}"
                for _ in range(levels):
                    arguments = json.dumps({"frames": frames, "name": name, "arguments": arguments})
                    name = "caller_dig"
                return runtime.call_sync(name, json.loads(arguments)).value
            low, high = 100, 1_000_000
            while high - low > 50:
                middle = (low + high) // 2
                try:
                    dig(middle, 1)
                    low = middle
                except Trap:
                    high = middle
            print(low)
            print(dig(low, DEPTH))
            print(runtime.call_sync("tiny_add", {"a": 1, "b": 2}).value)
        """,
    )
    frames, answer, alive = printed.splitlines()
    assert int(frames) > 1000
    assert answer.count("its call stack is exhausted") == 1
    assert alive == "3"


def test_a_called_tools_own_fuel_limit_is_an_error_and_the_caller_goes_on(make: Make) -> None:
    runtime = make(own={"tiny": Limits(fuel=1_000_000)}, caller=(ALL,))
    outcome = relay(runtime, "tiny_spin")
    assert error(outcome)[0] == "limit"
    assert "1,000,000 units allowed" in error(outcome)[1]
    assert 1_000_000 < outcome.report.fuel < 1_200_000


def test_a_called_tool_has_no_more_fuel_than_the_caller_has_left(make: Make) -> None:
    own = {"tiny": Limits(fuel=ENDLESS), "caller": Limits(fuel=3_000_000)}
    with pytest.raises(FuelExhausted) as caught:
        relay(make(own=own, caller=(ALL,)), "tiny_spin")
    assert caught.value.report.fuel == 3_000_000


def test_fuel_that_does_not_suffice_for_a_call_ends_the_caller(make: Make) -> None:
    own = {"caller": Limits(fuel=CALL_FUEL // 2)}
    with pytest.raises(FuelExhausted):
        relay(make(own=own, caller=(ALL,)), "tiny_add", ADD)


def test_a_called_tools_own_deadline_is_an_error_and_the_caller_goes_on(make: Make) -> None:
    limits = Limits(fuel=ENDLESS)
    runtime = make("wasi", limits=limits, own={"wasi": Limits(deadline=0.1)}, caller=(ALL,))
    case, text = error(relay(runtime, "wasi_sleep", '{"ns": 3600000000000}'))
    assert case == "limit"
    assert "0.1 s allowed" in text


@pytest.mark.parametrize(
    ("name", "arguments"), [("tiny_spin", "{}"), ("wasi_sleep", '{"ns": 3600000000000}')]
)
def test_the_callers_deadline_ends_the_called_tool_too(make: Make, name: str, arguments: str) -> None:
    runtime = make("wasi", limits=Limits(fuel=ENDLESS), own={"caller": Limits(deadline=0.2)}, caller=(ALL,))
    with pytest.raises(DeadlineExceeded, match=r"0\.2 s allowed"):
        relay(runtime, name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments"), [("tiny_spin", "{}"), ("wasi_sleep", '{"ns": 3600000000000}')]
)
def test_cancelling_the_caller_stops_the_called_tool(make: Make, name: str, arguments: str) -> None:
    limits = Limits(fuel=ENDLESS, deadline=ENDLESS)
    runtime = make("wasi", limits=limits, workers=2, caller=(ALL,))
    runtime.prepare(name).result(15)
    call_tool = runtime.services.call_tool
    assert call_tool is not None
    running = threading.Event()
    failed: list[str] = []

    def seen(*given: Any) -> Outcome:
        running.set()
        try:
            return call_tool(*given)
        except McpWasmError as error:
            failed.append(type(error).__name__)
            raise

    runtime.services.call_tool = seen

    async def give_up() -> None:
        call = asyncio.create_task(runtime.call("caller_relay", {"name": name, "arguments": arguments}))
        await asyncio.to_thread(running.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(give_up())
    # The one worker that this component and this client may have is free again.
    assert relay(runtime, "tiny_add", ADD).value == "3"
    assert failed == ["Cancelled"]


def test_calls_within_calls_need_no_other_worker(make: Make) -> None:
    runtime = make(workers=1, caller=(ALL,), other=(ALL,))
    assert not relay(runtime, *nested("other_relay", "caller_relay", "tiny_add")).failed


def test_waiting_for_the_compile_of_a_called_tool_ends_with_the_callers_deadline(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = make(own={"caller": Limits(deadline=0.2)}, caller=(ALL,))
    prepare = runtime._invoker.prepare
    never: Future[Any] = Future()
    monkeypatch.setattr(
        runtime._invoker,
        "prepare",
        lambda component: never if component.name == "tiny" else prepare(component),
    )
    with pytest.raises(DeadlineExceeded):
        relay(runtime, "tiny_add", ADD)


@pytest.mark.parametrize(
    ("component", "limits", "most"),
    [
        ("hostile", Limits(result=4096), 3069),
        ("caller", Limits(result=4096), 3069),
        # Half of the caller's memory, where the text has to find room.
        ("caller", Limits(memory=4 * MIB), 3 * MIB // 2 - 3),
    ],
)
def test_a_result_is_bounded_by_both_limits_and_by_the_callers_memory(
    make: Make, component: str, limits: Limits, most: int
) -> None:
    runtime = make("hostile", own={component: limits}, caller=(ALL,))

    def good(size: int) -> Any:
        arguments = {"name": "hostile_bytes", "arguments": json.dumps({"size": size}), "times": 1}
        return runtime.call_sync("caller_again", arguments).value

    # As base64 in quotes: four characters for three bytes.
    assert good(most) == 1
    assert good(most + 3) == 0
    outcome = relay(runtime, "hostile_bytes", json.dumps({"size": most + 3}))
    assert error(outcome)[0] == "limit"


def test_listing_for_ever_costs_fuel_and_ends_with_it(make: Make) -> None:
    fuel = 20 * LISTED_FUEL
    with pytest.raises(FuelExhausted):
        make(own={"caller": Limits(fuel=fuel)}, caller=(ALL,)).call_sync("caller_list_ever", {})


def test_listing_for_ever_ends_at_the_deadline(make: Make) -> None:
    own = {"caller": Limits(fuel=ENDLESS, deadline=0.2)}
    with pytest.raises(DeadlineExceeded):
        make(own=own, caller=(ALL,)).call_sync("caller_list_ever", {})


def test_what_is_denied_within_again_and_again_is_one_denial_with_its_number(make: Make) -> None:
    name, arguments = nested("other_relay", "tiny_add")
    again = {"name": name, "arguments": arguments, "times": 5}
    (denial,) = make(caller=(ALL,)).call_sync("caller_again", again).report.denials
    assert (denial.component, denial.count) == ("other", 5)


def test_calls_within_a_call_write_no_more_to_the_log_than_one_call_may(
    make: Make, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = make(own={"it": Limits(log=1000)}, caller=(ALL,), it=(Logging(),))
    (home / "it.wat").write_text(f"(component {state_guests.logging('')})", encoding="utf-8")
    runtime.add(home / "it.wat")
    message = json.dumps({"level": "info", "context": "", "message": "x" * 100, "times": 3})
    again = {"name": "it_log", "arguments": message, "times": 50}
    with caplog.at_level("INFO", logger="mcp_wasm.guest"):
        assert runtime.call_sync("caller_again", again).value == 50
    said = [record.getMessage() for record in caplog.records if record.name == "mcp_wasm.guest"]
    assert sum("x" * 100 in line for line in said) == 10
    assert len(said) < 20
