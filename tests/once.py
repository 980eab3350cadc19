"""What takes long to make is made once for all processes of a run of tests.

With ``--numprocesses`` the tests run in several processes, and a fixture of the
session is made in each of them. What is made here is shared between them: folders
below that of the run, filled by whoever asks first while the others wait.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def shared(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """The folder of this name that every process of this run of tests sees."""
    folder = _base(tmp_path_factory) / name
    folder.mkdir(exist_ok=True)
    return folder


def made(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The shared folder of this name, which ``make`` has filled once; where it failed it is tried again."""
    folder = shared(tmp_path_factory, name)
    done = folder.with_suffix(".made")
    with folder.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder


def share_compiled(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """Give a home the compiled code of all homes that share it; the home.

    Entries are named by what they were made of, so that a test finds its own or what is the same.
    Not for tests of the cache, nor for those of what the first call of a component waits for.
    """
    home.mkdir(parents=True, exist_ok=True)
    cache = home / "cache"
    if not cache.exists():
        cache.symlink_to(shared(tmp_path_factory, "compiled"), target_is_directory=True)
    return home


def _base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    # The folder of a worker is in that of the run.
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
