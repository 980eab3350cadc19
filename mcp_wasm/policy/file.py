"""The policy file ``grants.toml``: read, and read again whenever it has changed.

A file that cannot be obeyed (broken, too large, another user's, writable by
others) gives nothing to anybody, and the policy says why. Every look costs one
``stat`` while nothing changed.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from pathlib import Path

from mcp_wasm.capability import document
from mcp_wasm.capability.policy import EMPTY, Policy
from mcp_wasm.capability.values import Place
from mcp_wasm.component import toml_text
from mcp_wasm.errors import InvalidSettings

FILE_NAME = "grants.toml"
LARGEST = 256 * 1024
"""Bytes of a policy file."""

_SETTLED_NS = 200_000_000
"""A file that changed less than this before it was read may change again without its times showing it."""

_log = logging.getLogger(__name__)
_Signature = tuple[int, ...]


class PolicyFile:
    """The policy in one file, as it is now; a file that is not there is an empty policy."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._signature: _Signature | None = ()
        self._settled = False
        self._policy = EMPTY
        self._reading = threading.Lock()

    def policy(self) -> Policy:
        """The policy; the same object as long as the file does not change."""
        signature = _signature(self.path)
        if signature == self._signature and self._settled:
            return self._policy
        with self._reading:
            self._refresh()
            return self._policy

    def _refresh(self) -> None:
        signature = _signature(self.path)
        if signature == self._signature and self._settled:
            return
        began = time.time_ns()
        found = read(self.path)
        if found != self._policy:
            self._policy = found
            if found.problem:
                _log.error("%s: nothing is granted until that is mended", found.problem)
        # Taken before reading: a change since then shows at the next look.
        self._signature = signature
        self._settled = signature is None or signature[0] < began - _SETTLED_NS


def read(path: Path) -> Policy:
    """The policy in a file, empty where there is none; what cannot be obeyed is its ``problem``."""
    try:
        return parse(load(path), path)
    except FileNotFoundError:
        return EMPTY
    except OSError as error:
        return Policy(problem=f"{path} cannot be read ({error.strerror})")
    except InvalidSettings as error:
        return Policy(problem=str(error))


def load(path: Path) -> str:
    """The text of a policy file that may be obeyed.

    Raises:
        OSError: if it cannot be read.
        InvalidSettings: if it is no file, too large, another user's, or writable by others.
    """
    # A pipe without a writer would otherwise be waited for.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(handle, "rb") as file:
        _check(os.fstat(handle), path)
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InvalidSettings(str(path), f"at most {LARGEST:,} bytes", "more")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidSettings(str(path), "a text in UTF-8", str(error)) from None


def parse(text: str, path: Path) -> Policy:
    """The policy that a text at ``path`` writes.

    Raises:
        InvalidSettings: if it is no TOML or holds what is not allowed.
    """
    try:
        values = toml_text.loads(text)
    except ValueError as error:
        raise InvalidSettings(str(path), "a TOML document", str(error)[:200]) from None
    return document.read(values, str(path), place(path))


def place(path: Path) -> Place:
    """Where relative folders of the policy file ``path`` begin."""
    return Place(path.absolute().parent, Path.home())


def _check(about: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise InvalidSettings(str(path), "a file", "something else")
    if not hasattr(os, "getuid"):
        return
    if about.st_uid not in (os.getuid(), 0):
        raise InvalidSettings(str(path), "a file of yours", "another user's, who could grant anything")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InvalidSettings(
            str(path), f"a file that only you can write (type: chmod go-w {path})", "others can"
        )


def _signature(path: Path) -> _Signature | None:
    """What changes when the file does, first the time that nobody can set; None where there is none."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return (0, error.errno or 0)
    return (
        about.st_ctime_ns,
        about.st_mtime_ns,
        about.st_size,
        about.st_ino,
        about.st_dev,
        about.st_mode,
        about.st_uid,
    )
