"""What else runs code in a sandbox: a plain subprocess, and packages in an environment of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.code_child import EXPECTED, JAVASCRIPT, PROGRAM
from benchmarks.measure import Batch

_INTERPRETERS = ("python3.14", "python3.13", "python3.12")
"""Looked for first: not every package has a wheel for older ones."""

_INSTALL_S = 300


class NotHere(Exception):
    """A package could not be installed, or a program is not on the path; the message says which."""


def subprocess_of(language: str) -> Batch:
    """A process of the language's own interpreter for each run, which confines nothing.

    Raises:
        NotHere: without Node.
    """
    if language == "python":
        command = [sys.executable, "-c", f"print({PROGRAM})"]
    else:
        node = shutil.which("node")
        if node is None:
            raise NotHere("node is not on the path")
        command = [node, "-e", f"console.log({JAVASCRIPT})"]

    def batch() -> float:
        begun = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True)
        taken = time.perf_counter() - begun
        if int(done.stdout) != EXPECTED:
            raise ValueError(done.stdout[:200])
        return taken

    return batch


@contextmanager
def sandbox_of(package: str, folder: Path, times: int) -> Iterator[Batch]:
    """Batches of so many runs in another sandbox, installed into ``folder`` if need be.

    Raises:
        NotHere: it cannot be installed, or does not run here.
    """
    child = Path(__file__).with_name("code_child.py")
    with subprocess.Popen(
        [_installed(package, folder), "-P", str(child), package],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout
        try:
            if told.readline() != "ready\n":
                raise NotHere(f"{package} does not run here")

            def batch() -> float:
                asked.write(f"{times}\n")
                asked.flush()
                return float(told.readline())

            yield batch
        finally:
            process.kill()


def _installed(package: str, folder: Path) -> str:
    """The interpreter of an environment that has ``package``."""
    where = folder / package
    python = where / "bin" / "python"
    if (where / "installed").is_file():
        return str(python)
    reasons = []
    for interpreter in [*filter(None, map(shutil.which, _INTERPRETERS)), sys.executable]:
        shutil.rmtree(where, ignore_errors=True)
        try:
            _quietly([interpreter, "-m", "venv", str(where)])
            _quietly([str(python), "-m", "pip", "install", "--only-binary=:all:", package])
        except (subprocess.SubprocessError, OSError) as error:
            reasons.append(f"{Path(interpreter).name}: {_last_line(error)}")
            continue
        (where / "installed").touch()
        return str(python)
    raise NotHere(f"{package} does not install ({reasons[-1]})")


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_S)


def _last_line(error: Exception) -> str:
    lines = str(getattr(error, "stderr", None) or error).strip().splitlines()
    return lines[-1][:100] if lines else type(error).__name__
