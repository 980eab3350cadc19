"""The quota of a granted folder, from both sides; how it is measured, and by whom."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Storage
from mcp_wasm.errors import StorageExceeded
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import folders, quota
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.guests import ENDLESS
from tests.sandbox.host.granted import Answer, Guest

K = folders.ENTRY


@pytest.fixture
def runtime(home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, limits=Limits(fuel=ENDLESS)) as made:
        made.add(program("files"))
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def measured(path: Path, bound: int = 10**9) -> folders.Usage:
    descriptor = folders.open_folder(path)
    try:
        return folders.measure(descriptor, bound)
    finally:
        os.close(descriptor)


BEFORE: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def others() -> None:
    """Runtimes that other tests of the session share have threads of their own."""
    BEFORE.clear()
    BEFORE.update(threading.enumerate())


def threads() -> list[str]:
    new = (thread.name for thread in threading.enumerate() if thread not in BEFORE)
    return [name for name in new if name == "mcp-wasm quotas"]


def test_one_byte_decides(runtime: Runtime, folder: Path) -> None:
    grant = Storage(folder, "/data", write=True, quota=3 * K)
    files = Guest(runtime, "files", grant)
    assert files("write", dir=0, path="a", size=2 * K).value == 2 * K
    assert files("write", dir=0, path="b", size=K).value == K
    assert measured(folder) == folders.Usage(3 * K)
    over = Guest(runtime, "files", replace(grant, quota=3 * K - 1))("read", dir=0, path="a")
    assert over.loud == [
        f"write /data: its grant is only readable: {3 * K:,} bytes lie there, "
        f"and its quota is {3 * K - 1:,} bytes"
    ]
    exceeded = files("write", dir=0, path="a", size=2 * K + 1)
    assert isinstance(exceeded.error, StorageExceeded)
    assert exceeded.error.allowed == 3 * K
    assert exceeded.error.used is not None
    assert exceeded.error.used > 3 * K
    assert "It is the quota of /data" in str(exceeded.error)
    assert str(folder) not in str(exceeded.error)


def test_a_flood_is_stopped_while_it_comes(runtime: Runtime, folder: Path) -> None:
    grant = Storage(folder, "/data", write=True, quota=64 * K)
    answer = Guest(runtime, "files", grant)("fill", dir=0, path="big")
    assert isinstance(answer.error, StorageExceeded)
    assert answer.error.used is not None
    assert 64 * K < answer.error.used <= (folder / "big").stat().st_size + K
    assert threads() == ["mcp-wasm quotas"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of files without a name")
def test_a_flood_into_a_file_without_a_name_is_stopped_too(runtime: Runtime, folder: Path) -> None:
    grant = Storage(folder, "/data", write=True, quota=1 << 24)
    answers: list[Answer] = []
    files = Guest(runtime, "files", grant)
    flood = threading.Thread(target=lambda: answers.append(files("fill", dir=0, path="big")))
    flood.start()
    while flood.is_alive() and not (folder / "big").exists():
        pass
    (folder / "big").unlink()
    flood.join()
    assert isinstance(answers[0].error, StorageExceeded)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of files without a name")
def test_files_without_a_name_count_for_the_folder_that_they_were_in(folder: Path, tmp_path: Path) -> None:
    def inside() -> int:
        descriptor = folders.open_folder(folder)
        try:
            return folders.unlinked(descriptor)
        finally:
            os.close(descriptor)

    beside = tmp_path / "folder2"
    for place in (folder / "below", beside):
        place.mkdir()
    opened = [(place / "a").open("wb") for place in (folder, folder / "below", beside)]
    for file in opened:
        file.write(b"x" * (2 * K))
        file.flush()
    assert inside() == 0
    for file in opened:
        Path(file.name).unlink()
    (folder / "below").rmdir()
    assert inside() == 4 * K
    for file in opened:
        file.close()
    assert inside() == 0


def test_a_flood_is_stopped_in_a_call_that_follows_another_too(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the thread is not woken, since it looks around by itself for a while; after that it is."""
    for linger in (600.0, 0.0):
        monkeypatch.setattr(quota, "_LINGER", linger)
        files = Guest(runtime, "files", Storage(folder, "/data", write=True, quota=64 * K))
        assert files("write", dir=0, path="a", size=1).value == 1
        assert isinstance(files("fill", dir=0, path="big").error, StorageExceeded)
        (folder / "big").unlink()


def test_a_folder_over_its_quota_is_only_read(runtime: Runtime, folder: Path) -> None:
    (folder / "a").write_bytes(b"x" * 2 * K)
    grant = Storage(folder, "/data", write=True, quota=K, rule="grants.files.storage[0]")
    files = Guest(runtime, "files", grant)
    assert files("read", dir=0, path="a").code == ""
    answer = files("write", dir=0, path="b", size=1)
    assert answer.code == "not-permitted"
    assert answer.loud[-1] == "write b in /data: grants.files.storage[0] is only readable in this call"
    assert all(denial.grant is None for denial in answer.denials)
    assert files("remove", dir=0, path="a").code in {"not-permitted", "read-only"}
    (folder / "a").unlink()
    assert files("write", dir=0, path="b", size=1).value == 1


def test_a_size_without_content_counts(runtime: Runtime, folder: Path) -> None:
    grant = Storage(folder, "/data", write=True, quota=10**6)
    files = Guest(runtime, "files", grant)
    assert files("resize", dir=0, path="sparse", size=10**6).value == 0
    answer = files("resize", dir=0, path="sparse", size=10**12)
    assert isinstance(answer.error, StorageExceeded)
    assert answer.error.used == 10**12
    assert (folder / "sparse").stat().st_blocks == 0


def test_a_million_files_are_stopped_long_before(runtime: Runtime, folder: Path) -> None:
    grant = Storage(folder, "/data", write=True, quota=20 * K)
    answer = Guest(runtime, "files", grant)("litter", dir=0)
    assert isinstance(answer.error, StorageExceeded)
    assert "there are more than 20 files and folders" in str(answer.error)
    assert 20 < len(list(folder.iterdir())) < 65_536


def test_folders_in_folders_without_end_are_stopped(runtime: Runtime, folder: Path) -> None:
    grant = Storage(folder, "/data", write=True)
    files = Guest(runtime, "files", grant)
    answer = files("burrow", dir=0, times=folders.DEEPEST)
    assert answer.value == folders.DEEPEST
    deeper = Guest(runtime, "files", Storage(folder / "d", "/data", write=True))
    assert deeper("read", dir=0, path="x").code == "no-entry"
    (folder / "d").rename(folder / "e")
    answer = files("burrow", dir=0, times=folders.DEEPEST + 1)
    assert isinstance(answer.error, StorageExceeded)
    assert f"nested deeper than {folders.DEEPEST}" in str(answer.error)


def test_without_a_quota_nothing_is_measured(runtime: Runtime, folder: Path) -> None:
    (folder / "a").write_bytes(b"x" * 10 * K)
    files = Guest(runtime, "files", Storage(folder, "/data", write=True, quota=None))
    assert files("write", dir=0, path="b", size=60_000).value == 60_000
    assert threads() == []


def test_one_thread_watches_for_all_calls_and_ends_with_the_runtime(
    home: Path, folder: Path, program: Callable[[str], Path]
) -> None:
    with Runtime(home=home, limits=Limits(fuel=ENDLESS)) as runtime:
        runtime.add(program("files"))
        files = Guest(runtime, "files", Storage(folder, "/data", write=True))
        assert threads() == []
        calls = [
            threading.Thread(target=files, args=("write",), kwargs={"dir": 0, "path": f"{n}", "size": 9})
            for n in range(8)
        ]
        for call in calls:
            call.start()
        for call in calls:
            call.join()
        assert threads() == ["mcp-wasm quotas"]
    assert threads() == []
    assert len(list(folder.iterdir())) == 8


def test_descriptors_are_given_back(runtime: Runtime, folder: Path) -> None:
    files = Guest(runtime, "files", Storage(folder, "/data", write=True, quota=8 * K))
    files("write", dir=0, path="a", size=1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        files("write", dir=0, path="a", size=1)
        files("write", dir=0, path="big", size=60_000)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_links_are_counted_and_never_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 100 * K)
    (folder / "file").symlink_to(tmp_path / "large")
    (folder / "folder").symlink_to("/")
    (folder / "itself").symlink_to(".")
    (folder / "dangling").symlink_to("nowhere")
    assert measured(folder) == folders.Usage(4 * K)


def test_files_and_folders_count_at_least_an_entry(folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "empty").touch()
    (folder / "full").write_bytes(b"x" * (K + 1))
    usage = measured(folder)
    assert usage == folders.Usage(2 * K + (folder / "full").stat().st_blocks * 512)
    assert measured(folder, 3 * K).stopped == ""
    assert measured(folder, 2 * K).stopped == "there are more than 2 files and folders"


def test_what_is_replaced_after_it_was_opened_stays_what_it_was(folder: Path, tmp_path: Path) -> None:
    (folder / "mine").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").touch()
    descriptor = folders.open_folder(folder)
    try:
        folder.rename(tmp_path / "gone")
        folder.symlink_to(tmp_path / "elsewhere")
        assert [path.name for path in Path(folders.path_of(descriptor, folder)).iterdir()] == ["mine"]
        assert folders.measure(descriptor, 10 * K) == folders.Usage(K)
    finally:
        os.close(descriptor)
