"""Compiling made tools beside everything else: one at a time, in a process that ends with its runtime.

A component that was compiled takes over from the runner when it is ready to
run, so no call waits for it or fails. It stands behind the same tools and has the
same digest for grants, since it was made of the source that they were given to.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.code import made_files
from mcp_wasm.errors import BuildFailed, Cancelled, InvalidSettings

_GRACE_S = 2.0


class Compiling:
    """The processes that compile for one runtime; ``close`` ends them."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._one = threading.Lock()
        self._closed = False

    def compile(self, folder: Path, progress: Progress = silent, *, again: bool = False) -> Path:
        """The component file of the version in ``folder``, built if need be; ``again`` after a failure too.

        Raises:
            BuildFailed: it cannot be compiled, with the reason.
            Cancelled: the runtime closes.
        """
        if again and failure(folder):
            made_files.remove(folder / made_files.BUILT)
        with self._one:
            if not (folder / made_files.BUILT).is_dir():
                self._run(folder, progress)
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

    def _run(self, folder: Path, progress: Progress) -> None:
        command = [sys.executable, "-P", "-m", "mcp_wasm.code.made_build", str(folder)]
        with self._lock:
            if self._closed:
                raise Cancelled
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
            )
            self._running.add(process)
        try:
            with process:
                assert process.stdout is not None
                for line in process.stdout:
                    progress(line.strip()[:200])
        finally:
            with self._lock:
                self._running.discard(process)
        if self._closed:
            raise Cancelled


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
