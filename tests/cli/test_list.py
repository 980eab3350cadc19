from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Command


def test_tools_of_a_folder_are_listed_in_order(command: Command, folder: Path) -> None:
    ran = command("list", "--components", folder, "--no-bundled")
    names = [line.split()[0] for line in ran.out.splitlines()]
    assert names == ["TOOL", "tiny_add", "tiny_crash", "tiny_deep", "tiny_divide", "tiny_spin"]


def test_the_document_has_schemas(command: Command, folder: Path) -> None:
    document = json.loads(command("list", "--components", folder, "--no-bundled", "--json").out)
    add = document["tools"][0]
    assert (add["name"], add["component"], add["function"]) == ("tiny_add", "tiny", "add")
    assert set(add["inputSchema"]["properties"]) == {"a", "b"}
    assert document["refused"] == []


def test_a_file_that_is_no_component_is_told_and_keeps_nothing_from_being_listed(
    command: Command, folder: Path
) -> None:
    (folder / "broken.wasm").write_bytes(b"\0asm\1\0\0\0")
    ran = command("list", "--components", folder, "--no-bundled", "--json")
    document = json.loads(ran.out)
    assert ran.code == 0
    assert len(document["tools"]) == 5
    assert "core module" in document["refused"][0]["reason"]
    assert "broken.wasm" in ran.err


def test_of_two_folders_the_first_wins_a_name(
    command: Command, folder: Path, tmp_path: Path, program: Callable[[str], Path]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "tiny.wat").write_bytes(program("server_tools").read_bytes())
    ran = command("list", "--components", other, "--components", folder, "--no-bundled")
    assert "tiny_repeat" in ran.out
    assert "the name tiny is taken" in ran.err


def test_an_empty_list_says_what_to_type(command: Command) -> None:
    ran = command("list", "--no-bundled")
    assert (ran.code, ran.out) == (0, "")
    assert "mcp-wasm add FILE" in ran.err


def test_bundled_tools_that_are_shipped_are_there_at_once(command: Command) -> None:
    assert "hash_digest" in command("list").out


def test_a_description_cannot_move_the_cursor(command: Command, folder: Path) -> None:
    (folder / "tiny.toml").write_text(
        '[tools.add]\ndescription = "\\u001b[2Jgone \\u202etxet"\n', encoding="utf-8"
    )
    out = command("list", "--components", folder, "--no-bundled").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert r"\x1b[2Jgone" in out
