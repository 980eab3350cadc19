"""Reading what a model named: nothing but plain files in the folders that a person named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_wasm.errors import InvalidArguments
from mcp_wasm.server.loading import read_within

CONTENT = b"what may be read"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ok.wasm and sub/ok.wasm, and everything that leads out of it."""
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    for path in (inside / "ok.wasm", inside / "sub" / "ok.wasm"):
        path.write_bytes(CONTENT)
    (tmp_path / "outside.wasm").write_bytes(b"what nobody may read")
    (inside / "link.wasm").symlink_to(tmp_path / "outside.wasm")
    (inside / "own.wasm").symlink_to(inside / "ok.wasm")
    (inside / "linked").symlink_to(tmp_path)
    (inside / "ok.wat").write_bytes(CONTENT)
    (inside / "folder.wasm").mkdir()
    os.mkfifo(inside / "pipe.wasm")
    (tmp_path / "inside2").mkdir()
    (tmp_path / "inside2" / "ok.wasm").write_bytes(CONTENT)
    return inside


@pytest.mark.parametrize(
    "path", ["ok.wasm", "sub/ok.wasm", "./ok.wasm", "sub//ok.wasm", "{folder}/sub/ok.wasm"]
)
def test_a_file_in_the_folder_is_read(folder: Path, path: str) -> None:
    assert read_within([folder], path.format(folder=folder), "load", 100) == CONTENT


@pytest.mark.parametrize(
    "path",
    [
        "../outside.wasm",
        "sub/../../outside.wasm",
        "sub/../ok.wasm",
        "{folder}/../outside.wasm",
        "{folder}2/ok.wasm",
        "/etc/passwd",
        "{folder.parent}/outside.wasm",
        "link.wasm",
        "own.wasm",
        "linked/outside.wasm",
        "linked/inside/ok.wasm",
        "folder.wasm",
        "sub",
        ".",
        "..",
        "",
        "sub/ok.wasm\0",
        "ok.wat",
        "pipe.wasm",
        "missing.wasm",
        "~/ok.wasm",
        "$HOME/ok.wasm",
        "file:///ok.wasm",
        "x" * 5000 + ".wasm",
        "x" * 300 + ".wasm",
        "a/" * 100 + "ok.wasm",
        "\ud800.wasm",
    ],
)
def test_nothing_else_is(folder: Path, path: str) -> None:
    with pytest.raises(InvalidArguments, match="/path: expected the path of a ") as refused:
        read_within([folder], path.format(folder=folder), "load", 100)
    # Whether something is there, and why it cannot be read, is nobody's business.
    assert str(refused.value).endswith(("got one that is none of these", "got another text"))


def test_a_folder_that_is_swapped_for_a_link_is_not_followed(folder: Path) -> None:
    (folder / "sub" / "ok.wasm").unlink()
    (folder / "sub").rmdir()
    (folder / "sub").symlink_to(folder.parent)
    with pytest.raises(InvalidArguments):
        read_within([folder], "sub/outside.wasm", "load", 100)


def test_of_several_folders_the_first_that_has_it_counts(folder: Path) -> None:
    other = folder.parent / "inside2"
    (other / "more.wasm").write_bytes(b"more")
    assert read_within([folder, other], "more.wasm", "load", 100) == b"more"
    assert read_within([folder, other], f"{other}/ok.wasm", "load", 100) == CONTENT


def test_a_file_has_at_most_so_many_bytes(folder: Path) -> None:
    assert read_within([folder], "ok.wasm", "load", len(CONTENT)) == CONTENT
    with pytest.raises(InvalidArguments, match="a file of at most 15 bytes"):
        read_within([folder], "ok.wasm", "load", len(CONTENT) - 1)


def test_no_descriptor_is_left_open(folder: Path) -> None:
    before = set(Path("/dev/fd").iterdir())
    for path in (
        "ok.wasm",
        "sub/ok.wasm",
        "link.wasm",
        "linked/outside.wasm",
        "pipe.wasm",
        "sub/missing.wasm",
    ):
        try:
            read_within([folder], path, "load", 100)
        except InvalidArguments:
            continue
    assert set(Path("/dev/fd").iterdir()) == before
