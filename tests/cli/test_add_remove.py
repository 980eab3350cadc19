from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command

Program = Callable[[str], Path]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_added_component_is_served_until_it_is_removed(
    command: Command, program: Program, home: Path
) -> None:
    added = command("add", program("tiny"))
    assert (added.code, added.out.split(":")[0]) == (0, "added tiny")
    assert command("call", "tiny_add", "--args", "a=1", "b=2", "--no-bundled").out == "3\n"
    assert command("remove", "tiny").out == "removed tiny\n"
    assert command("call", "tiny_add", "--args", "a=1", "b=2", "--no-bundled").code == 2
    assert names(home / "components") == []


def test_what_lies_beside_a_component_goes_with_it(command: Command, folder: Path, home: Path) -> None:
    (folder / "tiny.toml").write_text("[tools.add]\ntitle = 'Sum'\n", encoding="utf-8")
    (folder / "tiny.wit").write_text("package a:b;\nworld tiny {}\n", encoding="utf-8")
    assert command("add", folder / "tiny.wat").code == 0
    assert names(home / "components") == ["tiny.toml", "tiny.wat", "tiny.wit"]
    assert command("remove", "tiny").code == 0
    assert names(home / "components") == []


def test_links_inside_a_folder_of_wit_are_not_followed(command: Command, folder: Path, home: Path) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("mine", encoding="utf-8")
    (folder / "tiny.wit").mkdir()
    (folder / "tiny.wit" / "tiny.wit").write_text("package a:b;\nworld tiny {}\n", encoding="utf-8")
    (folder / "tiny.wit" / "notes.txt").symlink_to(secret)
    command("add", folder / "tiny.wat")
    assert not (home / "components" / "tiny.wit" / "notes.txt").exists()


def test_a_name_may_be_given_also_against_the_manifest(command: Command, folder: Path, home: Path) -> None:
    (folder / "tiny.toml").write_text(
        "# kept\nname = 'other'\n\n[tools.add]\ntitle = 'Sum'\n", encoding="utf-8"
    )
    assert command("add", folder / "tiny.wat").out.startswith("added other: other_add")
    assert command("add", folder / "tiny.wat", "--name", "Mine").out.startswith("added mine: mine_add")
    text = (home / "components" / "mine.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"name": "mine", "tools": {"add": {"title": "Sum"}}}
    assert text.startswith("# kept\n")
    assert command("call", "mine_add", "--args", "a=1", "b=2", "--no-bundled").out == "3\n"


def test_a_manifest_whose_name_cannot_be_changed_by_itself_is_refused(command: Command, folder: Path) -> None:
    (folder / "tiny.toml").write_text("'name' = 'other'", encoding="utf-8")
    ran = command("add", folder / "tiny.wat", "--name", "mine")
    assert ran.code == 2
    assert 'Write name = "mine" there' in ran.err


def test_the_same_name_again_replaces_all_of_the_old_one(
    command: Command, folder: Path, home: Path, program: Program
) -> None:
    (folder / "tiny.toml").write_text("[tools.add]\ntitle = 'Sum'\n", encoding="utf-8")
    command("add", folder / "tiny.wat")
    ran = command("add", program("server_tools"), "--name", "tiny")
    assert ran.out.startswith("replaced tiny: tiny_add, tiny_find")
    assert names(home / "components") == ["tiny.wat"]


def test_a_folder_is_added_whole_or_not_at_all(
    command: Command, folder: Path, home: Path, program: Program
) -> None:
    (folder / "two.wat").write_bytes(program("server_tools").read_bytes())
    (folder / "bad.wasm").write_bytes(b"nothing")
    assert command("add", folder).code == 2
    assert not (home / "components").exists()
    (folder / "bad.wasm").unlink()
    added = json.loads(command("add", folder, "--json").out)
    assert [each["component"] for each in added] == ["tiny", "two"]
    assert names(home / "components") == ["tiny.wat", "two.wat"]


def test_two_files_of_one_name_are_refused(command: Command, folder: Path, program: Program) -> None:
    (folder / "Tiny.wat").write_bytes(program("server_tools").read_bytes())
    ran = command("add", folder)
    assert ran.code == 2
    assert "the name tiny is that of" in ran.err


REFUSED = [
    (["add", "nowhere.wasm"], "there is no such file"),
    (["add", "."], "there is no .wasm or .wat file"),
    (["add", "text.txt"], "ends with .wasm or .wat"),
    (["add", "bad.wasm"], "not WebAssembly"),
    (["remove", "tiny"], "Added are: none."),
    (["remove", "../../etc/passwd"], "No component named"),
    (["remove", ""], "No component named"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[" ".join(w) for w, _ in REFUSED])
def test_what_cannot_be_added_or_removed_is_told(
    command: Command, tmp_path: Path, words: list[str], told: str
) -> None:
    (tmp_path / "text.txt").touch()
    if "bad.wasm" in words:
        (tmp_path / "bad.wasm").write_bytes(b"nothing")
    ran = command(*words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_name_cannot_lead_out_of_the_folder(command: Command, home: Path, program: Program) -> None:
    command("add", program("tiny"))
    (home / "keep.wasm").touch()
    assert command("remove", "../keep").code == 2
    assert (home / "keep.wasm").exists()
    ran = command("add", program("tiny"), "--name", "../../evil")
    assert ran.out.startswith("added evil: ")


def test_a_bundled_tool_is_hidden_not_removed(command: Command) -> None:
    command("list")
    ran = command("remove", "hash")
    assert ran.code == 2
    assert "comes with the package" in ran.err


def test_a_mistyped_name_is_helped(command: Command, program: Program) -> None:
    command("add", program("tiny"))
    assert "Did you mean tiny?" in command("remove", "tinny").err
