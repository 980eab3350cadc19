"""Component files and what lies beside them, as hostile or broken as a folder can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_wasm.errors import ComponentRefused
from mcp_wasm.registry import sources


def test_a_file_knows_the_wit_and_the_manifest_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(b"")
    found = sources.source(tmp_path / "a.wasm")
    assert (found.wit, found.manifest) == (None, None)
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "a.wit").mkdir()
    found = sources.source(tmp_path / "a.wasm")
    assert (found.wit, found.manifest) == (tmp_path / "a.wit", tmp_path / "a.toml")


def test_the_signature_changes_with_each_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.wasm"
    path.write_bytes(b"one")
    seen = [sources.source(path).signature]
    path.write_bytes(b"three")
    seen.append(sources.source(path).signature)
    (tmp_path / "a.toml").write_text("")
    seen.append(sources.source(path).signature)
    (tmp_path / "a.wit").mkdir()
    (tmp_path / "a.wit" / "w.wit").write_text("package a:b;")
    seen.append(sources.source(path).signature)
    (tmp_path / "a.wit" / "w.wit").write_text("package a:bc;")
    seen.append(sources.source(path).signature)
    assert len(set(seen)) == len(seen)
    assert sources.source(path).signature == seen[-1]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "dangling link"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wasm"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)  # reading it would wait for ever
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nothing")
    with pytest.raises(ComponentRefused, match=r"no such file|no file"):
        sources.source(path)
    assert sources.scan([tmp_path]) == {}


def test_a_scan_finds_components_and_nothing_else_in_order(tmp_path: Path) -> None:
    for name in ("b.wasm", "a.wat", ".hidden.wasm", "c.txt", "a.toml", "d.WASM"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.wasm").write_bytes(b"")
    other = tmp_path / "other"
    other.mkdir()
    (other / "z.wasm").write_bytes(b"")
    found = sources.scan([other, tmp_path / "nothing", tmp_path / "c.txt", tmp_path])
    assert [path.name for path in found] == ["z.wasm", "a.wat", "b.wasm"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name = ", "not a TOML document"),
        (b"\xff\xfe", "not a TOML document"),
        (b"x = " + b"[" * 20 + b"]" * 20, "more than 16 levels"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "nests too deep"),
        (b".".join([b"a"] * 130_000) + b" = 1", "a key has more than 32 parts"),
        (b"[" + b".".join([b"a"] * 40) + b"]\nb = 1", "a key has more than 32 parts"),
        (b"[" + b".".join([b"a"] * 20) + b"]\nb = 1", "more than 16 levels"),
        (b"x = " + b"9" * 5000, "not a TOML document"),
        (b"x = '" + b"a" * 300_000 + b"'", "at most 262,144 bytes"),
    ],
)
def test_a_manifest_that_is_broken_or_hostile_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.wasm").write_bytes(b"")
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ComponentRefused, match=says):
        sources.manifest(sources.source(tmp_path / "a.wasm"))


def test_a_manifest_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(b"")
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(ComponentRefused, match="cannot be read"):
        sources.manifest(sources.source(tmp_path / "a.wasm"))


def test_a_manifest_is_its_values(tmp_path: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(b"")
    assert sources.manifest(sources.source(tmp_path / "a.wasm")) == {}
    (tmp_path / "a.toml").write_text("name = 'x'\n[tools.f]\ntitle = 'T'\n")
    values = sources.manifest(sources.source(tmp_path / "a.wasm"))
    assert values == {"name": "x", "tools": {"f": {"title": "T"}}}


def test_a_wit_folder_without_end_is_not_walked_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(b"")
    many = tmp_path / "many"
    many.mkdir()
    for number in range(1500):
        (many / f"{number}.wit").touch()
    (tmp_path / "a.wit").symlink_to(many)
    assert len(sources.source(tmp_path / "a.wasm").signature) == 1 + 1000
