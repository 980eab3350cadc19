"""Tools that call tools: granted ones alone, on the caller's thread and budget, whatever they do."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import Nn, Tools
from mcp_wasm.capability.policy import Entry, Policy
from mcp_wasm.errors import DeadlineExceeded, FuelExhausted
from mcp_wasm.nested import CALL_FUEL
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.host.tools import DEPTH, LISTED_FUEL
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome
from tests.sandbox.children import output
from tests.sandbox.guests import ENDLESS
from tests.sandbox.host import nn_guests

CASES = ("unknown", "denied", "invalid", "failed", "limit", "trapped", "unavailable")
ALL = Tools(("*",))
ADD = '{"a":1,"b":2}'
MIB = 1024 * 1024

Make = Callable[..., Runtime]


@pytest.fixture
def make(home: Path, program: Callable[[str], Path], request: pytest.FixtureRequest) -> Make:
    """``make(**grants)``: a runtime with ``caller``, ``other`` (the same guest) and guests to be called."""

    def made(
        *programs: str,
        limits: Limits | None = None,
        own: Mapping[str, Limits] | None = None,
        workers: int | None = None,
        tools: Mapping[str, ToolSetting] | None = None,
        **grants: tuple[Any, ...],
    ) -> Runtime:
        entries = {name: Entry(name, trust="name", grants=given) for name, given in grants.items()}
        runtime = Runtime(
            home=home,
            limits=limits,
            component_limits=own,
            workers=workers,
            tools=tools,
            policy=Policy(entries),
        )
        request.addfinalizer(runtime.close)
        for name in ("tiny", "caller", *programs):
            runtime.add(program(name))
        runtime.add(program("caller"), name="other")
        return runtime

    return made


def relay(runtime: Runtime, name: str, arguments: str = "{}", **options: Any) -> Outcome:
    return runtime.call_sync("caller_relay", {"name": name, "arguments": arguments}, **options)


def error(outcome: Outcome) -> tuple[str, str]:
    """The case and the text of the error that the caller got."""
    assert outcome.failed, outcome.text
    assert isinstance(outcome.value, str)
    number, _, text = outcome.value.partition(" ")
    return CASES[int(number)], text


def nested(*names: str, last: str = ADD) -> tuple[str, str]:
    """The first of a chain of tools, each called by the one before it, and its arguments."""
    *between, name = names
    arguments = last
    for each in reversed(between):
        name, arguments = each, json.dumps({"name": name, "arguments": arguments})
    return name, arguments


def test_a_granted_tool_gives_its_result_as_json(make: Make) -> None:
    outcome = relay(make(caller=(ALL,)), "tiny_add", ADD)
    assert (outcome.failed, outcome.value) == (False, "3")


def test_what_a_call_within_costs_is_the_callers(make: Make) -> None:
    runtime = make(caller=(ALL,))
    alone = runtime.call_sync("tiny_add", {"a": 1, "b": 2}).report.fuel
    fuel = relay(runtime, "tiny_add", ADD).report.fuel
    assert fuel > alone + CALL_FUEL
    again = {"name": "tiny_add", "arguments": ADD, "times": 50}
    outcome = runtime.call_sync("caller_again", again)
    assert outcome.value == 50
    assert outcome.report.fuel > 50 * (alone + CALL_FUEL)


def test_a_tool_without_a_grant_is_denied_with_the_command_whether_it_exists_or_not(make: Make) -> None:
    runtime = make(caller=(Tools(("tiny_add",)),))
    for name in ("tiny_crash", "there_is_none"):
        outcome = relay(runtime, name)
        case, text = error(outcome)
        assert case == "denied"
        assert "allows calls of tiny_add" in text
        (denial,) = outcome.report.denials
        assert (denial.capability, denial.asked) == ("tools", f"the tool {name}")
        assert denial.command == f"mcp-wasm grants add caller tools names={name}"


@pytest.mark.parametrize(
    "name",
    [
        *("", "*", "tiny_*", "TINY_ADD", " tiny_add", "tiny_add ", "tiny_add\0", "tiny‐add", "tiny_add\n"),
        *("tiny/add", "../tiny_add", "tiny_add,tiny_crash", "x" * 5000, "tiny_ádd"),
    ],
)
def test_a_name_that_only_looks_like_a_granted_one_is_denied(make: Make, name: str) -> None:
    outcome = relay(make(caller=(Tools(("tiny_add",)),)), name, ADD)
    assert error(outcome)[0] == "denied"
    (denial,) = outcome.report.denials
    assert len(str(denial)) < 1000


def test_a_tool_that_is_not_there_is_unknown_to_who_may_call_it(make: Make) -> None:
    assert error(relay(make(caller=(ALL,)), "there_is_none"))[0] == "unknown"


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "{",
        "[]",
        '"a"',
        "null",
        '{"a":1,"b":2} 3',
        '{"a":NaN,"b":2}',
        '{"a":1,"a":1,"b":2}',
        '{"a":{"x":1,"x":2},"b":2}',
        '{"a":1}',
        '{"a":1,"b":2,"c":3}',
        '{"a":1,"b":"\\ud800"}',
        '{"\\ud800":1}',
        '{"a":1,"b":4294967296}',
        '{"a":1,"b":' + "9" * 5000 + "}",
        '{"a":' + "[" * 200_000 + "]" * 200_000 + "}",
    ],
    ids=lambda text: text[:20],
)
def test_arguments_that_do_not_fit_are_invalid(make: Make, arguments: str) -> None:
    assert error(relay(make(caller=(ALL,)), "tiny_add", arguments))[0] == "invalid"


def test_arguments_are_bounded_by_the_called_tools_limit_and_by_the_callers(make: Make) -> None:
    text = json.dumps({"of": "x" * 1000})
    runtime = make("hostile", own={"hostile": Limits(arguments=1016)}, caller=(ALL,))
    assert relay(runtime, "hostile_count_text", text).value == "1000"
    assert error(relay(runtime, "hostile_count_text", text.replace("x", "xx", 9)))[0] == "invalid"


def test_the_error_of_a_tool_is_a_failure_as_json(make: Make) -> None:
    runtime = make(caller=(ALL,), other=(ALL,))
    case, text = error(relay(runtime, *nested("other_relay", "tiny_crash", last="{}")))
    assert case == "failed"
    assert json.loads(text).startswith("5 The guest trapped: it reached an `unreachable`")


@pytest.mark.parametrize("name", ["tiny_crash", "tiny_deep"])
def test_a_trap_within_leaves_the_caller_running(make: Make, name: str) -> None:
    runtime = make(caller=(ALL,))
    assert error(relay(runtime, name))[0] == "trapped"
    times = {"name": name, "arguments": "{}", "times": 20}
    assert runtime.call_sync("caller_again", times).value == 0


def test_the_called_tool_has_its_own_grants_and_not_the_callers(make: Make) -> None:
    # The caller may call `other` and nothing else; `other` may call `tiny`: so the caller can, through it.
    runtime = make(caller=(Tools(("other_*",)),), other=(Tools(("tiny_add",)),))
    assert error(relay(runtime, "tiny_add", ADD))[0] == "denied"
    assert json.loads(str(relay(runtime, *nested("other_relay", "tiny_add")).value)) == "3"
    # And what the caller may is nothing to `other`.
    runtime = make(caller=(ALL,))
    outcome = relay(runtime, *nested("other_relay", "tiny_add"))
    assert error(outcome)[0] == "failed"
    assert [(d.component, d.asked) for d in outcome.report.denials] == [("other", "the tool tiny_add")]
    assert outcome.report.denials[0].command.startswith("mcp-wasm grants add other tools")


def test_what_the_call_does_not_allow_no_tool_within_it_may(make: Make, home: Path) -> None:
    runtime = make(caller=(ALL,), it=(Nn(("*",), home),))
    (home / "it.wat").write_text(nn_guests.guest(), encoding="utf-8")
    runtime.add(home / "it.wat")
    arguments = json.dumps({"model": "m", "input": "x", "ty": 1, "dims": [], "data": ""})
    denied = str(nn_guests.CODES.index("security"))
    assert not json.loads(error(relay(runtime, "it_run", arguments))[1]).startswith(denied)
    outcome = relay(runtime, "it_run", arguments, allow=["tools"])
    assert json.loads(error(outcome)[1]).startswith(denied)
    assert error(relay(runtime, "it_run", arguments, allow=["nn"]))[0] == "denied"


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
        from mcp_wasm.capability.grant import Tools
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
    running = threading.Event()
    call_tool = runtime.services.call_tool
    assert call_tool is not None

    def seen(*given: Any) -> Outcome:
        running.set()
        return call_tool(*given)

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


def test_a_tool_that_cannot_be_made_ready_is_unavailable(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = make(caller=(ALL,))
    source = runtime.home / "tiny.wat"
    source.write_text(runtime.component("tiny").source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    runtime.add(source)
    source.write_text("(component)", encoding="utf-8")
    monkeypatch.setattr(runtime._invoker._shelf, "_load", lambda _digest: None)
    case, text = error(relay(runtime, "tiny_add", ADD))
    assert case == "unavailable"
    assert "changed since it was published" in text


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


def test_what_a_called_tool_prints_is_not_the_callers(make: Make) -> None:
    runtime = make("wasi", caller=(ALL,))
    outcome = relay(runtime, "wasi_print", '{"chunks": 1, "byte": 65, "size": 10}')
    assert not outcome.failed
    assert (outcome.report.stdout.text, outcome.report.stderr.text) == ("", "")


def test_only_granted_tools_are_listed_hidden_ones_too(make: Make) -> None:
    tools = {"tiny_crash": ToolSetting(hidden=True), "tiny_deep": ToolSetting(name="renamed")}
    runtime = make(tools=tools, caller=(Tools(("tiny_c*", "tiny_add", "renamed")),))
    assert runtime.call_sync("caller_names", {}).value == "renamed\ntiny_add\ntiny_crash\n"
    assert error(relay(runtime, "tiny_crash"))[0] == "trapped"
    assert error(relay(runtime, "renamed"))[0] == "trapped"
    assert error(relay(runtime, "tiny_deep"))[0] == "denied"
    runtime = make(caller=(Tools(("tiny_add",)),))
    schema = json.loads(str(runtime.call_sync("caller_schema", {}).value))
    assert schema == runtime.tool("tiny_add").input_schema
    assert make().call_sync("caller_names", {}).value == ""


def test_listing_for_ever_costs_fuel_and_ends_with_it(make: Make) -> None:
    fuel = 20 * LISTED_FUEL
    with pytest.raises(FuelExhausted):
        make(own={"caller": Limits(fuel=fuel)}, caller=(ALL,)).call_sync("caller_list_ever", {})


def test_listing_for_ever_ends_at_the_deadline(make: Make) -> None:
    own = {"caller": Limits(fuel=ENDLESS, deadline=0.2)}
    with pytest.raises(DeadlineExceeded):
        make(own=own, caller=(ALL,)).call_sync("caller_list_ever", {})


def test_a_tool_that_was_removed_is_unknown_to_the_next_call(make: Make) -> None:
    runtime = make(caller=(ALL,))
    assert relay(runtime, "tiny_add", ADD).value == "3"
    runtime.remove("tiny")
    assert error(relay(runtime, "tiny_add", ADD))[0] == "unknown"
