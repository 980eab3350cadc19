from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.server.doors import hang


@pytest.fixture
def served(folder: Path, program: Callable[[str], Path]) -> list[str | Path]:
    """Flags that publish ``tiny`` and ``server_tools`` and nothing else."""
    (folder / "server_tools.wat").write_bytes(program("server_tools").read_bytes())
    return ["--components", folder, "--no-bundled"]


def test_the_result_is_on_stdout_and_the_cost_on_stderr(command: Command, served: list[str | Path]) -> None:
    ran = command("call", "tiny_add", "--args", "a=2", "b=3", *served)
    assert (ran.code, ran.out) == (0, "5\n")
    assert "cost: 4 fuel" in ran.err


def test_a_text_is_printed_as_it_is(command: Command, served: list[str | Path]) -> None:
    ran = command("call", "server_tools_repeat", "--args", '{"text": "é\\n", "times": 2}', *served)
    assert ran.out == "é\né\n\n"


def test_everything_is_in_one_document_with_json(command: Command, served: list[str | Path]) -> None:
    ran = command("call", "tiny_add", "--args", "a=2", "b=3", "--json", *served)
    document = json.loads(ran.out)
    assert (ran.code, document["failed"], document["result"]) == (0, False, 5)
    assert set(document["cost"]) == {"fuel", "queueMs", "compileMs", "instantiateMs", "runMs", "digest"}
    assert document["stdout"] == {"text": "", "dropped": 0}


def test_an_error_of_the_tool_is_code_1(command: Command, served: list[str | Path]) -> None:
    ran = command("call", "server_tools_find", "--args", "name=", *served)
    assert (ran.code, ran.out) == (1, "")
    assert "the tool returned an error: no such user" in ran.err
    document = json.loads(command("call", "server_tools_find", "--args", "name=", "--json", *served).out)
    assert (document["failed"], document["error"]) == (True, "no such user")


STOPPED = [
    (["tiny_crash"], "Trap", "trapped"),
    (["tiny_spin", "--fuel", "1000"], "FuelExhausted", "fuel limit"),
    (["tiny_spin", "--deadline", "0.05"], "DeadlineExceeded", "deadline limit"),
]


@pytest.mark.parametrize(("words", "kind", "told"), STOPPED, ids=[kind for _, kind, _ in STOPPED])
def test_a_guest_that_does_not_return_is_code_1_with_its_cost(
    command: Command, served: list[str | Path], words: list[str], kind: str, told: str
) -> None:
    ran = command("call", *words, *served)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err
    cut = kind == "DeadlineExceeded"
    assert ("cost: at least " in ran.err) is cut
    assert "cost: " in ran.err
    told_as_json = json.loads(command("call", *words, "--json", *served).out)
    assert told_as_json["error"]["kind"] == kind
    assert told_as_json["cost"].get("fuelIsLeast", False) is cut


REFUSED = [
    (["tiny_ad"], "Did you mean tiny_add"),
    (["tiny_add", "--args", "a=1"], "b"),
    (["tiny_add", "--args", "a=x", "b=y"], "/b: "),
    (["tiny_add", "--args", "a=1", "b=3000000000"], "/b: "),
    (["tiny_add", "--args", "a=1", "b=2", "--fuel", "-1"], "limits.fuel: expected a number"),
    (["tiny_add", "--args", "a=1", "b=2", "--deadline", "nan"], "limits.deadline"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[" ".join(w) for w, _ in REFUSED])
def test_what_is_wrong_before_the_call_is_code_2(
    command: Command, served: list[str | Path], words: list[str], told: str
) -> None:
    ran = command("call", *words, *served)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert "cost" not in ran.err


def test_a_setting_narrows_every_call(command: Command, served: list[str | Path]) -> None:
    Path("mcp-wasm.toml").write_text("[limits]\nfuel = 1000", encoding="utf-8")
    ran = command("call", "tiny_spin", *served)
    assert "1,000 units allowed" in ran.err


def test_a_renamed_tool_has_only_its_new_name(command: Command, served: list[str | Path]) -> None:
    Path("mcp-wasm.toml").write_text("[tools.tiny_add]\nname = 'sum'", encoding="utf-8")
    named = ["--config", "mcp-wasm.toml", *served]
    assert command("call", "sum", "--args", "a=1", "b=2", *named).out == "3\n"
    assert command("call", "tiny_add", "--args", "a=1", "b=2", *named).code == 2
    refused = command("call", "tiny_add", "--args", "a=1", "b=2", *served)
    assert "--config" in refused.err  # a file that merely lies there names no tools


def test_a_limit_that_was_reached_says_how_a_person_raises_it(
    command: Command, served: list[str | Path]
) -> None:
    ran = command("call", "tiny_spin", "--fuel", "1000", *served)
    assert "To raise it: fuel under [limits] in mcp-wasm.toml." in ran.err


def test_a_flag_that_would_raise_a_limit_says_that_it_does_not(
    command: Command, served: list[str | Path]
) -> None:
    raised = command("call", "tiny_add", "--args", "a=1", "b=2", "--deadline", "9999", *served)
    assert (raised.code, raised.out) == (0, "3\n")
    assert "--deadline only lowers" in raised.err
    lowered = command("call", "tiny_add", "--args", "a=1", "b=2", "--deadline", "5", *served)
    assert "only lowers" not in lowered.err


@pytest.fixture
def doors(folder: Path, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    """Flags that publish tools which need a grant."""
    hang(monkeypatch)
    for name in ("server_doors", "server_locked"):
        (folder / f"{name}.wat").write_bytes(program(f"doors/{name}").read_bytes())
    return ["--components", folder, "--no-bundled"]


def test_what_was_denied_is_told_beside_the_result(command: Command, doors: list[str | Path]) -> None:
    ran = command("call", "server_doors_try", "--args", "name=notes", *doors)
    assert (ran.code, ran.out) == (0, "false\n")
    told = (
        "Denied: keyvalue, `open notes`, to the component server_doors: no grant of keyvalue to server_doors."
    )
    assert ran.err.count(told) == 1
    assert "Denied to" not in ran.err
    assert "by typing: mcp-wasm grants add server_doors keyvalue bucket=notes" in ran.err
    (denial,) = json.loads(command("call", "server_doors_try", "--args", "name=notes", "--json", *doors).out)[
        "denials"
    ]
    assert (denial["capability"], denial["asked"], denial["count"]) == ("keyvalue", "open notes", 1)


def test_a_tool_that_could_not_start_says_what_it_needs(command: Command, doors: list[str | Path]) -> None:
    ran = command("call", "server_locked_ask", *doors)
    assert (ran.code, ran.out) == (1, "")
    assert "the tool could not start without what nobody has granted it" in ran.err
    assert "mcp-wasm grants add server_locked keyvalue bucket=key" in ran.err
    document = json.loads(command("call", "server_locked_ask", "--json", *doors).out)
    assert document["error"]["kind"] == "CapabilityDenied"
    assert len(document["denials"]) == 1


def test_a_call_without_denials_says_none(command: Command, served: list[str | Path]) -> None:
    assert (
        json.loads(command("call", "tiny_add", "--args", "a=2", "b=3", "--json", *served).out)["denials"]
        == []
    )
