"""The C library that is shipped: of these sources, unpacked rather than compiled, and what they build to."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.build import bundled, c_library, c_shipped, shipping


@pytest.fixture(autouse=True)
def _zig() -> None:
    if c_library.unavailable() is not None:
        pytest.skip("zig is not installed")


def test_the_c_library_is_shipped_made_of_the_sources_that_are_here() -> None:
    known = bundled.read_lock()[c_shipped.NAME]
    assert known == shipping.c_library_entry(), "it changed: make and commit it anew (ship_c_library)"
    made = {Path(name).parent.name for name in c_shipped.content()}
    assert made == set(c_library.folders())


def test_a_fresh_folder_has_the_library_without_a_compile(tmp_path: Path) -> None:
    told: list[str] = []
    assert c_library.is_prepared(tmp_path)
    library = c_library.prepare(tmp_path, told.append)
    assert told == []
    assert all(path.is_file() for path in library.archives())
    assert library.section("program")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(c_library.folders())


def test_a_folder_that_is_not_shipped_is_not_taken_for_one_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below, own = c_library.folders()
    assert not c_shipped.has(own[:-1])
    assert not c_shipped.unpack(f"{own}0", tmp_path)
    assert list(tmp_path.iterdir()) == []

    # As with another version of wasm-tools: our own part is compiled, zig's is still the shipped one.
    monkeypatch.setattr(c_library, "folders", lambda: (below, "c-of-another-version"))
    told: list[str] = []
    assert not c_library.is_prepared(tmp_path)
    made = c_library.prepare(tmp_path, told.append)
    assert told == ["compiling what is below the C library"]
    shipped = c_shipped.content()
    assert {path.name: path.read_bytes() for path in made.folder.iterdir()} == {
        name.partition("/")[2]: content for name, content in shipped.items() if name.startswith(f"{own}/")
    }


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_the_shipped_c_library_is_what_its_sources_build_to_byte_for_byte(tmp_path: Path) -> None:
    made = c_library.prepare(tmp_path, shipped=False)
    built = {
        f"{each.name}/{path.name}": path for each in (made.below, made.folder) for path in each.iterdir()
    }
    assert {name: path.read_bytes() for name, path in built.items()} == c_shipped.content()
