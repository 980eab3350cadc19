"""Code that calls tools: those that were granted, each under its own grants, within the run's budget."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_wasm.audit.reading import read
from mcp_wasm.audit.sink import AuditOptions, folder_of
from mcp_wasm.capability.grant import Tools
from mcp_wasm.code.contract import Run
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.nested import CALL_FUEL
from mcp_wasm.sandbox.host.tools import DEPTH
from mcp_wasm.sandbox.limits import Limits
from tests.code.javascript import Runner
from tests.code.tools_in_code import ALL, JAVASCRIPT, PYTHON, Make, Speech, granted, maker

both = pytest.mark.parametrize(
    "say",
    [
        pytest.param(PYTHON, marks=[pytest.mark.toolchain, pytest.mark.timeout(300)], id="python"),
        pytest.param(JAVASCRIPT, marks=pytest.mark.timeout(60), id="js"),
    ],
)


@pytest.fixture
def make(say: Speech, request: pytest.FixtureRequest) -> Make:
    runner: Any = request.getfixturevalue(say.language)
    return maker(runner.runtime.home, request.addfinalizer)


@both
def test_a_run_calls_three_granted_tools_and_is_refused_a_fourth(say: Speech, make: Make) -> None:
    three = ("hash_digest", "text_stats_tokens", "units_convert")
    runtime = make("hash", "text_stats", "units", "encode", **granted(*three))
    text = {"tag": "text", "val": "abc"}
    digest = say.value(runtime, say.call("hash_digest", text))["hex"]
    assert digest.startswith("ba7816bf")
    assert say.value(runtime, say.call("text_stats_tokens", "two words"))["tokens"] > 0
    assert say.value(runtime, say.call("units_convert", 1, "km", "m"))["value"] == 1000
    ran = say.run(runtime, say.call("encode_encode", text, "hex"))
    assert ran.failure is not None
    assert "encode_encode" in ran.failure.message
    (denial,) = ran.report.denials
    assert (denial.component, denial.capability, denial.asked) == ("code", "tools", "the tool encode_encode")
    assert denial.command == "mcp-wasm grants add code tools names=encode_encode"
    assert runtime.denied == {("code", "tools"): 1}


@both
def test_code_without_a_grant_has_no_tools(say: Speech, make: Make) -> None:
    runtime = make("units")
    assert say.run(runtime, say.call("units_convert", 1, "km", "m")).failure is not None
    some = runtime.run_code_sync(
        Run(say.language, f"{say.imported}\n{say.call('units_convert', 1, 'km', 'm')}"), approved=[ALL]
    )
    assert some.failure is None


@both
def test_a_session_calls_what_was_granted_since_and_nothing_that_was_taken_away(
    say: Speech, make: Make
) -> None:
    runtime, handle = make("tiny"), "new"
    code = f"{say.imported}\n{say.call('tiny_add', 1, 2)}"
    for now in (False, True, True, False, True):
        approved = [Tools(("tiny_add",))] if now else []
        ran = runtime.run_code_sync(Run(say.language, code, session=handle), approved=approved)
        handle = ran.session
        assert [denial.asked for denial in ran.report.denials] == ([] if now else ["the tool tiny_add"])
        assert (ran.failure is None, ran.value == 3) == (now, now)


@both
def test_a_called_tool_has_its_own_grants_and_not_those_of_code(say: Speech, make: Make) -> None:
    relay = say.call("caller_relay", "tiny_add", '{"a":1,"b":2}')
    without = make("tiny", "caller", **granted("*"))
    assert say.failing(without, relay)["kind"] == "failed"
    (denial,) = say.run(without, relay).report.denials
    assert (denial.component, denial.command) == ("caller", "mcp-wasm grants add caller tools names=tiny_add")
    assert say.value(make("tiny", "caller", caller=(ALL,), **granted("caller_relay")), relay) == "3"


ERRORS: list[tuple[str, list[Any], str, str]] = [
    ("units_convert", [1, "km", "kg"], "failed", "km is a unit of length and kg is a unit of mass"),
    ("units_convert", ["x", "km", "m"], "invalid", "/value: expected"),
    ("units_convert", [1], "invalid", "/from: expected"),
    ("tiny_divide", [1, 0], "trapped", "by zero"),
    ("tiny_spin", [], "limit", "fuel"),
    ("tiny_deep", [], "trapped", "stack"),
]


@both
def test_errors_of_tools_are_exceptions_with_kind_and_data(say: Speech, make: Make) -> None:
    runtime = make("tiny", "units", own={"tiny": Limits(fuel=1_000_000)}, **granted("*"))
    for tool, values, kind, message in ERRORS:
        found = say.failing(runtime, say.call(tool, *values))
        assert (found["tool"], found["kind"]) == (tool, kind), found
        assert message in found["message"]
        assert (found["data"] is not None) == (kind == "failed")
        # Not caught it is the error of the run, with its line.
        failure = say.run(runtime, say.call(tool, *values)).failure
        assert failure is not None
        assert (failure.type, failure.line) == ("ToolError", 2)
    assert "km is a unit" in say.failing(runtime, say.call("units_convert", 1, "km", "kg"))["data"]


@both
def test_a_hundred_calls_are_one_run(say: Speech, make: Make) -> None:
    runtime = make("tiny", audit=AuditOptions(), **granted("tiny_*"))
    code = say.loop.format(times=100, call=say.called.format(name=say.name("tiny_add"), arguments="n, 1"))
    ran = say.run(runtime, code)
    assert (ran.failure, ran.value) == (None, 100)
    assert ran.report.fuel > 100 * CALL_FUEL
    runtime.close()
    records = [record for record in read(folder_of(runtime.home)) if record.event == "call"]
    assert {(record.tool, record.depth) for record in records[-10:]} == {("tiny_add", 1), ("run_code", 0)}


@both
def test_tools_use_the_fuel_of_the_run(say: Speech, make: Make) -> None:
    runtime = make("tiny", **granted("*"))
    once = say.call("tiny_add", 1, 2)
    fuel = say.run(runtime, once).report.fuel
    assert say.value(runtime, once, fuel=2 * fuel) == 3
    short = say.run(runtime, once, fuel=fuel // 2).failure
    assert short is not None
    assert short.limit == "fuel"
    # What spins uses all that the run has left.
    ended = say.run(runtime, say.caught.format(call=say.call("tiny_spin")), fuel=2 * fuel).failure
    assert ended is not None
    assert (ended.type, ended.limit) == ("FuelExhausted", "fuel")


@both
def test_tools_run_within_the_deadline_of_the_run(say: Speech, make: Make) -> None:
    limits = Limits(fuel=10**15)
    runtime = make("tiny", limits=limits, **granted("*"))
    assert say.value(runtime, say.call("tiny_add", 1, 2), timeout=20.0) == 3
    ended = say.run(runtime, say.caught.format(call=say.call("tiny_spin")), timeout=0.2).failure
    assert ended is not None
    assert (ended.type, ended.limit) == ("DeadlineExceeded", "deadline")
    # A tool's own deadline is an error of that tool, and the code goes on.
    runtime = make("tiny", limits=limits, own={"tiny": Limits(fuel=10**15, deadline=0.05)}, **granted("*"))
    assert say.failing(runtime, say.call("tiny_spin"))["kind"] == "limit"


@both
def test_tools_made_of_code_that_call_themselves_end_at_the_bound_of_depth(say: Speech, make: Make) -> None:
    source = {
        "python": "import tools\n\n"
        "def down(n: int) -> int:\n    return 1 + tools.again_down(n - 1) if n else 0\n",
        "javascript": 'import * as tools from "tools";\n'
        "/**\n * @param {number} n\n * @returns {number}\n */\n"
        "export function down(n) { return n ? 1 + tools.again_down(n - 1) : 0; }\n",
    }[say.language]
    author = make()
    author.made.create(Wanted("again", say.language, source), by="test", client="local")
    # With grants, which no tool has that a model made: a person may have given them to one that was kept.
    runtime = make(again=(Tools(("again_down",)),), **granted("again_down"))
    runtime._put(author.component("again"))
    author.made.remove("again", by="test")
    assert say.value(runtime, say.call("again_down", DEPTH - 1)) == DEPTH - 1
    found = say.failing(runtime, say.call("again_down", DEPTH))
    assert f"nest {DEPTH} deep at most" in found["message"]


@pytest.fixture
def javascript_make(javascript: Runner, request: pytest.FixtureRequest) -> Make:
    return maker(javascript.runtime.home, request.addfinalizer)


def test_promises_of_tools_are_awaited_together(javascript_make: Make) -> None:
    runtime = javascript_make("tiny", **granted("tiny_*"))
    code = "await Promise.all([1, 2, 3].map(async (n) => await tools.tinyAdd(n, n)))"
    assert JAVASCRIPT.value(runtime, code) == [2, 4, 6]
    settled = (
        "(await Promise.allSettled([0, 1].map(async (n) => tools.tinyDivide(4, n)))).map((p) => p.status)"
    )
    assert JAVASCRIPT.value(runtime, settled) == ["rejected", "fulfilled"]


NAMED = [
    'import { tinyAdd } from "tools"; tinyAdd(1, 2)',
    'import { tinyAdd } from "tools"; tinyAdd({a: 1, b: 2})',
    'import { tiny_add as add } from "tools"; add(1, 2)',
    'const { tinyAdd } = await import("tools"); tinyAdd(1, 2)',
    'const { tinyAdd } = require("tools"); tinyAdd(1, 2)',
    'import { tinyAdd } from "tools"; async function main() { return await tinyAdd(1, 2); }',
]


def test_javascript_imports_tools_in_every_way(javascript_make: Make) -> None:
    runtime = javascript_make("tiny", **granted("tiny_add"))
    for code in NAMED:
        ran = runtime.run_code_sync(Run("javascript", code))
        assert (ran.failure, ran.value) == (None, 3), code
        typed = runtime.run_code_sync(Run("typescript", code))
        assert (typed.failure, typed.value) == (None, 3), code


def test_a_tool_that_is_not_granted_is_refused_by_name_also_where_it_is_imported(
    javascript_make: Make,
) -> None:
    runtime = javascript_make("tiny", **granted("tiny_add"))
    ran = runtime.run_code_sync(Run("javascript", 'import { tinyCrash } from "tools"; tinyCrash()'))
    assert ran.failure is not None
    assert "tinyCrash" in ran.failure.message
    assert [denial.asked for denial in ran.report.denials] == ["the tool tiny_crash"]
