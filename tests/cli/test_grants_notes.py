"""``mcp-wasm grants add``: a person is told where a grant is more, or less, than it looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Storage
from mcp_wasm.policy.file import read
from tests.cli.conftest import Command


@pytest.fixture
def tiny(home: Path, program: Callable[[str], Path]) -> Path:
    """The home with the component ``tiny`` alone."""
    (home / "components").mkdir(parents=True)
    (home / "components" / "tiny.wat").write_bytes(program("tiny").read_bytes())
    (home / "mcp-wasm.toml").write_text("bundled = false", encoding="utf-8")
    return home


def test_a_folder_behind_a_link_is_granted_as_what_it_is(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert command("grants", "add", "tiny", "storage", "link/../link:/x").code == 0
    assert read(tiny / "grants.toml").entries["tiny"].grants == (Storage(tmp_path / "real", "/x"),)


def test_who_grants_the_folder_of_the_grants_is_told(command: Command, tiny: Path) -> None:
    for folder in (tiny, tiny.parent, tiny / "components"):
        assert "grants lie in" in command("grants", "add", "tiny", "storage", f"{folder}:/x:rw").err
        assert command("grants", "add", "tiny", "storage", f"{folder}:/y").err == ""


NOTES = [
    (["*"], "every host with a public address\n"),
    (["*", "--private"], "every host with a public address and private ones"),
    (["127.0.0.1"], "127.0.0.1 is a loopback address, which needs private = true in the grant: no request"),
    (["224.0.0.1", "--private"], "which no grant allows: no request will reach it"),
    (["169.254.169.254", "--private"], "hands out credentials"),
]


@pytest.mark.parametrize(("words", "note"), NOTES)
def test_who_grants_hosts_that_are_not_what_they_look_like_is_told(
    command: Command, tiny: Path, words: list[str], note: str
) -> None:
    assert note in command("grants", "add", "tiny", "network", *words).err


def test_a_grant_that_comes_instead_of_another_is_told_and_holds(command: Command, tiny: Path) -> None:
    (tiny / "n").mkdir()
    first = f"storage folder={tiny.parent} guest=/notes"
    assert command("grants", "add", "tiny", "storage", f"{tiny.parent}:/notes").code == 0
    ran = command("grants", "add", "tiny", "storage", f"folder={tiny.parent}", "guest=/notes", "write=true")
    assert f"guest=/notes write=true, instead of {first}\n" in ran.out
    assert read(tiny / "grants.toml").entries["tiny"].grants == (Storage(tiny.parent, "/notes", write=True),)
    assert "without effect" not in command("grants", "explain", "tiny").out


def test_a_grant_behind_another_one_is_told_to_have_no_effect(command: Command, tiny: Path) -> None:
    (tiny / "mcp-wasm.toml").write_text("bundled = false\n[grants.tiny.clock]\nmode = 'fixed'\n")
    (tiny / "mcp-wasm.toml").chmod(0o600)
    ran = command("grants", "add", "tiny", "clock", "coarse")
    assert "note: that has no effect, since an earlier grant decides: clock mode=fixed" in ran.err
    assert "\nwithout effect: clock mode=coarse" in command("grants", "explain", "tiny").out
    command("grants", "add", "tiny", "random", "--tool", "tiny_add")
    ran = command("grants", "add", "tiny", "random", "seed=1")
    assert "note: for tiny_add that has no effect" in ran.err


def test_bytes_that_no_folder_has_are_named_by_their_digest(command: Command, tiny: Path) -> None:
    assert command("grants", "add", "ghost", "clock", "--digest", "a" * 64).code == 0
    assert f"granted to sha256 {'a' * 64}" in command("grants", "show").out
    assert command("grants", "approve", "ghost", "--digest", "b" * 64).code == 0
    assert f"granted to sha256 {'b' * 64}" in command("grants", "show").out
