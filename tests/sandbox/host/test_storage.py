"""Folders that were granted: what a guest can do there, and that it gets no further."""

from __future__ import annotations

import base64
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Grant, Storage
from mcp_wasm.sandbox.host.holdings import Growth, Opened
from tests.sandbox.host.granted import Guest

Make = Callable[..., Guest]


def text(value: object) -> str:
    assert isinstance(value, str)
    return base64.b64decode(value).decode()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_granted_folder_is_read_and_written(guest: Make, inside: Path) -> None:
    files_ = guest(Storage(inside, "/data", write=True))
    assert text(files_("read", dir=0, path="a.txt").value) == "hello"
    assert files_("write", dir=0, path="sub/new", size=10).value == 10
    assert (inside / "sub" / "new").stat().st_size == 10
    assert files_("make", dir=0, path="more").value == 0
    assert files_("remove", dir=0, path="a.txt").value == 0
    assert not (inside / "a.txt").exists()


def test_a_folder_to_read_is_not_written(guest: Make, inside: Path) -> None:
    reads = guest(Storage(inside, "/data", rule="grants.files.storage[0]"))
    assert text(reads("read", dir=0, path="a.txt").value) == "hello"
    answer = reads("write", dir=0, path="a.txt", size=1)
    assert answer.code == "not-permitted"
    assert answer.loud == ["write a.txt in /data: grants.files.storage[0] allows only reading"]
    assert answer.denials[0].grant == Storage(inside, "/data", write=True)
    for function, more in (
        ("make", {"path": "x"}),
        ("remove", {"path": "a.txt"}),
        ("remove_folder", {"path": "sub"}),
        ("resize", {"path": "a.txt", "size": 1}),
        ("point", {"old": "a.txt", "new": "x"}),
        ("move", {"old": "a.txt", "to": 0, "new": "x"}),
        ("tie", {"old": "a.txt", "to": 0, "new": "x"}),
    ):
        assert reads(function, dir=0, **more).code in {"not-permitted", "read-only"}, function
    assert sorted(path.name for path in inside.iterdir()) == ["a.txt", "sub"]


def test_the_guest_is_told_of_its_folders_and_an_empty_root(guest: Make, inside: Path) -> None:
    assert guest()("folders").value == ["/"]
    granted = guest(Storage(inside, "/data"), Storage(inside / "sub", "/sub"))
    assert granted("folders").value == ["/data", "/sub", "/"]
    assert guest(Storage(inside, "/"))("folders").value == ["/"]


def test_without_a_grant_each_path_is_recorded(guest: Make) -> None:
    nothing = guest()
    read = nothing("read", dir=0, path="home/me/a.txt")
    assert read.code == "no-entry"
    assert read.quiet == ["read /home/me/a.txt: no grant of storage to files"]
    assert read.denials[0].grant == Storage(Path("/home/me"), "/home/me")
    write = nothing("write", dir=0, path="home/me/a.txt", size=1)
    assert write.code == "no-entry"
    assert write.loud == ["write /home/me/a.txt: no grant of storage to files"]
    assert write.denials[0].grant == Storage(Path("/home/me"), "/home/me", write=True)


def test_the_empty_root_is_no_door(guest: Make) -> None:
    nothing = guest()
    for function, more in (
        ("make", {"path": "x"}),
        ("write", {"path": "x", "size": 1}),
        ("resize", {"path": "x", "size": 1}),
        ("remove", {"path": "x"}),
        ("remove_folder", {"path": "x"}),
        ("point", {"old": "/etc", "new": "x"}),
        ("move", {"old": "x", "to": 0, "new": "y"}),
        ("tie", {"old": "x", "to": 0, "new": "y"}),
    ):
        answer = nothing(function, dir=0, **more)
        assert answer.code == "no-entry", function
        assert answer.loud, function
    for path in ("..", "../../etc/passwd", "/etc/passwd", ".", "proc/self/environ"):
        assert nothing("hoard", dir=0, path=path, times=1).value == 0


def test_without_a_place_for_the_empty_root_everything_else_works(
    guest: Make, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(inside / "nothing"))
    assert guest()("folders").value == []
    granted = guest(Storage(inside, "/data"))
    assert granted("folders").value == ["/data"]
    assert granted("read", dir=0, path="nothing").code == "no-entry"


def test_a_path_beside_the_granted_folder_is_recorded(guest: Make, inside: Path) -> None:
    answer = guest(Storage(inside, "/data"))("read", dir=1, path="home/me/a.txt")
    assert answer.quiet == ["read /home/me/a.txt: files has only /data"]
    missing = guest(Storage(inside, "/data"))("read", dir=0, path="nothing")
    assert not missing.denials  # the program's own affair


@pytest.mark.parametrize("path", ["fifo", "link", "socket"])
@pytest.mark.parametrize("write", [False, True])
def test_a_pipe_in_the_folder_holds_no_thread(guest: Make, inside: Path, path: str, write: bool) -> None:
    # Opened by the engine it waited for its other end, past the deadline, until somebody opened that.
    os.mkfifo(inside / "fifo")
    (inside / "link").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(inside, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/socket")  # the whole path may be too long for a socket
        os.close(folder)
        files_ = guest(Storage(inside, "/data", write=True))
        answer = files_("write", dir=0, path=path, size=1) if write else files_("read", dir=0, path=path)
    assert answer.code == "not-permitted"
    assert answer.loud[0].startswith(
        f"{'write' if write else 'read'} {path} in /data: it is no file and no folder"
    )


def test_a_device_in_the_folder_is_not_opened(guest: Make, inside: Path) -> None:
    try:
        os.mknod(inside / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except OSError:
        pytest.skip("no devices can be made here")
    answer = guest(Storage(inside, "/data"))("read", dir=0, path="zero")
    assert "it is no file and no folder" in answer.loud[0]


def test_a_call_has_a_bounded_number_of_open_files(guest: Make, inside: Path) -> None:
    files_ = guest(Storage(inside, "/data"))
    before = descriptors()
    few = files_("hoard", dir=0, path="a.txt", times=Opened.MOST - 10)
    assert (few.value, few.loud) == (Opened.MOST - 10, [])
    many = files_("hoard", dir=0, path="a.txt", times=100_000)
    assert Opened.MOST - 10 < many.value <= Opened.MOST
    assert many.loud == [
        f"opening another file: a call may have {Opened.MOST} files and folders open at once"
    ]
    assert descriptors() <= before + 2


def test_files_that_were_closed_again_do_not_count(guest: Make, inside: Path) -> None:
    answer = guest(Storage(inside, "/data"))("churn", dir=0, path="a.txt", times=4 * Opened.MOST)
    assert (answer.value, answer.loud) == (4 * Opened.MOST, [])


def test_no_guest_gets_a_socket(guest: Make) -> None:
    answer = guest()("sockets", times=10_000)
    assert answer.value == 0
    assert answer.loud[0].startswith("a TCP socket: no guest has sockets")
    assert answer.denials[0].capability == "network"


def unusable(guest: Make, *grants: Grant) -> str:
    answer = guest(*grants)("folders")
    assert answer.value == ["/"]
    (said,) = answer.loud
    return said


def test_a_folder_that_cannot_be_used_is_named(guest: Make, inside: Path) -> None:
    missing = Storage(inside / "nothing" / "here", "/data", rule="grants.files.storage[0]")
    assert unusable(guest, missing) == (
        f"read /data: grants.files.storage[0] cannot be used: {inside}/nothing does not exist"
    )
    assert "a.txt is no folder" in unusable(guest, Storage(inside / "a.txt", "/data"))
    assert "no absolute path" in unusable(guest, Storage(Path("inside"), "/data"))
    assert f"write its real path, {inside}" in unusable(guest, Storage(inside / "sub" / "..", "/data"))


@pytest.mark.parametrize("folder", ["/", "/proc", "/proc/self"])
def test_the_server_s_own_process_is_no_folder_to_grant(guest: Make, folder: str) -> None:
    assert "holds this very process" in unusable(guest, Storage(Path(folder), "/data", write=True))


def test_a_folder_behind_a_link_is_not_opened(guest: Make, inside: Path) -> None:
    # A guest that may write beside it could have made the link.
    link = inside.parent / "link"
    link.symlink_to(inside)
    said = unusable(guest, Storage(link, "/data"))
    assert said.endswith(f"{link} is a symbolic link; if {inside} is meant, write that")
    assert f"if {inside / 'sub'} is meant" in unusable(guest, Storage(link / "sub", "/data"))


def test_the_server_s_own_state_is_never_written(guest: Make, home: Path, inside: Path) -> None:
    for folder in (home.parent, home, home / "cache"):
        answer = guest(Storage(folder, "/data", write=True))("write", dir=0, path="grants.toml", size=3)
        assert answer.code == "not-permitted"
        assert any("the state of this server, its grants included" in said for said in answer.loud)
    assert not (home / "grants.toml").exists()


def test_lists_of_entries_do_not_fill_the_server_s_memory(
    guest: Make, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Unguarded, a folder of 16,000 files made the process grow by 4 GB in 30 s.
    for number in range(300):
        (inside / f"a-file-with-a-longer-name-{number}").touch()
    monkeypatch.setattr(Growth, "MOST", 4 * 1024 * 1024)
    files_ = guest(Storage(inside, "/data"))
    assert files_("leaf", dir=0, times=10).value == 10
    answer = files_("leaf", dir=0, times=20_000)
    assert answer.value is not None
    assert 16 <= answer.value < 20_000
    assert answer.loud == [
        "listing another folder: listing folders has taken more than 4,194,304 bytes of the server's memory"
    ]
