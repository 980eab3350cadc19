"""``mcp-wasm publish``, ``made``, ``keep``: tools of code as a person has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.cli.publish import file_name
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.runtime import Runtime
from tests.cli.conftest import Command, Ran

SOURCE = "/** Doubles. */\nexport function twice(n: number): number { return 2 * n; }\n"
Run = Callable[..., Ran]


@pytest.fixture
def run(command: Command) -> Run:
    return lambda *words: command(*words, "--no-bundled")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.ts"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_what_a_person_publishes_is_kept_with_its_versions(run: Run, source: Path) -> None:
    ran = run("publish", source)
    assert (ran.code, ran.out) == (0, "numbers: published, version 1; tools: numbers_twice\n")
    source.write_text(SOURCE + "// more\n", encoding="utf-8")
    document = json.loads(run("publish", source, "--description", "For sums.", "--json").out)
    assert (document["version"], document["kept"], document["tools"]) == (2, True, ["numbers_twice"])
    listed = json.loads(run("list", "--json").out)["tools"]
    (tool,) = [each for each in listed if each["name"] == "numbers_twice"]
    assert tool["inputSchema"]["required"] == ["n"]
    assert "For sums." in tool["description"]
    rows = run("made").out.splitlines()
    assert rows[1].split()[:4] == ["numbers", "v2", "typescript", "kept"]
    shown = run("made", "show", "numbers").out
    assert "export function twice(n: number)" in shown
    assert "version 1: " in shown
    restored = run("made", "restore", "numbers", "1")
    assert restored.out == "restored numbers, now as version 3\n"
    assert json.loads(run("made", "show", "numbers", "--json").out)["source"] == SOURCE
    assert run("made", "remove", "numbers").out == "removed numbers\n"
    assert run("made").out == "No tool was made of code.\n"


def test_a_check_publishes_nothing(run: Run, source: Path) -> None:
    ran = run("publish", source, "--check")
    assert (ran.code, ran.out) == (0, "numbers: checked; nothing was published; tools: numbers_twice\n")
    assert run("made").out == "No tool was made of code.\n"


def test_a_given_world_and_name_take_the_place_of_what_the_file_says(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("function twice(n) { return 2 * n; }")
    (tmp_path / "a.wit").write_text("package a:b;\nworld w { export twice: func(n: u8) -> u16; }")
    ran = run("publish", tmp_path / "a.js", "--name", "sums", "--world", tmp_path / "a.wit", "--json")
    document = json.loads(ran.out)
    assert document["tools"] == ["sums_twice"]
    assert "func(n: u8) -> u16" in document["wit"]


def test_what_a_model_made_is_kept_by_name_and_by_the_digest_that_was_read(run: Run, home: Path) -> None:
    with Runtime(home=home) as runtime:
        runtime.made.load()
        made = runtime.made.create(Wanted("numbers", "typescript", SOURCE), by="a model", client="one")
        assert "in a session" in run("made").out
        other = run("keep", "numbers", "--digest", "0" * 12)
        assert (other.code, "another version" in other.err) == (2, True)
        kept = run("keep", "numbers", "--digest", made.digest[:12])
        assert kept.code == 0
        assert "kept numbers, version 1, made by a model" in kept.out
        assert "It holds no grants." in kept.out
        assert runtime.made.show("numbers").kept
    assert "numbers_twice" in run("list").out


def test_what_an_export_has_elsewhere_is_told(run: Run, tmp_path: Path) -> None:
    nested = (
        "interface A { x: number }\ninterface B { a: A }\nexport function f(b: B): number { return b.a.x }\n"
    )
    (tmp_path / "nested.ts").write_text(nested)
    run("publish", "nested.ts")
    assert "exported it has its functions in the interface api" in run("made", "show", "nested").out
    (tmp_path / "plain.ts").write_text(SOURCE)
    run("publish", "plain.ts")
    assert "interface api" not in run("made", "show", "plain").out


def test_a_version_that_waits_beside_a_kept_one_is_shown_and_kept_by_its_digest_alone(
    run: Run, source: Path, home: Path
) -> None:
    run("publish", source)
    with Runtime(home=home) as runtime:
        runtime.made.load()
        kept = runtime.made.show("numbers")
        hostile = Wanted("numbers", "typescript", SOURCE + "// more\n")
        made = runtime.made.create(hostile, by="a model", client="")
        assert (made.over, made.kept) == (kept.digest, False)
        new, old = made.digest[:12], kept.digest[:12]
        listed = run("made").out
        assert f"in a session, before the kept {old}" in listed
        assert new in listed
        shown = run("made", "show", "numbers").out
        assert "numbers, version 1, kept" in shown
        assert f"mcp-wasm made show numbers --digest {new}" in shown
        assert "// more" not in shown
        shown = run("made", "show", "numbers", "--digest", new).out
        assert f"numbers, version 2, in a session, before the kept {old}" in shown
        assert "// more" in shown
        assert run("made", "show", "numbers", "--digest", "0" * 12).code == 2
        # Nothing is kept that nobody said: what is shown without a digest is the kept one.
        unsaid = run("keep", "numbers")
        assert (unsaid.code, f"{new} by a model" in unsaid.err) == (2, True)
        assert run("keep", "numbers", "--digest", new).code == 0
        assert "// more" in run("made", "show", "numbers").out
        (row,) = run("made").out.splitlines()[1:]
        assert row.split()[:4] == ["numbers", "v2", "typescript", "kept"]
        assert run("keep", "numbers").code == 0
        now = runtime.made.show("numbers")
        assert (now.kept, now.over, now.digest) == (True, "", made.digest)


WRONG = [
    (("publish", "gone.ts"), "FILE: expected a file that can be read"),
    (("publish", "numbers.ts", "--test", "{"), "--test: expected"),
    (("publish", "numbers.ts", "--test", '{"input": 1, "expected": 2}'), "--test: expected"),
    (("publish", "numbers.ts", "--name", "code"), "reserved"),
    (("publish", "bad.ts"), "bad.ts:1:"),
    (("publish", "two.wat", "--world", "two.wit"), "failed to find export of function `thrice`"),
    (("made", "show"), "made show takes the NAME of a tool"),
    (("made", "show", "nothing"), "nothing"),
    (("made", "restore", "numbers"), "made restore takes a NAME and a VERSION"),
    (("keep", "nothing"), "nothing"),
    (("export", "nothing"), "nothing"),
]

TWICE = '(module (func (export "twice") (param i32) (result i32) (i32.const 1)))'


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_is_wrong_is_named(
    run: Run, source: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    (tmp_path / "bad.ts").write_text("export function f(x) { return x }")
    (tmp_path / "two.wat").write_text(TWICE)
    (tmp_path / "two.wit").write_text("package a:b;\nworld w { export thrice: func(n: s32) -> s32; }")
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_what_a_name_or_a_source_hides_is_shown_to_a_person(run: Run, home: Path) -> None:
    with Runtime(home=home) as runtime:
        runtime.made.load()
        hostile = SOURCE + "// \x1b]0;title\x07 \u202e\n"
        runtime.made.create(Wanted("numbers", "typescript", hostile), by="\x1b[31ma model", client="one")
        shown = run("made", "show", "numbers").out + run("made").out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert r"\x1b]0;title" in shown


def test_the_name_of_a_file_goes_to_a_toolchain_only_if_it_is_a_plain_one() -> None:
    names = ["a.c", "a-b_2.c", "-o.c", "my own.c", ".c", "a.txt", "exported_glue.c", "w_bindings.c", "../a.c"]
    assert [file_name(name, "c") for name in names] == ["a.c", "a-b_2.c", "", "", "", "", "", "", "a.c"]
