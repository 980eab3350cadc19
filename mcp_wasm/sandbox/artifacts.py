"""Compiled code on disk: private, authenticated, shared by processes, bounded.

The engine trusts the bytes of an artifact completely, so an artifact is loaded
only from a folder that no one else may write, and only if it ends with a MAC
under a key kept in that folder. A damaged entry is removed and built again.
Entries are named by what they were made from, written to a temporary file and
renamed, so that two processes may share the folder without locks.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mcp_wasm.errors import InvalidSettings

_log = logging.getLogger(__name__)
_MAC_BYTES = 32
_KEY_BYTES = 32
DEFAULT_LIMIT = 4 * 1024**3
"""Bytes that a cache may hold by default."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a cache holds: entries and bytes."""

    entries: int
    size: int


class Cache:
    """Entries of bytes by name in one private folder.

    Raises:
        InvalidSettings: if the folder cannot be made or belongs to someone else.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self.folder, self.limit = folder, limit
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _was_open(folder):
                # What others could write may be theirs: a key they know would vouch for code of theirs.
                self.remove(_KEY_NAME)
            self._key = self._read_key()
        except OSError as error:
            raise InvalidSettings(
                str(folder), "a folder that can be made and written", error.strerror
            ) from None

    def path(self, name: str) -> Path | None:
        """The file of an entry that is there and authentic, else None; a damaged one is removed."""
        path = self.folder / name
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size - _MAC_BYTES
                mac = self._new_mac(name)
                while size > 0 and (chunk := file.read(min(size, 1 << 20))):
                    mac.update(chunk)
                    size -= len(chunk)
                authentic = size == 0 and hmac.compare_digest(mac.digest(), file.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("the cache entry %s cannot be read: %s", name, error)
            return None
        if not authentic:
            _log.warning("the cache entry %s is damaged and is built again", name)
            self.remove(name)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return path

    def read(self, name: str) -> bytes | None:
        """The content of an authentic entry, else None."""
        path = self.path(name)
        if path is None:
            return None
        try:
            return path.read_bytes()[:-_MAC_BYTES]
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Store an entry and prune the oldest ones past the limit.

        A cache that cannot be written (a full or read-only disk) stores nothing:
        everything works without it, only slower, and the log says so.
        """
        mac = self._new_mac(name)
        mac.update(content)
        path = self.folder / name
        try:
            with self._scratch() as (file, scratch):
                file.write(content)
                file.write(mac.digest())
                file.flush()
                scratch.replace(path)
            self.prune(self.limit, keep=path)
        except OSError as error:
            _log.warning("the cache entry %s is not kept: %s", name, error)

    def remove(self, name: str) -> None:
        """Remove an entry, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            (self.folder / name).unlink()

    def usage(self) -> Usage:
        """What the cache holds now."""
        sizes = [size for _, size, _ in self._entries()]
        return Usage(len(sizes), sum(sizes))

    def prune(self, limit: int, keep: Path | None = None) -> int:
        """Remove the entries that were used longest ago until ``limit`` bytes are left; bytes freed."""
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        freed = 0
        for _, size, path in entries:
            if total - freed <= limit:
                break
            if path != keep:
                self.remove(path.name)
                freed += size
        return freed

    def _entries(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                about = path.stat()
                if stat.S_ISREG(about.st_mode) and path.name != _KEY_NAME:
                    found.append((about.st_mtime, about.st_size, path))
        return found

    def _new_mac(self, name: str) -> hmac.HMAC:
        return hmac.new(self._key, name.encode() + b"\0", hashlib.sha256)

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[tuple[IO[bytes], Path]]:
        """A new file beside the entries, gone afterwards unless it was renamed."""
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file, Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _read_key(self) -> bytes:
        path = self.folder / _KEY_NAME
        for _ in range(3):
            key = _private_bytes(path)
            if key is not None and len(key) == _KEY_BYTES:
                return key
            if key is not None:
                self.remove(_KEY_NAME)
            with self._scratch() as (file, scratch):
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                # A link fails where another process was first, whose key then counts.
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(scratch)
        raise InvalidSettings(str(path), f"a key of {_KEY_BYTES} bytes that can be read", "none")


_KEY_NAME = "key"


def _was_open(folder: Path) -> bool:
    """Whether others could write to ``folder`` until now; from now on it is closed to them.

    Raises:
        InvalidSettings: if it belongs to someone else.
    """
    about = folder.stat()
    if not hasattr(os, "getuid"):
        return False
    if about.st_uid != os.getuid():
        expected = "a folder that belongs to you, since compiled code is run from it"
        raise InvalidSettings(str(folder), expected, "another owner's")
    if about.st_mode & 0o077:
        folder.chmod(0o700)
    return bool(about.st_mode & 0o022)


def _private_bytes(path: Path) -> bytes | None:
    """The content of a file that only its owner, we, could write; ``b""`` for any other, None for none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError:
        return b""  # a symbolic link, or not ours to read
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & 0o022):
            return b""
        return file.read(_KEY_BYTES + 1)
