"""What others may do to the files of made tools: whatever is not what was kept is left out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.errors import CallerError, InvalidSettings
from mcp_wasm.runtime import Runtime
from tests.code.made_tools import numbered, wanted


def make(runtime: Runtime, name: str = "words") -> None:
    runtime.made.create(wanted(name, numbered(1)), by="x", client="a")


@pytest.fixture
def kept(home: Path) -> Path:
    """The folder of the one version of a kept tool."""
    with Runtime(home=home) as runtime:
        make(runtime)
        runtime.made.keep("words", by="anna")
    return home / "made" / "words" / "1"


def loaded(home: Path) -> list[str]:
    with Runtime(home=home) as runtime:
        runtime.made.load()
        return [component.name for component in runtime.components]


def _other_source(version: Path) -> None:
    (version / "source.ts").write_text(numbered(2))


def _other_record(version: Path) -> None:
    record = json.loads((version / "tool.json").read_text())
    record["names"] = {"word-count": "other"}
    (version / "tool.json").write_text(json.dumps(record))


def _others_could_write(version: Path) -> None:
    (version / "tool.json").chmod(0o666)


def _others_could_write_the_folder(version: Path) -> None:
    version.chmod(0o777)


def _linked_record(version: Path) -> None:
    (version / "tool.json").rename(version / "real.json")
    (version / "tool.json").symlink_to("real.json")


def _linked_version(version: Path) -> None:
    version.rename(version.with_name("real"))
    version.symlink_to("real")


def _linked_tool(version: Path) -> None:
    real = version.parents[2] / "elsewhere"
    version.parent.rename(real)
    version.parent.symlink_to(real)


def _a_pipe(version: Path) -> None:
    (version / "source.ts").unlink()
    os.mkfifo(version / "source.ts")


def _no_json(version: Path) -> None:
    (version / "tool.json").write_text("[" * 100_000)


def _too_large(version: Path) -> None:
    os.truncate(version / "tool.json", 9 * 1024 * 1024)


def _another_name(version: Path) -> None:
    version.parent.rename(version.parent.with_name("other"))


def _another_number(version: Path) -> None:
    version.rename(version.with_name("7"))


def _another_user(version: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(version / "tool.json", 12345, 12345)


@pytest.mark.parametrize(
    "attack",
    [
        _other_source, _other_record, _others_could_write, _others_could_write_the_folder, _linked_record,
        _linked_version, _linked_tool, _a_pipe, _no_json, _too_large, _another_name, _another_number,
        _another_user,
    ],
)  # fmt: skip
def test_what_is_not_what_was_kept_is_left_out(
    home: Path, kept: Path, attack: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    assert loaded(home) == ["words"]
    attack(kept)
    assert loaded(home) == []
    assert "is left out" in caplog.text
    name = "other" if attack is _another_name else "words"
    with Runtime(home=home) as runtime:
        runtime.made.load()
        with pytest.raises(CallerError, match="is kept already, but cannot be used"):
            make(runtime, name=name)
        runtime.made.remove(name, by="anna")
        make(runtime, name=name)


def test_a_folder_that_others_can_write_is_not_used_at_all(home: Path, kept: Path) -> None:
    (home / "made").chmod(0o777)
    assert loaded(home) == []
    with Runtime(home=home) as runtime, pytest.raises(InvalidSettings, match="chmod go-w"):
        make(runtime, name="other")
    (home / "made").chmod(0o700)
    assert loaded(home) == ["words"]


def test_a_link_in_place_of_the_folder_is_not_followed(home: Path, tmp_path: Path) -> None:
    home.mkdir(parents=True)
    (home / "made").symlink_to(tmp_path)
    with Runtime(home=home) as runtime, pytest.raises(InvalidSettings, match="no link"):
        make(runtime)
    assert list(tmp_path.iterdir()) == []


def test_removing_does_not_follow_links(home: Path, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("here")
    shutil.rmtree(kept)
    kept.symlink_to(tmp_path)
    (kept.parent / "2").symlink_to(tmp_path)
    with Runtime(home=home) as runtime:
        runtime.made.load()
        runtime.made.remove("words", by="anna")
    assert (tmp_path / "precious").read_text() == "here"


def test_files_are_for_their_owner_alone(home: Path, kept: Path) -> None:
    for path in (home / "made", *(home / "made").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
