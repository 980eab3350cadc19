from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.cli import dotenv
from mcp_wasm.errors import InvalidSettings


def write(folder: Path, text: str) -> None:
    (folder / ".env").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A = b c  # why", "b c"),
        ("A=", ""),
        ("A=''", ""),
        ("A='b # $(id) ${HOME}'", "b # $(id) ${HOME}"),
        ('A="b\\n\\"c\\" \\\\" # why', 'b\n"c" \\'),
        ("A=https://x/?y=1&z=$2", "https://x/?y=1&z=$2"),
        ("A=b#c", "b#c"),
        ("A='b' # c", "b"),
        ("A= # c", ""),
    ],
)
def test_a_value_is_taken_as_it_is_written(tmp_path: Path, line: str, value: str) -> None:
    write(tmp_path, f"\ufeff# a comment\n\n{line}\nZ=z\n")
    assert dotenv.read(tmp_path) == {"A": value, "Z": "z"}


@pytest.mark.parametrize("line", ["A", "1A=b", "A='b", 'A="b', "A='b' c", "=b", "A B=c", "A='b'c", "Ä=1"])
def test_what_is_no_line_of_it_is_refused_by_its_number_and_not_shown(tmp_path: Path, line: str) -> None:
    write(tmp_path, f"SECRET=one\n{line}")
    with pytest.raises(InvalidSettings, match=r"\.env: line 2: expected NAME=VALUE") as caught:
        dotenv.read(tmp_path)
    assert str(caught.value).endswith("got 'something else'")


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert dotenv.read(tmp_path) == {}


def test_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "A=b")
    for mode, taken in ((0o600, True), (0o644, True), (0o664, False), (0o646, False)):
        (tmp_path / ".env").chmod(mode)
        if taken:
            assert dotenv.read(tmp_path) == {"A": "b"}
        else:
            with pytest.raises(InvalidSettings, match="chmod go-w"):
                dotenv.read(tmp_path)


def test_a_file_has_a_largest_size(tmp_path: Path) -> None:
    write(tmp_path, "#" * 256 * 1024)
    assert dotenv.read(tmp_path) == {}
    write(tmp_path, "#" * (256 * 1024 + 1))
    with pytest.raises(InvalidSettings, match="at most 262,144 bytes"):
        dotenv.read(tmp_path)


def test_other_bytes_and_a_folder_are_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(InvalidSettings, match="UTF-8"):
        dotenv.read(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir(mode=0o700)
    with pytest.raises(InvalidSettings, match="can be read"):
        dotenv.read(tmp_path)
