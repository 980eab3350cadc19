"""Compiling made tools beside everything else: one at a time, in a process that ends with its runtime.

A component that was compiled takes over from the runner when it is ready to
run, so no call waits for it or fails. It stands behind the same tools and has the
same digest for grants, since it was made of the source that they were given to.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.code import made_files
from mcp_wasm.errors import BuildFailed, Cancelled, InvalidSettings

_log = logging.getLogger(__name__)
_GRACE_S = 2.0
_SAID = 4000


class Compiling:
    """The processes that compile for one runtime; ``close`` ends them.

    ``runner`` gives the component that runs a language, ``runtimes`` is where
    toolchains keep what they need again.
    """

    def __init__(self, runner: Callable[[str], Path], runtimes: Path) -> None:
        self._runner, self._runtimes = runner, runtimes
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._one = threading.Lock()
        self._closed = False

    def compile(
        self, folder: Path, language: str, progress: Progress = silent, *, again: bool = False
    ) -> Path:
        """The component file of the version in ``folder``, built if need be; ``again`` after a failure too.

        Raises:
            BuildFailed: it cannot be compiled, with the reason.
            Cancelled: the runtime closes.
        """
        if again and failure(folder):
            made_files.remove(folder / made_files.BUILT)
        with self._one:
            if not (folder / made_files.BUILT).is_dir():
                self._run(folder, self._runner(language), progress)
        reason = failure(folder)
        if reason:
            raise BuildFailed(folder.parent.name, reason)
        return component(folder)

    def close(self) -> None:
        """End what runs; whoever waits gets ``Cancelled``."""
        with self._lock:
            self._closed = True
            running = tuple(self._running)
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
            process.kill()

    def _run(self, folder: Path, runner: Path, progress: Progress) -> None:
        paths = map(str, (folder, runner, self._runtimes))
        command = [sys.executable, "-P", "-m", "mcp_wasm.code.made_build", *paths]
        with tempfile.TemporaryFile() as said, self._started(command, said) as process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    progress(line.strip()[:200])
                process.wait()
            finally:
                with self._lock:
                    self._running.discard(process)
            if process.returncode and not self._closed:
                said.seek(max(0, said.seek(0, 2) - _SAID))
                _log.error("%s failed: %s", command[3], said.read().decode("utf-8", "replace"))
        if self._closed:
            raise Cancelled

    def _started(self, command: Sequence[str], said: IO[bytes]) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise Cancelled
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                errors="replace",
            )
            self._running.add(process)
            return process


def component(folder: Path) -> Path:
    """The component that the version in ``folder`` was compiled to.

    Raises:
        BuildFailed: there is none, or it is not what was built.
    """
    path = folder / made_files.BUILT / made_files.BINARY
    try:
        made_files.check(folder / made_files.BUILT, folder=True)
        found = hashlib.sha256(made_files.content(path, made_files.BUILT_BYTES)).hexdigest()
        if found == _about(folder).get("digest"):
            return path
        reason = "the component on disk is not the one that was built"
    except (OSError, InvalidSettings) as error:
        reason = f"the toolchain's process ended without a result ({error})"
    raise BuildFailed(folder.parent.name, reason)


def failure(folder: Path) -> str:
    """Why the version in ``folder`` cannot be compiled, or ``""``."""
    try:
        return str(_about(folder).get("failed", ""))
    except (OSError, InvalidSettings):
        return ""


def is_compiled(folder: Path) -> bool:
    """Whether a component lies there, which nobody has looked at."""
    return (folder / made_files.BUILT / made_files.BINARY).is_file()


def _about(folder: Path) -> dict[str, object]:
    try:
        about = json.loads(made_files.content(folder / made_files.BUILT / made_files.ABOUT, 64 * 1024))
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise InvalidSettings(
            str(folder / made_files.BUILT / made_files.ABOUT),
            "what a build tells of itself",
            "something else",
        )
    return about
