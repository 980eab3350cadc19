"""Tools that call tools: granted ones alone, under grants of their own, whatever they do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_wasm.audit.reading import read
from mcp_wasm.audit.record import Record
from mcp_wasm.audit.sink import AuditOptions, folder_of
from mcp_wasm.capability.grant import Nn, Tools
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.host import nn_guests
from tests.sandbox.host.tools_guests import ADD, ALL, Make, error, maker, nested, relay


@pytest.fixture
def make(home: Path, request: pytest.FixtureRequest) -> Make:
    return maker(home, request.addfinalizer)


def test_a_granted_tool_gives_its_result_as_json(make: Make) -> None:
    outcome = relay(make(caller=(ALL,)), "tiny_add", ADD)
    assert (outcome.failed, outcome.value) == (False, "3")


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


def test_the_names_of_tools_that_were_not_granted_are_not_told(make: Make) -> None:
    assert error(relay(make(caller=(Tools(("tiny_adx",)),)), "tiny_adx")) == (
        "unknown",
        "There is no tool named 'tiny_adx'.",
    )


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


def test_a_tool_that_cannot_be_made_ready_is_unavailable(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = make(caller=(ALL,))
    source = runtime.home / "tiny.wat"
    source.write_text(runtime.component("tiny").source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    runtime.add(source)
    source.write_text("(component)", encoding="utf-8")
    monkeypatch.setattr(runtime._invoker._shelf, "_load", lambda _digest, _whole: None)
    case, text = error(relay(runtime, "tiny_add", ADD))
    assert case == "unavailable"
    assert "changed since it was published" in text


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


def test_a_tool_that_calls_others_is_shown_as_one_that_may_do_what_they_do(make: Make) -> None:
    tool = make().tool("caller_relay")
    assert (tool.read_only, tool.open_world) == (False, True)


def test_a_tool_that_was_removed_is_unknown_to_the_next_call(make: Make) -> None:
    runtime = make(caller=(ALL,))
    assert relay(runtime, "tiny_add", ADD).value == "3"
    runtime.remove("tiny")
    assert error(relay(runtime, "tiny_add", ADD))[0] == "unknown"


def test_every_call_is_in_the_audit_log_with_its_own_grants_and_depth(make: Make) -> None:
    runtime = make(audit=AuditOptions(), caller=(ALL,), other=(Tools(("tiny_add",), rule="it"),))
    relay(runtime, *nested("other_relay", "tiny_add"), client="somebody")
    relay(runtime, "tiny_crash")
    found = [(r.depth, r.tool, r.component, r.transport, r.grants, r.outcome) for r in recorded(runtime)]
    assert found == [
        (2, "tiny_add", "tiny", "tool", (), "ok"),
        (1, "other_relay", "other", "tool", ("tools: it",), "ok"),
        (0, "caller_relay", "caller", "library", ("tools",), "ok"),
        (1, "tiny_crash", "tiny", "tool", (), "trap"),
        (0, "caller_relay", "caller", "library", ("tools",), "tool error"),
    ]


def test_a_guest_cannot_fill_the_audit_log(make: Make) -> None:
    runtime = make(audit=AuditOptions(), caller=(ALL,))
    again = {"name": "tiny_add", "arguments": ADD, "times": 1000}
    assert runtime.call_sync("caller_again", again).value == 1000
    assert len(recorded(runtime)) == 1 + 64 + 3  # the first ones, and those numbered 128, 256 and 512


def recorded(runtime: Runtime) -> list[Record]:
    """The records of calls; ends the runtime, so that all are there."""
    runtime.close()
    return [record for record in read(folder_of(runtime.home)) if record.event == "call"]
