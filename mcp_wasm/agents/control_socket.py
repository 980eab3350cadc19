"""The Unix socket of a tree: made private, found again, and who is at its other end.

Its path may be longer than the 100 or so bytes that a socket's address takes: on Linux it is opened
through a descriptor of its folder.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from mcp_wasm.errors import CallerError, HostError

SOCKET, LOCK = "control.sock", "lock"
_LONGEST = 100
_LOCAL_PEERCRED = 1
_PLATFORM: str = sys.platform


def bound_at(path: Path) -> socket.socket:
    """A listening socket at ``path`` that only this user can open.

    Raises:
        HostError: if that cannot be done.
    """
    _check_private(path.parent)
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            made.bind(address)
        path.chmod(0o600)
        made.listen(16)
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise HostError(f"{path}: no socket can be made there: {error.strerror}") from None
    return made


def connected_to(path: Path, seconds: float) -> socket.socket:
    """A connection to the tree that listens at ``path``; reads and writes of it take ``seconds`` at most.

    Raises:
        CallerError: nobody listens there, or another user does.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(seconds)
        with _address(path) as address:
            made.connect(address)
        if peer_user(made) not in {None, this_user()}:
            raise CallerError(f"{path}: another user listens there")
    except OSError as error:
        made.close()
        raise CallerError(f"{path}: no tree listens there ({error.strerror})") from None
    except BaseException:
        made.close()
        raise
    return made


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The folder of a tree is ours while the block lasts: no second tree runs over the same files.

    Raises:
        CallerError: another process has it.
    """
    import fcntl  # there is none on Windows, where there are no trees yet

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_private(folder)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CallerError(
                f"A tree {folder.name!r} runs already (mcp-wasm agents ps). Stop it, or give this one "
                "another name: name = … in its file, or --name"
            ) from None
        yield
    finally:
        os.close(descriptor)


def is_claimed(folder: Path) -> bool:
    """Whether a process has the folder of a tree."""
    if not (folder / LOCK).is_file():
        return False
    try:
        with claimed(folder):
            return False
    except CallerError:
        return True


def peer_user(connection: socket.socket) -> int | None:
    """The user at the other end, as the kernel says; None where it does not say."""
    if _PLATFORM == "linux":
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", found)[1])
    if _PLATFORM == "darwin":
        # struct xucred: a version, the user, …
        return int(struct.unpack_from("2I", connection.getsockopt(0, _LOCAL_PEERCRED, 76))[1])
    return None


def this_user() -> int:
    """The user of this process."""
    return os.geteuid()


def _check_private(folder: Path) -> None:
    found = folder.stat()
    if found.st_uid != this_user():
        raise CallerError(f"{folder}: expected a folder of this user, it is another's")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
    elif _PLATFORM == "linux":
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{descriptor}/{path.name}"
        finally:
            os.close(descriptor)
    else:
        raise HostError(f"{path}: it is too long for a socket; choose a shorter home (--home, MCP_WASM_HOME)")
