"""Waits for a build program, and for what it may not take more of: time, disk, memory, processes.

The system's own limits are per process and per file. What all processes of a
run have together is looked at here, every ``INTERVAL`` seconds, so that much can
be exceeded for that long.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from mcp_wasm.build.confine import MIB, Confinement

INTERVAL = 0.2


def until_end(
    process: subprocess.Popen[bytes], folder: Path, seconds: float, confined: Confinement | None
) -> str | None:
    """Wait for the end of ``process``; None, or in words what it took too much of, while it still runs.

    With ``confined``, ``folder`` and the process group are held to its limits.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return f"did not finish within {seconds:g} s"
        if _ended(process, left if confined is None else min(left, INTERVAL)):
            # What it left behind is held to the limit too.
            return None if confined is None else _too_large(folder, confined)
        if confined is not None:
            taken = _too_large(folder, confined) or _too_many(process.pid, confined)
            if taken is not None:
                return taken


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    if os.name == "posix":
        # Where nothing of the group is left there is nothing to do; macOS says EPERM for zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ended within ``seconds``; ``Popen.wait`` sleeps up to 50 ms too long, which adds up."""
    if process.poll() is not None:
        return True
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(seconds * 1000)
        finally:
            os.close(descriptor)
        return process.poll() is not None
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _too_large(folder: Path, confined: Confinement) -> str | None:
    size = folder_size(folder)
    if size <= confined.disk:
        return None
    return f"wrote more than the {confined.disk // MIB} MiB that it may"


def folder_size(folder: Path) -> int:
    """Bytes on disk below ``folder``, links not followed; what vanishes meanwhile is not counted.

    A file counts with its blocks, not its length, which costs nothing while it
    is a hole; each entry with at least a block, since many empty files cost too.
    """
    total, waiting = 0, [os.fspath(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            total += max(found.st_blocks * 512, 4096)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
    return total


def _too_many(group: int, confined: Confinement) -> str | None:
    tasks, resident = group_use(group)
    if tasks > confined.tasks:
        return f"started more than the {confined.tasks} processes and threads that it may"
    if resident > confined.memory:
        return f"took more than the {confined.memory // MIB} MiB of memory that it may"
    return None


def group_use(group: int) -> tuple[int, int]:
    """How many threads the processes of a group have, and how many bytes they hold in memory, together.

    Pages of files are not counted, which many may map; what processes have in
    common after a fork counts for each.
    """
    tasks = resident = 0
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        try:
            # The name of a program stands in parentheses and may hold any of them, and spaces.
            fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            # It ended meanwhile.
            continue
        if int(fields[2]) == group:
            tasks += int(fields[17])
            resident += _held(Path(entry.path, "status"))
    return tasks, resident


def _held(status: Path) -> int:
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    # A name, a number, and the unit, which is always kB.
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
