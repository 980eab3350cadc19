"""``mcp-wasm grants``: what a person types is what holds, and nothing that a component says is believed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.capability.command import add_command
from mcp_wasm.capability.grant import Environment, Grant, Network, Storage
from mcp_wasm.capability.policy import Entry
from mcp_wasm.capability.schema import document_schema
from mcp_wasm.policy import edit
from mcp_wasm.policy.file import read
from tests.capability.test_words import NASTY
from tests.cli.conftest import Command, start

OTHER = "b" * 64


def entry(home: Path, component: str = "tiny") -> Entry:
    policy = read(home / "grants.toml")
    assert not policy.problem
    return policy.entries[component]


def settings(home: Path, text: str) -> None:
    """Settings of the home; without the bundled tools, which take a while to look at."""
    (home / "mcp-wasm.toml").write_text(f"bundled = false\n{text}", encoding="utf-8")
    (home / "mcp-wasm.toml").chmod(0o600)


@pytest.fixture
def tiny(home: Path, program: Callable[[str], Path]) -> Path:
    """The home with the component ``tiny``."""
    (home / "components").mkdir(parents=True)
    (home / "components" / "tiny.wat").write_bytes(program("tiny").read_bytes())
    settings(home, "")
    return home


def change(home: Path) -> None:
    """Other bytes under the name ``tiny``."""
    path = home / "components" / "tiny.wat"
    path.write_text(path.read_text().replace("unreachable", "nop unreachable", 1))


def test_a_grant_is_for_the_bytes_that_are_there(command: Command, tiny: Path) -> None:
    ran = command("grants", "add", "tiny", "environment", "HOME")
    assert (ran.code, ran.out) == (0, "granted to tiny: environment name=HOME\n")
    assert entry(tiny).grants == (Environment("HOME"),)
    listed = json.loads(command("list", "--json").out)["tools"]
    assert {tool["digest"] for tool in listed if tool["component"] == "tiny"} == {entry(tiny).digest}
    assert "has already" in command("grants", "add", "tiny", "environment", "HOME").out


@pytest.mark.parametrize(
    "grant", [grant for grant in NASTY if "\n" not in str(grant)], ids=lambda grant: type(grant).__name__
)
def test_the_command_of_a_denial_gives_exactly_what_was_denied(
    command: Command, home: Path, grant: Grant
) -> None:
    home.mkdir()
    words = shlex.split(add_command("gone", grant, options=("--digest", OTHER, "--home", str(home))))
    ran = command(*words[1:], "--no-bundled")
    if getattr(grant, "tools", ()) or ran.code:
        assert ran.code == 0, ran.err
    assert entry(home, "gone").grants == (grant,)
    assert entry(home, "gone").digest == OTHER


def test_words_and_flags_come_in_any_order(command: Command, tiny: Path) -> None:
    words = ["--method", "post", "tiny", "network", "--host", "a.example", "b.example", "--port", "8080",
             "seconds=5", "--private", "--scheme", "http", "--tool", "tiny_add", "--method=GET"]  # fmt: skip
    ran = command("grants", "add", *words)
    assert ran.code == 0
    assert entry(tiny).grants == (
        Network(
            ("b.example", "a.example"), ("http",), (8080,), ("POST", "GET"), True, 5.0, tools=("tiny_add",)
        ),
    )
    assert "has no effect" in ran.err


def test_a_folder_is_meant_from_where_the_person_is(command: Command, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert command("grants", "add", "tiny", "storage", "notes:/notes:rw").err == ""
    assert "no folder" in command("grants", "add", "tiny", "storage", "missing:/missing").err
    assert entry(tiny).grants == (
        Storage(tmp_path / "notes", "/notes", write=True),
        Storage(tmp_path / "missing", "/missing"),
    )


def test_a_component_that_takes_anothers_name_takes_none_of_its_grants(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    command("grants", "add", "tiny", "environment", "A")
    evil = tmp_path / "evil"
    evil.mkdir()
    text = (tiny / "components" / "tiny.wat").read_text()
    (evil / "innocent.wat").write_text(text.replace("unreachable", "nop unreachable", 1))
    (evil / "innocent.toml").write_text('name = "tiny"')
    shown = command("grants", "show", "--components", evil)
    # Whichever of the two is published under the name, the other's bytes have none of the grants.
    assert "tiny: waits" in shown.out or "the name tiny is taken" in shown.err
    (evil / "innocent.wat").rename(evil / "tiny.wat")
    assert "tiny: waits" in command("grants", "show", "--components", evil).out
    assert "tiny: holds" in command("grants", "show").out


def test_a_project_puts_no_component_in_place_of_one_whose_name_is_trusted(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    command("grants", "add", "tiny", "environment", "A")
    command("grants", "approve", "tiny", "--trust", "name")
    approved = entry(tiny).digest
    (tmp_path / "tools").mkdir()
    text = (tiny / "components" / "tiny.wat").read_text()
    (tmp_path / "tools" / "tiny.wat").write_text(text.replace("unreachable", "nop unreachable", 1))
    (tmp_path / "tools" / "other.wat").write_text(text)
    (tmp_path / "mcp-wasm.toml").write_text('components = ["tools"]\nbundled = false')
    tools = json.loads(command("list", "--json").out)["tools"]
    assert {tool["digest"] for tool in tools if tool["component"] == "tiny"} == {approved}
    assert "other" in {tool["component"] for tool in tools}


WRONG = [
    (["add", "tin", "clock"], "Did you mean tiny?"),
    (["add", "tin", "clock"], "--digest"),
    (["add", "Tiny", "clock"], "a component's name"),
    (["add", "tiny\n[x]", "clock"], "a component's name"),
    (["add", "tiny", "clok"], "did you mean clock?"),
    (["add", "tiny", "network"], "the key hosts"),
    (["add", "tiny", "network", "127.1"], "a host name"),
    (["add", "tiny", "network", "a", "--port", "x"], "a port"),
    (["add", "tiny", "clock", "--host", "a"], "known here: mode="),
    (["add", "tiny", "clock", "--tool", "tiny_ad"], "near: tiny_add"),
    (["add", "tiny", "clock", "--digest", "abc"], "64 hexadecimal"),
    (["add", "tiny", "environment", "A\x1b=b"], "the name of a variable"),
    (["add", "tiny", "keyvalue", "a\nb"], "a name"),
    (["revoke", "tiny"], "KIND or NUMBER, or --all"),
    (["revoke", "tiny", "clock", "--all"], "KIND or NUMBER, or --all"),
    (["revoke", "tiny", "clock"], "no such grant of clock"),
    (["revoke", "tiny", "1"], "no grant number 1"),
    (["revoke", "tiny", "0"], "no grant number 0"),
    (["revoke", "tiny", "everything"], "a number of `grants show`"),
    (["revoke", "tiny", "--all"], "nothing granted"),
    (["approve", "tiny"], "nothing to approve"),
    (["approve", "other"], "There is no component"),
    (["explain", "other"], "There is no component"),
    (["explain", "tiny", "tiny_ad"], "near: tiny_add"),
    (["show", "other"], "There is no component"),
    ([], "ACTION"),
    (["grant"], "invalid choice"),
]


@pytest.mark.parametrize(("words", "told"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_told_and_changes_nothing(
    command: Command, tiny: Path, words: list[str], told: str
) -> None:
    ran = command("grants", *words)
    assert ran.code == 2
    assert told in ran.err
    assert "\x1b" not in ran.err
    assert not (tiny / "grants.toml").exists()


def test_grants_are_shown_with_the_numbers_that_revoke_takes(command: Command, tiny: Path) -> None:
    assert "Nothing is granted to tiny" in command("grants", "show", "tiny").err
    for words in (["environment", "A"], ["environment", "B"], ["clock", "fixed", "at=0"]):
        assert command("grants", "add", "tiny", *words).code == 0
    shown = command("grants", "show").out
    assert "tiny: holds for sha256" in shown
    assert "  2  environment name=B (grants.tiny.environment[1])" in shown
    assert command("grants", "revoke", "tiny", "2").out == "revoked from tiny: environment name=B\n"
    assert command("grants", "revoke", "tiny", "environment[0]").code == 0
    assert command("grants", "revoke", "tiny", "clock").code == 0
    assert command("grants", "show", "--json").out.count('"component"') == 0


def test_other_bytes_wait_until_a_person_approves_them(command: Command, tiny: Path) -> None:
    command("grants", "add", "tiny", "environment", "A")
    change(tiny)
    assert "tiny: waits: the bytes of tiny are not those" in command("grants", "show").out
    assert "its grants wait" in command("grants", "explain", "tiny").out
    refused = command("grants", "add", "tiny", "environment", "B")
    assert (refused.code, "given to other bytes" in refused.err) == (2, True)
    before = entry(tiny).digest
    assert "tiny: holds for" in command("grants", "approve", "tiny", "--trust", "name").out
    assert entry(tiny).digest != before
    change(tiny)
    document = json.loads(command("grants", "show", "--json").out)
    assert [(each["holds"], each["trust"]) for each in document["grants"]] == [(True, "name")]
    assert command("grants", "approve", "tiny", "--trust", "bytes").code == 0
    assert entry(tiny).trust == "bytes"


def test_a_component_that_went_away_is_shown_as_such(command: Command, tiny: Path) -> None:
    command("grants", "add", "tiny", "environment", "A")
    (tiny / "components" / "tiny.wat").unlink()
    assert "no such component is there" in command("grants", "show", "tiny").out
    assert command("grants", "revoke", "tiny", "--all").code == 0


def test_components_of_another_folder_are_found(command: Command, home: Path, folder: Path) -> None:
    assert command("grants", "add", "tiny", "clock").code == 2
    assert command("grants", "add", "tiny", "clock", "--components", folder).code == 0
    assert "holds" in command("grants", "show", "--components", folder).out
    assert "no such component" in command("grants", "show").out


def test_settings_and_file_are_shown_together(command: Command, tiny: Path) -> None:
    settings(tiny, '[grants.tiny]\ntrust = "name"\n[[grants.tiny.environment]]\nname = "S"\n')
    assert command("grants", "add", "tiny", "environment", "F").code == 0
    assert entry(tiny) == Entry("tiny", grants=(Environment("F"),))
    shown = command("grants", "show").out
    assert "  1  environment name=S (grants.tiny.environment[0] of mcp-wasm.toml)" in shown
    assert "  2  environment name=F (grants.tiny.environment[0])" in shown
    assert "take it away there" in command("grants", "revoke", "tiny", "1").err
    assert "says which bytes are meant" in command("grants", "approve", "tiny").err
    ran = command("grants", "revoke", "tiny", "--all")
    assert (ran.code, ran.out) == (0, "revoked from tiny: environment name=F\n")
    assert "grants.tiny of mcp-wasm.toml grants 1 more" in ran.err


@pytest.mark.parametrize(
    "action", [["show"], ["explain", "tiny"], ["add", "tiny", "clock"], ["approve", "tiny"]]
)
def test_a_broken_policy_is_told_by_every_action(command: Command, tiny: Path, action: list[str]) -> None:
    (tiny / "grants.toml").write_text("[grants.tiny", encoding="utf-8")
    (tiny / "grants.toml").chmod(0o600)
    ran = command("grants", *action)
    assert ran.code == 2
    assert "Nothing is granted to anybody until that is mended" in ran.err


@pytest.mark.parametrize("named", ["flags", "config", "here"])
def test_what_a_denied_call_proposes_works_wherever_the_component_came_from(
    command: Command,
    tmp_path: Path,
    program: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    named: str,
) -> None:
    place = tmp_path / "my components"
    place.mkdir()
    (place / "counters.wat").write_bytes(program("counters").read_bytes())
    call = ["call", "counters_new_counter", "--args", "start=1", "--json", "--home", tmp_path / "my home"]
    if named == "flags":
        call += ["--components", place, "--no-bundled"]
    else:
        file = tmp_path / ("mcp-wasm.toml" if named == "here" else "my settings.toml")
        file.write_text('components = ["my components"]\nbundled = false', encoding="utf-8")
        file.chmod(0o600)
        call += ["--config", file] if named == "config" else []
    (denial,) = json.loads(command(*call).out)["denials"]
    assert denial["capability"] == "sessions"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    typed = command(*shlex.split(denial["command"])[1:])
    assert typed.code == 0, typed.err
    monkeypatch.chdir(tmp_path)
    assert command(*call).code == 0


def test_the_schema_is_printed(command: Command) -> None:
    assert json.loads(command("grants", "schema").out) == document_schema()


def test_common_flags_stand_before_and_after_the_action(command: Command, home: Path, tmp_path: Path) -> None:
    edit.add(tmp_path / "other", "tiny", OTHER, (), [Environment("A")])
    for words in (["--home", tmp_path / "other", "show"], ["show", "--home", tmp_path / "other"]):
        assert "environment name=A" in command("grants", *words).out


def test_a_running_server_obeys_the_next_call(tiny: Path) -> None:
    """A change holds without restart, and is seen by a runtime that was there before."""
    from mcp_wasm.runtime import Runtime

    with Runtime(home=tiny) as runtime:
        component = runtime.add(tiny / "components" / "tiny.wat")

        def held() -> list[Grant]:
            return list(
                runtime.policies.effective(component.name, component.digest, component.wishes, frozenset())
            )

        assert held() == []
        child = start(["grants", "add", "tiny", "environment", "A", "--no-bundled"])
        assert child.wait(30) == 0
        child.communicate()
        assert held() == [Environment("A")]
        edit.revoke(tiny, "tiny")
        assert held() == []
