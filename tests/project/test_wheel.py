from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERYTHING = (
    "mcp_wasm/cli/main.py",
    "mcp_wasm/build/guest/wit.c",
    "mcp_wasm/bundled/lock.json",
    "mcp_wasm/bundled/hash.wasm",
    "mcp_wasm/bundled/c_library.zip",
    "mcp_wasm/_tools/hash/hash.c",
    "mcp_wasm/_tools/hash/wit/world.wit",
    "mcp_wasm/code/guests/python/mcp_wasm_runner.py",
    "mcp_wasm/code/guests/python/libraries.toml",
    "mcp_wasm/_wit/mcp-wasm-code-0.1.0/code.wit",
    "mcp_wasm/_wit/mcp-wasm-tools-0.1.0/tools.wit",
)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_installed_package_alone_has_what_serving_and_building_need(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert set(EVERYTHING) - set(names) == set()
    assert [name for name in names if "node_modules" in name or name.startswith("tests/")] == []
    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)
    code = f"import sys; sys.path.insert(0, {str(target)!r}); from mcp_wasm.cli.main import run; run()"
    listed = subprocess.run(
        [sys.executable, "-P", "-c", code, "list"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "hash_digest" in listed.stdout
