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
from dataclasses import dataclass
from pathlib import Path

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
        InvalidSettings: if the folder belongs to someone else or others may write it.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self.folder, self.limit = folder, limit
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_private(folder)
        self._key = self._read_key()

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

    def write(self, name: str, content: bytes) -> Path:
        """Store an entry and prune the oldest ones past the limit; its path."""
        mac = self._new_mac(name)
        mac.update(content)
        descriptor, scratch = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.write(mac.digest())
        path = self.folder / name
        Path(scratch).replace(path)
        self.prune(self.limit, keep=path)
        return path

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

    def _read_key(self) -> bytes:
        path = self.folder / _KEY_NAME
        for _ in range(3):
            try:
                key = path.read_bytes()
                if len(key) == _KEY_BYTES:
                    return key
                path.unlink()
            except FileNotFoundError:
                pass
            descriptor, scratch = tempfile.mkstemp(dir=self.folder, prefix=".new-")
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
            # A link fails where another process was first, whose key then counts.
            with contextlib.suppress(FileExistsError):
                os.link(scratch, path)
            os.unlink(scratch)
        raise InvalidSettings(str(path), f"a key of {_KEY_BYTES} bytes that can be read", "none")


_KEY_NAME = "key"


def _check_private(folder: Path) -> None:
    about = folder.stat()
    if not hasattr(os, "getuid"):
        return
    if about.st_uid != os.getuid():
        raise InvalidSettings(
            str(folder), "a folder that belongs to you, since compiled code is run from it", "another owner"
        )
    if about.st_mode & 0o077:
        folder.chmod(0o700)
