"""Replacing a file: one writer at a time, and after a crash the old content or the new one."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from mcp_wasm.errors import CallerError

_PATIENCE_S = 10.0
_PAUSE_S = 0.02


def replace_file(path: Path, text: bytes) -> None:
    """Put ``text`` in place of the file, for its owner alone; a crash leaves the old or the new one.

    Only who holds the lock may do that: what a writer left that was killed is taken away.
    """
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One writer at a time, also among processes; a lock whose holder died is free.

    Raises:
        CallerError: if another writer does not end.
    """
    import fcntl  # POSIX only; reading a policy must work elsewhere too

    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    told = f"Another program has been changing {path} for {_PATIENCE_S:.0f} s."
                    raise CallerError(f"{told} Try again when it has ended.") from None
                time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(handle)
