"""``mcp-wasm run``: programs by the path of the server's run_code, on the runner that the package ships."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import once
from tests.cli.conftest import Command, Ran

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def code_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the module, so that the runner is compiled once."""
    return once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("code"))


@pytest.fixture
def run(command: Command, code_home: Path) -> Run:
    return lambda *words: command("run", *words, "--home", code_home, "--no-bundled")


def js(code: str) -> tuple[str, ...]:
    return ("--language", "javascript", "-c", code)


def test_the_value_and_what_it_printed_are_on_stdout_and_the_rest_on_stderr(run: Run) -> None:
    ran = run(*js("console.log('a'); console.error('b'); [1]"))
    assert (ran.code, ran.out) == (0, "a\n[\n  1\n]\n")
    assert "b\n" in ran.err
    assert "cost: " in ran.err


def test_a_text_is_printed_as_it_is_and_no_value_as_nothing(run: Run) -> None:
    assert run(*js("'é\\n'")).out == "é\n\n"
    assert run(*js("undefined")).out == ""


def test_a_file_tells_its_language_and_a_dash_reads_standard_input(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "six.js").write_text("6 * 7")
    assert run(tmp_path / "six.js").out == "42\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"6 * 9")))
    assert run("-", "--language", "javascript").out == "54\n"


def test_a_failing_program_shows_its_traceback_and_is_code_1(run: Run) -> None:
    ran = run(*js("console.log('so far');\nnull.x"), *js("console.log('never')"))
    assert (ran.code, ran.out) == (1, "so far\n")
    assert "code.js:2" in ran.err
    assert "mcp-wasm: TypeError: " in ran.err
    assert "(line 2)" in ran.err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--fuel", "1000000"), "fuel limit was reached"),
        (("--timeout", "0.05"), "deadline limit was reached"),
    ],
)
def test_a_limit_is_named_with_how_to_raise_it(run: Run, flags: tuple[str, ...], told: str) -> None:
    ran = run(*js("while (true) {}"), *flags)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err
    assert "under [limits] in mcp-wasm.toml" in ran.err


def test_everything_is_in_one_document_with_json(run: Run) -> None:
    document = json.loads(run(*js("console.log('a'); ({b: 1})"), "--json").out)
    assert (document["failed"], document["value"], document["stdout"]["text"]) == (False, {"b": 1}, "a\n")
    ran = run(*js("\nnull.x"), "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["failed"], document["error"]["line"]) == (1, True, 2)
    assert "value" not in document


def test_input_is_json_or_a_file_of_it(run: Run, tmp_path: Path) -> None:
    code = "const main = (input) => input.a + 1"
    assert run(*js(code), "--input", '{"a": 41}').out == "42\n"
    (tmp_path / "input.json").write_text('{"a": 1}')
    assert run(*js(code), "--input", f"@{tmp_path / 'input.json'}").out == "2\n"


WRONG: list[tuple[tuple[str, ...], str]] = [
    ((), "FILE: expected a program"),
    (("gone.js",), "FILE: expected a file that can be read"),
    (("gone.rb",), "FILE: expected one that ends in .py, .js"),
    ((*js("1"), "--input", "{"), "--input: expected JSON"),
    ((*js("1"), "--input", "@gone"), "--input: expected a file that can be read"),
    ((*js("1"), "--file", "gone"), "--file: expected a file that can be read"),
    ((*js("1"), "--fuel", "0"), "limits.fuel: expected"),
    ((*js("1"), "--timeout", "-1"), "limits.deadline: expected"),
    ((*js("1"), "--out", "."), "--out: expected a folder that is new or empty"),
]


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_is_wrong_is_named_and_nothing_runs(
    run: Run, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    (tmp_path / "something").touch()
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_limit_cannot_be_raised_and_that_is_said(run: Run) -> None:
    ran = run(*js("1"), "--timeout", "86400")
    assert (ran.code, ran.out) == (0, "1\n")
    assert "--timeout only lowers: it stays 30" in ran.err


def test_what_code_made_is_written_into_a_new_folder_and_nowhere_else(tmp_path: Path) -> None:
    from mcp_wasm.cli import output
    from mcp_wasm.code.contract import Produced
    from mcp_wasm.errors import InvalidSettings

    out = tmp_path / "out"
    output.check(out)
    (path,) = output.write(out, [Produced("a/b.txt", b"x")])
    assert path.read_bytes() == b"x"
    with pytest.raises(InvalidSettings, match="new or empty"):
        output.check(out)
    (out / "link").symlink_to(tmp_path)
    for name in ("../c.txt", "link/c.txt", "a/../../c.txt", ""):
        with pytest.raises(InvalidSettings, match="within the folder"):
            output.write(out, [Produced(name, b"x")])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out"]
