from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_wasm import errors
from mcp_wasm.cli.main import COMMANDS, EXIT_CODES, _end_behind, exit_code
from tests.cli.conftest import ROOT, Command, start

PROMPT = 10


def test_help_names_every_command_and_every_exit_code(command: Command) -> None:
    ran = command("--help")
    assert ran.code == 0
    for word in (*COMMANDS, "130", "MCP_WASM_HOME", "MCP_WASM_TOKEN", "MCP_WASM_CONFIG"):
        assert word in ran.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command: Command, name: str) -> None:
    ran = command(name, "--help")
    assert ran.code == 0
    assert "--config" in ran.out
    assert " ".join(EXIT_CODES.split()) in " ".join(ran.out.split())


DEFAULTS = [
    ("serve", "(default: stdio)"),
    ("serve", "(default: dynamic)"),
    ("list", "(default: ~/.mcp-wasm)"),
    ("config", "(default: mcp-wasm)"),
    ("cache", "(default: the limit in the settings)"),
]


@pytest.mark.parametrize(("name", "default"), DEFAULTS)
def test_help_shows_defaults(command: Command, name: str, default: str) -> None:
    assert default in " ".join(command(name, "--help").out.split())


def test_the_version_is_told(command: Command) -> None:
    assert command("--version").out.startswith("mcp-wasm 0.")


def test_no_command_at_all_is_wrong_usage_and_shows_the_help(command: Command) -> None:
    ran = command()
    assert (ran.code, ran.out) == (2, "")
    assert "commands:" in ran.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["serv"], "did you mean serve?"),
        (["zzz"], "there are serve, list"),
        (["--json", "list"], "no command"),
        (["list", "--jsn"], "unrecognized arguments: --jsn"),
        (["list", "--components", "nowhere"], "there is no folder nowhere"),
        (["call"], "NAME"),
        (["cache", "prune", "--to", "big"], "no number of bytes"),
        (["config", "emacs"], "claude-desktop"),
    ],
)
def test_wrong_usage_is_code_2_with_a_hint(command: Command, words: list[str], hint: str) -> None:
    ran = command(*words)
    assert (ran.code, ran.out) == (2, "")
    assert hint in ran.err


CODES = [
    (errors.UnknownTool("x"), 2),
    (errors.InvalidArguments("x", []), 2),
    (errors.InvalidSettings("x", "y", "z"), 2),
    (errors.ComponentRefused("x", "y"), 2),
    (errors.Trap("unreachable"), 1),
    (errors.FuelExhausted(1), 1),
    (errors.DeadlineExceeded(1), 1),
    (errors.Busy("x", 1), 3),
    (errors.ToolchainMissing("x", "y"), 3),
    (errors.BuildFailed("x", "y"), 3),
    (errors.HostFault("x"), 3),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=[type(e).__name__ for e, _ in CODES])
def test_the_exit_code_says_whose_fault_it_was(error: errors.McpWasmError, code: int) -> None:
    assert exit_code(error) == code


def test_a_home_that_cannot_be_made_is_one_line_and_code_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = command("list", "--home", tmp_path / "file" / "home")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_a_bug_is_an_id_without_a_traceback_unless_asked_for(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # has no .buffer: a bug that no one foresaw
    quiet = command("call", "hash_digest", "--args", "-")
    told = command("call", "hash_digest", "--args", "-", "--verbose")
    assert (quiet.code, told.code) == (3, 3)
    assert "internal error" in quiet.err
    assert "Traceback" not in quiet.err
    assert "Traceback" in told.err


def test_ctrl_c_stops_a_guest_and_ends_quietly(folder: Path) -> None:
    child = start(["call", "tiny_spin", "--components", folder, "--no-bundled", "--verbose"])
    assert child.stderr is not None
    # Its tools are published; what comes next is the call.
    for line in child.stderr:
        if "published" in line:
            break
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PROMPT)
    assert (child.returncode, out) == (130, "")
    assert "Traceback" not in err


def test_sigterm_ends_a_command_through_its_finally_clauses(folder: Path) -> None:
    child = start(["call", "tiny_spin", "--components", folder, "--no-bundled", "--verbose"])
    assert child.stderr is not None
    for line in child.stderr:
        if "published" in line:
            break
    child.terminate()
    out, err = child.communicate(timeout=PROMPT)
    assert (child.returncode, out) == (143, "")
    assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_error_message(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    child = start(["list", "--components", folder, "--no-bundled"], stdout=writing)
    os.close(writing)
    _, err = child.communicate(timeout=PROMPT)
    assert (child.returncode, err) == (141, "")


@pytest.mark.parametrize(
    "words", [["--help"], ["serve", "--help"], ["call", "--help"], ["cache", "size"]], ids=" ".join
)
def test_what_serves_nothing_loads_neither_engine_nor_protocol(words: list[str]) -> None:
    code = (
        "import json, sys\nfrom mcp_wasm.cli.main import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    assert loaded.isdisjoint({"wasmtime", "mcp", "mcp_types", "pydantic", "anyio", "httpx", "starlette"})


@pytest.mark.parametrize(
    ("end", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143), (ValueError(), None)]
)
def test_an_error_while_ending_does_not_hide_that_it_was_an_end(end: BaseException, code: int | None) -> None:
    """A thread that never started cannot be joined: such errors come of an interrupt at a bad moment."""
    error = RuntimeError("cannot join")
    error.__context__ = end
    assert _end_behind(error) == code


def test_closed_streams_are_no_fault_of_ours(home: Path) -> None:
    command = f'"{sys.executable}" -m mcp_wasm'
    done = subprocess.run(
        ["bash", "-c", f"{command} cache size >&-; {command} cache size >&- 2>&-"],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
