"""Ways out of a granted folder, tried by a guest that may write there: none of them leads anywhere."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Storage
from tests.sandbox.host.granted import Guest

Make = Callable[..., Guest]


def text(value: object) -> str:
    assert isinstance(value, str)
    return base64.b64decode(value).decode()


ESCAPES = [
    "..",
    "../outside.txt",
    "../inside/a.txt",
    "sub/../../outside.txt",
    "/etc/passwd",
    "//etc/passwd",
    "absolute",
    "relative",
    "folder/passwd",
    "up/outside.txt",
    "up/inside/a.txt",
    "chain",
    "sub/deep",
]


@pytest.fixture
def trapped(inside: Path) -> Path:
    """The folder with links in it that lead out."""
    (inside / "absolute").symlink_to("/etc/passwd")
    (inside / "relative").symlink_to("../outside.txt")
    (inside / "folder").symlink_to("/etc")
    (inside / "up").symlink_to("..")
    (inside / "chain").symlink_to("relative")
    (inside / "sub" / "deep").symlink_to("../../outside.txt")
    (inside / "dangling").symlink_to("../made-outside")
    return inside


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("write", [False, True])
def test_no_path_leads_out(guest: Make, trapped: Path, path: str, write: bool) -> None:
    files_ = guest(Storage(trapped, "/data", write=write))
    answer = files_("read", dir=0, path=path)
    assert answer.code == "not-permitted"
    assert answer.loud
    assert files_("write", dir=0, path=path, size=3).code == "not-permitted"
    assert (trapped.parent / "outside.txt").read_text() == "SECRET"


def test_a_dangling_link_makes_nothing_outside(guest: Make, trapped: Path) -> None:
    files_ = guest(Storage(trapped, "/data", write=True))
    assert files_("write", dir=0, path="dangling", size=3).code == "not-permitted"
    assert not (trapped.parent / "made-outside").exists()


def test_links_inside_are_followed(guest: Make, inside: Path) -> None:
    (inside / "sub" / "link").symlink_to("../a.txt")
    assert text(guest(Storage(inside, "/data"))("read", dir=0, path="sub/link").value) == "hello"


@pytest.mark.parametrize("target", ["../outside.txt", "../../etc/passwd", "..", "sub/../../outside.txt"])
def test_a_planted_link_is_no_way_out(guest: Make, inside: Path, target: str) -> None:
    files_ = guest(Storage(inside, "/data", write=True))
    assert files_("point", dir=0, old=target, new="planted").code == ""
    for path in ("planted", "planted/outside.txt"):
        assert files_("read", dir=0, path=path).code == "not-permitted"
        assert files_("write", dir=0, path=path, size=3).code == "not-permitted"
    assert (inside.parent / "outside.txt").read_text() == "SECRET"


def test_an_absolute_link_cannot_be_planted(guest: Make, inside: Path) -> None:
    files_ = guest(Storage(inside, "/data", write=True))
    assert files_("point", dir=0, old="/etc/passwd", new="planted").code == "not-permitted"
    assert not (inside / "planted").is_symlink()


def test_a_link_moved_to_another_folder_leads_no_further(guest: Make, inside: Path, tmp_path: Path) -> None:
    other = tmp_path / "deep" / "er" / "other"
    other.mkdir(parents=True)
    both = guest(Storage(inside, "/one", write=True), Storage(other, "/two", write=True))
    # In the first folder it leads to a file in it; in the second to what lies beside that.
    (inside / "sub" / "link").symlink_to("../a.txt")
    (other.parent / "a.txt").write_text("SECRET")
    assert both("move", dir=0, old="sub/link", to=1, new="link").value == 0
    assert both("read", dir=1, path="link").code == "not-permitted"


@pytest.mark.parametrize("old", ["../outside.txt", "/etc/passwd", "up/outside.txt"])
def test_nothing_outside_is_linked_or_moved_in(guest: Make, trapped: Path, old: str) -> None:
    files_ = guest(Storage(trapped, "/data", write=True))
    assert files_("tie", dir=0, old=old, to=0, new="in").code == "not-permitted"
    assert files_("move", dir=0, old=old, to=0, new="in").code == "not-permitted"
    assert files_("move", dir=0, old="a.txt", to=0, new="../moved").code == "not-permitted"
    assert files_("tie", dir=0, old="a.txt", to=0, new="up/tied").code == "not-permitted"
    assert sorted(path.name for path in trapped.parent.iterdir()) == ["elsewhere", "inside", "outside.txt"]


def test_a_hard_link_in_the_folder_is_a_file_in_the_folder(guest: Make, inside: Path) -> None:
    # Documented: who made it put the file there.
    (inside / "hard").hardlink_to(inside.parent / "outside.txt")
    assert text(guest(Storage(inside, "/data"))("read", dir=0, path="hard").value) == "SECRET"


def test_a_race_of_a_folder_and_a_link_wins_nothing(guest: Make, inside: Path) -> None:
    (inside / "real").mkdir()
    (inside / "real" / "s").write_text("inside")
    (inside / "link").symlink_to("../elsewhere")
    (inside / "real").rename(inside / "x")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            (inside / "x").rename(inside / "real")
            (inside / "link").rename(inside / "x")
            (inside / "x").rename(inside / "link")
            (inside / "real").rename(inside / "x")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        files_ = guest(Storage(inside, "/data", write=True))
        assert files_("spy", dir=0, path="x/s", byte=ord("S"), times=3000).value == 0
    finally:
        over.set()
        swapping.join()
    assert guest(Storage(inside, "/data"))("spy", dir=0, path="x/s", byte=ord("i"), times=10).value == 10
