"""Watched folders: what appears is published, what changes is replaced, what goes away goes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.errors import CallerError
from mcp_wasm.registry import folders
from mcp_wasm.registry.sources import Source
from mcp_wasm.registry.tool import Component
from mcp_wasm.runtime import Runtime

PATIENCE = 15.0
ADD = {"a": 2, "b": 3}


class Watched:
    """A runtime that watches ``folder``; ``until`` waits for its tools to become what they should."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime, self.folder = runtime, folder
        self._changed = threading.Condition()
        runtime.subscribe(self._hear)

    def _hear(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def until(self, true: Callable[[], bool]) -> None:
        with self._changed:
            while not true():
                self._changed.wait(0.05)  # refusals are not announced

    def tools(self) -> list[str]:
        return [tool.name for tool in self.runtime.tools]

    def refusals(self) -> dict[str, str]:
        return {path.name: refused.reason for path, refused in self.runtime.refused.items()}


def text(function: str, constant: int) -> str:
    return f"""(component
        (core module $m (func (export "f") (result i32) (i32.const {constant})))
        (core instance $i (instantiate $m))
        (func (export "{function}") (result s32) (canon lift (core func $i "f"))))"""


@pytest.fixture
def watched(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(folders, "_SCAN_S", 0.02)
    folder = tmp_path / "components"
    folder.mkdir()
    (folder / "first.wat").write_text(text("get", 1))
    with Runtime(home=home) as runtime:
        made = Watched(runtime, folder)
        runtime.watch([folder])
        yield made


def test_what_is_there_is_published_at_once(watched: Watched) -> None:
    assert watched.tools() == ["first_get"]
    with pytest.raises(CallerError, match="watches folders already"):
        watched.runtime.watch([watched.folder])


def test_a_new_file_is_published_and_a_removed_one_is_not_any_more(watched: Watched) -> None:
    (watched.folder / "second.wat").write_text(text("get", 2))
    watched.until(lambda: watched.tools() == ["first_get", "second_get"])
    (watched.folder / "first.wat").unlink()
    watched.until(lambda: watched.tools() == ["second_get"])


def test_a_replaced_file_is_another_version_under_the_same_name(watched: Watched) -> None:
    before = watched.runtime.component("first").digest
    assert watched.runtime.call_sync("first_get", {}).value == 1
    (watched.folder / "first.wat").write_text(text("get", 7))
    watched.until(lambda: watched.runtime.component("first").digest != before)
    assert watched.runtime.call_sync("first_get", {}).value == 7


def test_a_half_written_file_is_refused_and_the_whole_one_published(watched: Watched) -> None:
    whole = text("get", 3)
    path = watched.folder / "slow.wat"
    path.write_text(whole[: len(whole) // 2])
    watched.until(lambda: "slow.wat" in watched.refusals())
    assert "does not assemble" in watched.refusals()["slow.wat"]
    assert watched.tools() == ["first_get"]
    path.write_text(whole)
    watched.until(lambda: "slow_get" in watched.tools())
    assert watched.refusals() == {}


def test_a_file_that_becomes_broken_is_taken_away(watched: Watched) -> None:
    (watched.folder / "first.wat").write_text("(component")
    watched.until(lambda: watched.tools() == [])
    (watched.folder / "first.wat").write_text(text("again", 1))
    watched.until(lambda: watched.tools() == ["first_again"])


def test_a_manifest_that_appears_renames_its_component(watched: Watched) -> None:
    (watched.folder / "first.toml").write_text('name = "renamed"')
    watched.until(lambda: watched.tools() == ["renamed_get"])
    (watched.folder / "first.toml").unlink()
    watched.until(lambda: watched.tools() == ["first_get"])


def test_a_name_taken_is_refused_and_given_on_when_it_is_free(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_SCAN_S", 0.02)
    one, other = tmp_path / "one", tmp_path / "other"
    for constant, folder in enumerate((one, other), 1):
        folder.mkdir()
        (folder / "same.wat").write_text(text("get", constant))
    with Runtime(home=home) as runtime:
        watched = Watched(runtime, one)
        runtime.watch([one, other])
        assert runtime.component("same").source == one / "same.wat"
        assert watched.refusals() == {"same.wat": f"the name same is taken by {one / 'same.wat'}"}
        shutil.rmtree(one)
        watched.until(lambda: not watched.refusals())
        assert runtime.component("same").source == other / "same.wat"
        assert runtime.call_sync("same_get", {}).value == 2


def test_one_bad_file_hides_no_other(home: Path, tmp_path: Path) -> None:
    bad: dict[str, bytes] = {
        "core.wasm": b"\0asm\x01\0\0\0",
        "cut.wasm": b"\0asm\x0d\0\x01",
        "empty.wasm": b"",
        "text.wat": b"(component" * 1000,
        "deep.wat": b"(" * 200_000,
        "binary.wat": b"\xff\xfe\xfd",
        "nul.wat": b"\0" * 1000,
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "deep.toml").write_bytes(b"x = " + b"[" * 5000)
    (tmp_path / "good.wat").write_text(text("get", 1))
    with Runtime(home=home) as runtime:
        runtime.watch([tmp_path])
        assert [tool.name for tool in runtime.tools] == ["good_get"]
        assert {path.name for path in runtime.refused} == bad.keys()


def test_a_surprise_in_one_file_hides_no_other(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad.wat").write_text(text("get", 1))
    (tmp_path / "good.wat").write_text(text("get", 1))
    with Runtime(home=home) as runtime:
        publish = runtime._folders._publish

        def surprise(found: Source) -> Component:
            if found.path.stem == "bad":
                raise ValueError("surprise")
            return publish(found)

        runtime._folders._publish = surprise
        runtime.watch([tmp_path])
        assert [tool.name for tool in runtime.tools] == ["good_get"]
        assert "the log has the details" in str(runtime.refused[tmp_path / "bad.wat"])
    assert "surprise" in caplog.text


def test_what_was_removed_by_hand_stays_away_until_its_file_changes(watched: Watched) -> None:
    watched.runtime.remove("first")
    (watched.folder / "second.wat").write_text(text("get", 2))
    watched.until(lambda: "second_get" in watched.tools())
    assert watched.tools() == ["second_get"]
    (watched.folder / "first.wat").write_text(text("back", 1))
    watched.until(lambda: watched.tools() == ["first_back", "second_get"])


def test_a_component_added_by_hand_is_not_taken_away_with_a_file(watched: Watched, tmp_path: Path) -> None:
    watched.runtime.remove("first")
    (tmp_path / "mine.wat").write_text(text("mine", 1))
    watched.runtime.add(tmp_path / "mine.wat", name="first")
    (watched.folder / "second.wat").write_text(text("get", 2))
    (watched.folder / "first.wat").unlink()
    watched.until(lambda: "second_get" in watched.tools())
    assert watched.tools() == ["first_mine", "second_get"]


def test_closing_ends_the_watcher(home: Path, tmp_path: Path) -> None:
    before = threading.active_count()
    with Runtime(home=home) as runtime:
        runtime.watch([tmp_path])
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
