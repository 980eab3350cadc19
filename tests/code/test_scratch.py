"""The folder of a run: what goes in, what comes out, and what a guest plants in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_wasm.code import scratch as scratches
from mcp_wasm.code.contract import FILE_BYTES, FILES
from mcp_wasm.code.scratch import Scratch, Spares, check, told
from mcp_wasm.errors import InvalidArguments, StorageExceeded
from mcp_wasm.sandbox.report import Report


def names(scratch: Scratch) -> list[str]:
    return [each.path for each in scratch.collect()[0]]


def test_what_went_in_does_not_come_out_unless_it_was_changed() -> None:
    with Scratch({"a.txt": b"one", "data/b.txt": b"two"}) as scratch:
        assert (scratch.folder / "data" / "b.txt").read_bytes() == b"two"
        assert names(scratch) == []
        (scratch.folder / "data" / "b.txt").write_bytes(b"other")
        (scratch.folder / "new.txt").write_bytes(b"new")
        produced, left_out = scratch.collect()
        assert [(each.path, each.content) for each in produced] == [
            ("data/b.txt", b"other"),
            ("new.txt", b"new"),
        ]
        assert not left_out
        assert names(scratch) == []
    assert not scratch.folder.exists()


def test_no_link_is_followed_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with Scratch({}) as scratch:
        (scratch.folder / "link").symlink_to(tmp_path / "secret")
        (scratch.folder / "folder").symlink_to(tmp_path)
        os.mkfifo(scratch.folder / "pipe")
        assert scratch.collect() == ((), ())
        scratch.put({"link": b"mine", "folder/secret": b"mine"})
        assert (tmp_path / "secret").read_text() == "secret"
        assert (scratch.folder / "folder" / "secret").read_bytes() == b"mine"


def test_a_folder_in_the_way_of_a_file_is_replaced() -> None:
    with Scratch({"a/b/c": b"1"}) as scratch:
        scratch.put({"a": b"2"})
        assert (scratch.folder / "a").read_bytes() == b"2"


def test_a_folder_that_was_left_empty_serves_the_next_run_as_if_it_were_new() -> None:
    spares = Spares()
    with Scratch({}, spares) as first:
        os.utime(first.folder, (1, 1))
        (first.folder / "note").touch()
        (first.folder / "note").unlink()
    with Scratch({}, spares) as second, Scratch({}, spares) as other:
        assert second.folder == first.folder
        assert other.folder != second.folder
        assert second.folder.stat().st_mtime > 1
        assert second.folder.stat().st_atime > 1
    assert second.folder.is_dir()
    spares.close()
    assert not second.folder.exists()
    assert not other.folder.exists()


def test_a_folder_in_which_anything_was_left_is_removed() -> None:
    spares = Spares()
    with Scratch({"data/a": b"1"}, spares) as given:
        pass
    with Scratch({}, spares) as written:
        (written.folder / "folder").mkdir()
    with Scratch({}, spares) as grown:
        for number in range(1000):
            (grown.folder / f"{number} {'x' * 200}").touch()
        for path in list(grown.folder.iterdir()):
            path.unlink()
        larger = grown.folder.stat().st_size
    with Scratch({}, spares) as gone:
        gone.folder.rmdir()
    with Scratch({}, spares) as new:
        assert new.folder not in {given.folder, written.folder, gone.folder}
        assert new.folder.stat().st_size == larger or new.folder != grown.folder
    spares.close()


def test_no_more_empty_folders_are_kept_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratches, "_SPARE", 1)
    spares = Spares()
    with Scratch({}, spares) as one, Scratch({}, spares) as two:
        pass
    assert [one.folder.exists(), two.folder.exists()] == [False, True]
    late = Scratch({}, spares)
    spares.close()
    late.close()
    assert not late.folder.exists()


def test_as_many_files_come_out_as_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratches, "FILE_BYTES", 10)
    with Scratch({}) as scratch:
        for number in range(FILES):
            (scratch.folder / f"{number:03}").write_bytes(b"")
        produced, left_out = scratch.collect()
        assert (len(produced), left_out) == (FILES, ())
    with Scratch({}) as scratch:
        for number in range(FILES + 1):
            (scratch.folder / f"{number:03}").write_bytes(b"")
        produced, left_out = scratch.collect()
        assert (len(produced), left_out) == (FILES, (f"files after the first {FILES}",))
    with Scratch({}) as scratch:
        (scratch.folder / "a").write_bytes(b"x" * 10)
        (scratch.folder / "b").write_bytes(b"x")
        produced, left_out = scratch.collect()
        assert [each.path for each in produced] == ["a"]
        assert left_out == ("the file b (1 bytes; 10 for all files)",)


@pytest.mark.parametrize("name", ["a", "a/b.txt", "ä ö.txt", "x" * 200, "a/b/c/d/e/f/g/h"])
def test_plain_names_go_in(name: str) -> None:
    check("run_code", {name: b""})


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        ".",
        "a\0b",
        "a\\b",
        "a\nb",
        "x" * 201,
        "a/" * 8 + "a",
    ],
)
def test_other_names_do_not(name: str) -> None:
    with pytest.raises(InvalidArguments, match="a relative path such as"):
        check("run_code", {name: b""})


def test_files_are_bounded_by_number_and_size() -> None:
    check("run_code", {str(number): b"" for number in range(FILES)})
    with pytest.raises(InvalidArguments, match=f"at most {FILES} files"):
        check("run_code", {str(number): b"" for number in range(FILES + 1)})
    check("run_code", {"a": bytes(FILE_BYTES)})
    with pytest.raises(InvalidArguments, match="bytes in all"):
        check("run_code", {"a": bytes(FILE_BYTES), "b": b"1"})
    with pytest.raises(InvalidArguments, match="a file or a folder of one name"):
        check("run_code", {"a": b"", "a/b": b""})


def test_what_was_over_the_quota_is_not_told_to_be_there_still() -> None:
    error = StorageExceeded(10, 20, "What was written is still there; a person can remove files.")
    error.report = Report("d")
    with pytest.raises(StorageExceeded) as caught, told():
        raise error
    assert (caught.value.allowed, caught.value.used, caught.value.report) == (10, 20, error.report)
    assert "still there" not in str(caught.value)
    assert "among the run's files" in str(caught.value)
