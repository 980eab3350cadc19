"""Every example in the documents runs: Python blocks as programs, command lines as a person types them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from mcp_wasm.capability.grant import Environment, Storage, Tools
from mcp_wasm.code.contract import CODE, DIGEST, WISHES
from mcp_wasm.policy import edit
from tests import once

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_HERE = ("pip ", "make ", "mcp-wasm serve", "mcp-wasm agents", "mcp-wasm mesh", "mcp-wasm worker")
"""What installs, what is `make`'s own, and what runs until it is stopped is tested elsewhere."""


def blocks(language: str) -> list[tuple[str, str]]:
    """The fenced blocks of a language: (where, text)."""
    found = []
    for path in DOCUMENTS:
        # Splitting at the fences gives prose and blocks in turn, each block with its language first.
        parts = path.read_text(encoding="utf-8").split("```")
        for index in range(1, len(parts), 2):
            first, _, text = parts[index].partition("\n")
            if first.strip() == language:
                line = "```".join(parts[:index]).count("\n") + 1
                found.append((f"{path.name}:{line}", text))
    return found


def command_lines() -> list[tuple[str, str]]:
    return [
        (f"{where}", line)
        for where, text in blocks("")
        for line in text.splitlines()
        if "mcp-wasm " in line and not line.startswith(NOT_HERE)
    ]


@pytest.fixture
def folder(tmp_path: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with what the examples name."""
    place = tmp_path / "work"
    (place / "tests").mkdir(parents=True)
    shutil.copytree(ROOT / "tests" / "programs", place / "tests" / "programs")
    tiny = (ROOT / "tests" / "programs" / "tiny.wat").read_bytes()
    (place / "tiny.wasm").write_bytes(wat2wasm(tiny))
    (place / "arguments.json").write_text('{"value": 5, "from": "mi", "to": "km"}', encoding="utf-8")
    (once.share_compiled(tmp_path_factory, home) / "components").mkdir(exist_ok=True)
    return place


def ran(command: list[str], folder: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def give(line: str, folder: Path, home: Path) -> None:
    """Add the component that a line about grants names, with two grants to show, explain and revoke."""
    named = re.search(r"grants (?:add|approve|explain|revoke) (\w+)", line)
    component = named[1] if named is not None else "tiny"
    if component == CODE:
        edit.add(home, CODE, DIGEST, WISHES, [Tools(("text_*",))])
        return
    text = (ROOT / "tests" / "programs" / f"{component}.wat").read_bytes()
    (home / "components" / f"{component}.wat").write_bytes(text)
    (home / "mcp-wasm.toml").write_text("bundled = false", encoding="utf-8")
    digest = hashlib.sha256(wat2wasm(text)).hexdigest()
    edit.add(home, component, digest, (), [Environment("LANG"), Storage(folder, "/work")])


@pytest.mark.timeout(90)
@pytest.mark.parametrize(("where", "program"), blocks("python"), ids=lambda text: text[:20])
def test_a_python_example_runs(where: str, program: str, folder: Path) -> None:
    assert ran([sys.executable, "-W", "error", "-c", program], folder).strip(), where


@pytest.mark.timeout(90)
@pytest.mark.parametrize(("where", "line"), command_lines(), ids=lambda text: text[:60])
def test_a_command_line_runs(where: str, line: str, folder: Path, home: Path) -> None:
    if "mcp-wasm grants" in line:
        give(line, folder, home)
    elif not line.startswith("mcp-wasm add"):
        programs = sorted((folder / "tests" / "programs").glob("*.wat"))
        for program in programs:
            if re.search(rf"\b{program.stem}(_|\b)", line):
                ran(["mcp-wasm", "add", str(program)], folder)
    said = ran(["bash", "-c", line], folder)
    assert said.strip() or line.startswith("mcp-wasm add"), where
