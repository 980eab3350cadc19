from __future__ import annotations

import hashlib
import json
import re
import threading
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.build import bundled, languages, shipping
from mcp_wasm.errors import ToolchainMissing

TOOLS = {tool.name: tool for tool in bundled.list_bundled()}
SHIPPED = [tool.name for tool in shipping.shippable()]


def test_the_small_tools_are_shipped_built_of_the_sources_that_are_here() -> None:
    assert {"hash", "encode", "units"} <= set(SHIPPED)
    lock = bundled.read_lock()
    for name in SHIPPED:
        path = TOOLS[name].shipped
        assert path is not None, f"{name} changed: build and commit it anew (shipping.ship)"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == lock[name]["component"]
        assert path.stat().st_size == lock[name]["size"] <= shipping.LARGEST


@pytest.mark.toolchain
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_component_is_what_its_sources_build_to_byte_for_byte(name: str) -> None:
    component, entry = shipping.make(TOOLS[name])
    assert entry == bundled.read_lock()[name]
    assert component == (bundled.SHIPPED / f"{name}.wasm").read_bytes()


def test_a_built_tool_lies_with_its_wit_and_manifest_beside_it(tmp_path: Path) -> None:
    tool = TOOLS["units"]
    assert bundled.state(tool, tmp_path) == "buildable"
    path = bundled.build_bundled(tool, tmp_path)

    assert path == tmp_path / "units.wasm"
    assert (tmp_path / "units.wit").read_bytes() == tool.wit.read_bytes()
    assert 'name = "units"' in (tmp_path / "units.toml").read_text(encoding="utf-8")
    assert bundled.state(tool, tmp_path) == "ready"


def test_what_is_current_is_left_alone_and_what_is_damaged_is_built_again(tmp_path: Path) -> None:
    tool = TOOLS["hash"]
    path = bundled.build_bundled(tool, tmp_path)
    before = path.stat().st_mtime_ns
    bundled.build_bundled(tool, tmp_path)
    assert path.stat().st_mtime_ns == before

    (tmp_path / ".hash.built.json").write_text('{"sour', encoding="utf-8")
    assert not bundled.is_current(tool, tmp_path)
    bundled.build_bundled(tool, tmp_path)
    assert bundled.is_current(tool, tmp_path)


def test_changed_sources_make_a_build_and_a_shipped_component_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tools" / "hash"
    bundled_folder = TOOLS["hash"].folder
    for path in bundled_folder.rglob("*"):
        target = folder / path.relative_to(bundled_folder)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    monkeypatch.setattr(bundled, "sources", lambda: tmp_path / "tools")
    [tool] = bundled.list_bundled()
    assert tool.shipped is not None

    (folder / "README.md").write_text("other words", encoding="utf-8")
    [tool] = bundled.list_bundled()
    assert tool.shipped is not None

    (folder / "hash.c").write_text("int changed;", encoding="utf-8")
    [tool] = bundled.list_bundled()
    assert tool.shipped is None


def test_a_missing_toolchain_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(TOOLS["hash"].toolchain, available=lambda: "it is not here")
    monkeypatch.setattr(languages, "TOOLCHAINS", {"c": missing})
    monkeypatch.setattr(bundled, "TOOLCHAINS", {"c": missing})
    tool = replace(TOOLS["hash"], shipped=None)
    assert bundled.state(tool, tmp_path) == "toolchain missing"
    with pytest.raises(ToolchainMissing, match=r"pip install 'mcp-wasm\[build\]'"):
        bundled.build_bundled(tool, tmp_path)
    assert list(tmp_path.glob("*.wasm")) == []


def test_builders_at_once_do_not_disturb_each_other_or_a_reader(tmp_path: Path) -> None:
    tool = TOOLS["units"]
    whole = (bundled.SHIPPED / "units.wasm").read_bytes()
    faults: list[object] = []

    def build() -> None:
        for _ in range(20):
            (tmp_path / ".units.built.json").unlink(missing_ok=True)
            path = bundled.build_bundled(tool, tmp_path)
            if path.read_bytes() != whole:
                faults.append("a reader saw a part")

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert json.loads((tmp_path / ".units.built.json").read_text(encoding="utf-8"))["sources"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".units.wasm.", ".units.wit."))]


def test_every_library_of_a_python_tool_comes_with_the_build_extra() -> None:
    """A library that happens to be installed here builds here and fails on a fresh machine."""
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8"))
    extra = {re.split(r"[^\w-]", line)[0] for line in project["project"]["optional-dependencies"]["build"]}
    wanted = {name for tool in TOOLS.values() if tool.language == "python" for name in tool.manifest.packages}
    assert wanted <= extra
