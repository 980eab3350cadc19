from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.build import rust, rust_found
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.rust_found import TARGET
from mcp_wasm.build.toolchain import Source
from mcp_wasm.errors import ToolchainMissing

ANSWERS = """#!/bin/sh
case "$*" in
*sysroot*) echo {sysroot} ;;
*) echo "rustc 1.99.0 (0123abc 2026-01-01)" ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o755)
    return folder / name


def test_a_machine_without_rust_is_told_what_to_type(path: Path, tmp_path: Path) -> None:
    assert rust.available() == "the program rustc is not installed"
    with pytest.raises(ToolchainMissing) as missing:
        compile_component("rust", Source("thing", tmp_path, "code.rs", "", "exported"))
    assert str(missing.value) == (
        "Rust for WebAssembly (the program rustc is not installed) is not installed. Type: rustup target add "
        "wasm32-unknown-unknown (with Rust of https://rustup.rs), or on Debian: apt-get install rustc "
        "libstd-rust-dev-wasm32 lld"
    )


def test_rust_without_the_target_is_told_apart_from_none_and_its_version_named(path: Path) -> None:
    program(path, "rustc", ANSWERS.format(sysroot=path.parent / "sysroot"))
    assert rust.available() == f"rustc 1.99.0 has no standard library for {TARGET}"


def test_rust_without_a_linker_is_told_so(path: Path) -> None:
    program(path, "rustc", ANSWERS.format(sysroot=path.parent / "sysroot"))
    (path.parent / "sysroot/lib/rustlib" / TARGET / "lib").mkdir(parents=True)
    assert rust.available() == (
        "rustc 1.99.0 has no linker for WebAssembly, neither its own rust-lld nor wasm-ld"
    )


def test_a_rustc_that_does_not_start_is_named(path: Path) -> None:
    broken = program(path, "rustc", "#!/bin/sh\nexit 3\n")
    assert rust.available() == f"{broken} does not start"


def test_the_first_rustc_with_the_target_is_taken_and_the_newest_linker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, sysroot = tmp_path / "first", tmp_path / "second", tmp_path / "sysroot"
    monkeypatch.setenv("PATH", f"{first}:{second}")
    program(first, "rustc", ANSWERS.format(sysroot=tmp_path / "without"))
    taken = program(second, "rustc", ANSWERS.format(sysroot=sysroot))
    (sysroot / "lib/rustlib" / TARGET / "lib").mkdir(parents=True)
    for name in ("wasm-ld-9", "wasm-ld-14", "wasm-ld-odd"):
        program(second, name)
    assert rust_found.compiler().program == taken
    assert rust_found.compiler().linker == second / "wasm-ld-14"
    own = program(sysroot / "lib/rustlib/x86_64-unknown-linux-gnu/bin", "rust-lld")
    monkeypatch.setenv("PATH", f"{first}:{second}:")
    assert rust_found.compiler().linker == own
