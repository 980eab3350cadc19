"""Ways out of a granted folder, tried by a guest that may write there: none of them leads anywhere."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Storage
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import folders
from tests.sandbox.host.granted import Answer, Guest

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


@pytest.mark.parametrize("place", ["home", "over/home", "folder/home", "first/home"])
def test_a_home_that_a_link_leads_to_cannot_be_put_elsewhere(
    tmp_path: Path, program: Callable[[str], Path], place: str
) -> None:
    """A guest that replaces a link on the way says what the policy is, from the next call on."""
    shared, real = tmp_path / "shared", tmp_path / "real"
    (shared / "folder").mkdir(parents=True)
    (real / "home").mkdir(parents=True)
    (shared / "home").symlink_to(real / "home")
    (shared / "over").symlink_to("../real")
    (shared / "folder" / "home").symlink_to("../../real/home")
    (shared / "second").symlink_to(real)
    (tmp_path / "first").symlink_to("shared/second")  # only the second link is in the guest's folder
    home = tmp_path / place if place == "first/home" else shared / place
    with Runtime(home=home) as runtime:
        runtime.add(program("files"))
        for grant in (Storage(shared, "/data", write=True), Storage(tmp_path, "/data", write=True)):
            answer = Guest(runtime, "files", grant)("write", dir=0, path="new", size=1)
            assert answer.code == "not-permitted"
            assert "its grants included" in answer.loud[0]
        other = tmp_path / "other"
        other.mkdir()
        granted = Guest(runtime, "files", Storage(other, "/data", write=True))
        assert granted("write", dir=0, path="new", size=1).value == 1


def test_links_in_a_circle_on_the_way_to_the_home_are_not_followed_for_ever(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert {Path(entry).name for entry in folders.looked_up(tmp_path / "a" / "x")} >= {"a", "b"}
    assert list(folders.looked_up(Path("/a/../b"))) == ["/a", "/b"]


def test_a_guest_may_not_write_beside_the_settings_that_a_server_obeys(
    tmp_path: Path, program: Callable[[str], Path]
) -> None:
    """Settings grant as the policy does: what a guest writes there holds when a server starts again."""
    project, user = tmp_path / "project", tmp_path / "user"
    (project / "data").mkdir(parents=True)
    (user / "x").mkdir(parents=True)
    settings = project / "mcp-wasm.toml"
    settings.touch()
    with Runtime(home=tmp_path / "home") as runtime:
        runtime.services.guarded = (settings, user / ".mcp-wasm")
        runtime.add(program("files"))

        def write(folder: Path) -> Answer:
            return Guest(runtime, "files", Storage(folder, "/data", write=True))(
                "write", dir=0, path="new", size=1
            )

        for folder, named in ((project, settings), (user, user / ".mcp-wasm")):
            answer = write(folder)
            assert answer.code == "not-permitted"
            assert f"only readable: {named} lies there" in answer.loud[0]
        assert write(project / "data").value == 1
        assert write(user / "x").value == 1
