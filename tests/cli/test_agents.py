from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from tests.agents.guests import component
from tests.cli.conftest import ROOT, Command, start
from tests.cli.trees import TREE, tree, until


@pytest.fixture
def place(tmp_path: Path) -> Path:
    component(tmp_path)
    return tmp_path


def test_a_tree_is_run_looked_at_asked_restarted_and_stopped(place: Path, command: Command) -> None:
    with tree(place) as process:
        assert re.search(r"first +local +\d+ +pair/a +waiting", command("agents", "ps").out)
        assert command("agents", "ask", "pair/a", '"n"').out == '"1"\n'
        assert command("agents", "ask", "pair/a", '"n"').out == '"2"\n'
        crashed = command("agents", "ask", "echo", '"c"')
        assert (crashed.code, crashed.out) == (1, "")
        assert "echo failed" in crashed.err
        sent = command("agents", "send", "echo", '{"x": 1}', "--priority", "urgent", "--kind", "request")
        assert "'urgent' is not known and was taken as normal" in sent.err
        assert command("agents", "restart", "pair/b").code == 0
        shown = until(lambda: command("agents", "tree").out, r"\n    b +waiting  1 ")
        assert re.search(r"\n  echo +waiting  1 +0 +\d+ +1 +0 +The guest trapped", shown)
        assert re.search(r"\n  pair/ +running  0\n", shown)
        assert command("agents", "top").out.splitlines()[2] == shown.splitlines()[2]
        state = json.loads(command("agents", "state", "echo").out)
        assert state["agent"]["restarts"] == 1
        events = json.loads(command("agents", "events", "pair", "--json").out)
        assert {each["path"] for each in events} == {"pair", "pair/a", "pair/b"}
        assert "restarted" in command("agents", "events", "pair/b").out
        second = command("agents", "run", place / "first.toml", "--no-bundled")
        assert (second.code, "A tree 'first' runs already" in second.err) == (2, True)
        assert command("agents", "stop").out == "stopped first\n"
        assert process.wait(10) == 0
    assert "No tree of agents runs" in command("agents", "ps").out


WRONG: list[tuple[list[str], int, str]] = [
    (["ask", "nobody", "1"], 2, "There is no agent 'nobody'"),
    (["ask", "ech", "1"], 2, "Did you mean echo?"),
    (["ask", "echo", "hello"], 2, "PAYLOAD: expected JSON (a text stands in double quotes"),
    (["ask", "echo", "@nothing.json"], 2, "PAYLOAD: expected a file that can be read"),
    (["ask", "echo", "1", "--seconds", "0"], 2, "a number of seconds from 0.001 to 3600"),
    (["send", "echo", "1", "--kind", "timer"], 2, "the kind of a message: expected one of"),
    (["state", "nobody"], 2, "There is no agent"),
    (["restart", "nobody"], 2, "There is no agent"),
    (["tree", "--tree", "other"], 2, "no tree 'other' runs; there run first, second"),
    (["tree"], 2, "there run first, second: choose one with --tree NAME"),
    (["events", "--most", "0"], 2, "a whole number from 1 to 1000"),
]


def test_what_is_wrong_is_told_with_its_exit_code_and_signals_end_a_tree(
    place: Path, command: Command
) -> None:
    with tree(place) as first, tree(place, "--quiet", name="second") as second:
        for words, code, told in WRONG:
            named = (
                words
                if words[0] in {"tree", "events"} or "--seconds" in words
                else [*words, "--tree", "first"]
            )
            ran = command("agents", *named)
            assert (ran.code, told in ran.err) == (code, True), ran
        (place / "payload.json").write_text('"hello"', encoding="utf-8")
        asked = command("agents", "ask", "echo", "@payload.json", "--tree", "second")
        assert asked.out == '"hello"\n'
        first.send_signal(signal.SIGINT)
        second.send_signal(signal.SIGTERM)
        assert (first.wait(10), second.wait(10)) == (130, 143)
    for words in (["tree"], ["stop"], ["ask", "echo", "1"]):
        ran = command("agents", *words)
        assert (ran.code, "no tree of agents runs" in ran.err) == (2, True)


def test_the_live_view_draws_the_tree_again_and_again_and_leaves_the_terminal_as_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TERM", "xterm"), ("COLUMNS", "120"), ("LINES", "30")):
        monkeypatch.setenv(name, value)
    with tree(place) as process:
        mine, theirs = pty.openpty()
        words = ["agents", "top", "--interval", "0.1"]
        with start(words, stdin=theirs, stdout=theirs, cwd=place) as top:
            os.close(theirs)
            seen = reading(mine, lambda text: text.count("\x1b[H") >= 3)
            top.send_signal(signal.SIGINT)
            seen += reading(mine, lambda text: "\x1b[?1049l" in text)
            assert top.wait(10) == 0
        os.close(mine)
        assert process.poll() is None
    assert seen.startswith("\x1b[?1049h\x1b[?25l")
    assert seen.rstrip().endswith("\x1b[?25h\x1b[?1049l")
    assert re.search(r"    a +waiting", seen)
    assert "MSG/S" in seen


REFUSED: list[tuple[str, str]] = [
    ("nothing.toml", "expected a file that can be read"),
    ("[agents.a]\ncomponnt = 'x'", "did you mean component?"),
    ("[agents.a]\ncomponent = 'x'\n[llm.one]\nkind = 'opnai'", "llm.one.kind: expected one of"),
    ("[agents.a]\ncomponent = 'x'\n[state]\nbackend = 'paper'", "state.backend: expected one of"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_a_tree_that_cannot_be_run_is_refused_before_anything_runs(
    place: Path, command: Command, text: str, told: str
) -> None:
    file = place / (text if text.endswith(".toml") else "t.toml")
    if not text.endswith(".toml"):
        file.write_text(text, encoding="utf-8")
    ran = command("agents", "run", file, "--no-bundled")
    assert (ran.code, told in ran.err) == (2, True), ran


def test_who_is_durable_without_a_mesh_is_told_so(place: Path, command: Command) -> None:
    file = place / "t.toml"
    text = "[supervisors.s]\nchildren = ['a']\n[agents.a]\ncomponent = 'nothing'\ndurable = true"
    file.write_text(text, encoding="utf-8")
    assert "s/a is durable, and that takes a mesh" in command("agents", "run", file, "--no-bundled").err


def test_a_tree_file_and_an_env_file_that_others_may_write_are_refused(place: Path, command: Command) -> None:
    file = place / "t.toml"
    file.write_text("[agents.a]\ncomponent = 'agent.wasm'", encoding="utf-8")
    file.chmod(0o664)
    ran = command("agents", "run", file, "--no-bundled")
    assert (ran.code, "chmod go-w" in ran.err) == (2, True)
    file.chmod(0o644)
    (place / ".env").write_text("A=b", encoding="utf-8")
    (place / ".env").chmod(0o646)
    ran = command("agents", "run", file, "--no-bundled")
    assert (ran.code, ".env: expected a file that only you can write" in ran.err) == (2, True)


def test_the_published_schema_is_the_printed_one_and_knows_the_settings_too(command: Command) -> None:
    published = json.loads((ROOT / "docs" / "agents.schema.json").read_text(encoding="utf-8"))
    assert json.loads(command("agents", "schema").out) == published, (
        "write it anew: mcp-wasm agents schema > docs/agents.schema.json"
    )
    schema = jsonschema.Draft202012Validator(published)
    for text, fits in (
        ("[agents.a]\ncomponent = 'x'\n[llm.local]\nkind = 'compatible'\nmodel = 'm'", True),
        ("[agents.a]\ncomponent = 'x'\n[llm.local]\nkidn = 'compatible'", False),
        ("[agents.a]\ncomponent = 'x'\n[state]\nbackend = 'paper'", False),
    ):
        assert schema.is_valid(tomllib.loads(text)) is fits, text


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_first_tree_of_the_page_runs_as_it_says(tmp_path: Path, command: Command) -> None:
    text = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    for language, name in (("js", "greeter.js"), ("toml", "hello.toml")):
        block = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
        assert block is not None
        (tmp_path / name).write_text(block[1], encoding="utf-8")
    with start(["agents", "run", "hello.toml"], cwd=tmp_path) as process:
        try:
            assert process.stderr is not None
            assert "hello runs" in process.stderr.readline()
            answer = json.loads(command("agents", "ask", "greeter", '{"name": "Ada"}').out)
            assert answer == {"text": "Hello, Ada!", "greeted": 1}
            crashed = command("agents", "ask", "greeter", "{}")
            assert (crashed.code, "nobody to greet" in crashed.err) == (1, True)
            until(lambda: command("agents", "tree").out, r"greeter +waiting  1 ")
            assert json.loads(command("agents", "state", "greeter").out)["memory"] == {"greeted": "1"}
            assert json.loads(command("agents", "ask", "greeter", '{"name": "Bo"}').out)["greeted"] == 2
            assert command("agents", "stop").code == 0
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.communicate()


def reading(descriptor: int, enough: Callable[[str], bool]) -> str:
    """What a terminal shows until it is enough."""
    text = ""
    while not enough(text):
        ready, _, _ = select.select([descriptor], [], [], 10)
        assert ready, text
        try:
            text += os.read(descriptor, 65_536).decode()
        except OSError:  # its other end is closed
            break
    return text


def test_a_tree_that_gives_up_ends_as_a_failure_and_says_of_what(place: Path, command: Command) -> None:
    with tree(place, "--quiet", text=TREE.replace("intensity = 5", "intensity = 0", 1)) as process:
        crashed = command("agents", "ask", "echo", '"c"')
        assert (crashed.code, "echo failed" in crashed.err) == (1, True)
        assert process.wait(10) == 1
        assert process.stderr is not None
        assert "the tree failed: more than 0 restarts within 5 s, the last for echo" in process.stderr.read()
