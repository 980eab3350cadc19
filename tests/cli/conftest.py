"""The command line, run in this process or in one of its own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_wasm.cli.main import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command line ended and what it wrote."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Command]:
    """``command("list", "--json")`` in an empty working folder; usage errors come as code 2 too."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*words: str | Path) -> Ran:
        capsys.readouterr()
        try:
            code: object = main([str(word) for word in words])
        except SystemExit as left:
            code = left.code
        out, err = capsys.readouterr()
        assert isinstance(code, int)
        return Ran(code, out, err)

    yield run
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def folder(tmp_path: Path, program: Callable[[str], Path]) -> Path:
    """A folder with the component ``tiny``."""
    place = tmp_path / "components"
    place.mkdir()
    (place / "tiny.wat").write_bytes(program("tiny").read_bytes())
    return place


def start(words: Sequence[str | Path], **options: object) -> subprocess.Popen[str]:
    """``mcp-wasm WORDS`` as a child with pipes; the working folder is not on its import path."""
    command = [sys.executable, "-P", "-m", "mcp_wasm", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, **{**pipes, **options})  # type: ignore[call-overload,no-any-return]
