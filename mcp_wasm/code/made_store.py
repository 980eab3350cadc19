"""Made tools on disk: kept ones for good, the others as long as their server lives.

    HOME/made/NAME/VERSION/          tool.json, source.py, for compiled languages component.wasm
    HOME/made/NAME/VERSION/built/    what a toolchain made of a script later
    HOME/made/.sessions/ID/NAME/…    what nobody kept, of one running server; it holds a lock there
    HOME/made/.changed               another text after every change of what is kept

A version never changes once it is there: it is written beside and renamed, so
that a process that is killed leaves all of it or nothing, and keeping a tool is
one rename. The highest version counts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mcp_wasm.code import made_files
from mcp_wasm.code.made_contract import HISTORY, Edition
from mcp_wasm.component.names import NAME
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.policy.replacing import locked, replace_file

log = logging.getLogger(__name__)

FOLDER, SESSIONS = "made", ".sessions"
_SETTLED_NS = 200_000_000
"""Files that changed less than this ago may change again without their times showing it."""


class Store:
    """The made tools of a home; nothing is written before there is something to write."""

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER
        self._seen: tuple[tuple[int, ...] | None, bool, str] = ((), False, "")

    def changed(self) -> bool:
        """Whether what is kept may be other than at the last look; costs one ``stat`` while it is not."""
        path = self.folder / ".changed"
        signature, began = _signature(path), time.time_ns()
        before, settled, token = self._seen
        if signature == before and settled:
            return False
        now = path.read_text(encoding="ascii") if signature is not None and path.is_file() else ""
        self._seen = (signature, signature is None or signature[0] < began - _SETTLED_NS, now)
        return before == () or token != now

    def kept(self) -> dict[str, Edition]:
        """The current version of every kept tool; what cannot be obeyed is left out, and the log says why."""
        return self._current(self.folder)

    def unkept(self) -> Iterator[Edition]:
        """What the sessions of all servers hold, this one's too."""
        for session in self._sessions():
            yield from self._current(session).values()

    def history(self, name: str, session: Path | None) -> dict[int, Path]:
        """The versions of a tool and their folders, oldest first; those of ``session`` are the last."""
        folders = (self.folder, session) if session is not None else (self.folder,)
        found = {int(path.name): path for each in folders for path in made_files.versions(each / name)}
        return {number: found[number] for number in sorted(found)[-HISTORY:]}

    def has(self, name: str) -> bool:
        """Whether something is kept under a name, even what cannot be obeyed."""
        return os.path.lexists(self.folder / name)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One writer at a time, also among processes; the folder is there and nobody else can write to it.

        Raises:
            InvalidSettings: others could have written there.
            CallerError: another writer does not end.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made_files.check(self.folder, folder=True)
        with locked(self.folder / "made"):
            yield

    def keep(self, edition: Edition, history: Mapping[int, Path]) -> Edition:
        """``edition`` among the kept ones, by one rename; what it is numbered there.

        Earlier versions, as ``history`` has them, come along where nothing was kept so far.
        """
        target = self.folder / edition.name
        if not target.is_dir():
            made = self._new()
            for number, path in history.items():
                if number < edition.version:
                    with contextlib.suppress(InvalidSettings):  # one that is damaged is none
                        made_files.write(made / str(number), made_files.read(path), durable=True)
            made_files.write(made / str(edition.version), edition, durable=True)
            made_files.sync(made)
            made.rename(target)
        else:
            last = max((int(path.name) for path in made_files.versions(target)), default=0)
            edition = replace(edition, version=max(edition.version, last + 1))
            made = self.folder / f".new-{secrets.token_hex(8)}"
            made_files.write(made, edition, durable=True)
            made.rename(target / str(edition.version))
            made_files.sync(target)
            self._forget_oldest(target)
        made_files.sync(self.folder)
        self._tell()
        return edition

    @contextlib.contextmanager
    def staged(self, session: Path, edition: Edition) -> Iterator[Path]:
        """The folder of ``edition`` where nobody looks for it yet; gone afterwards, unless it was placed."""
        trial = session / f".trial-{secrets.token_hex(8)}"
        trial.mkdir(mode=0o700)
        try:
            made_files.write(trial / str(edition.version), edition, durable=False)
            yield trial / str(edition.version)
        finally:
            made_files.remove(trial)

    def place(self, session: Path, staged: Path, edition: Edition) -> None:
        """Move what was staged to where it is found."""
        target = session / edition.name
        target.mkdir(exist_ok=True, mode=0o700)
        staged.rename(target / str(edition.version))
        self._forget_oldest(target)

    def discard(self, edition: Edition, session: Path | None, *, told: bool = True) -> None:
        """Take a tool out of a session; ``told`` lets the server whose session that is know."""
        if session is not None:
            made_files.remove(session / edition.name)
            if told:
                self._tell()

    def session_of(self, edition: Edition) -> Path | None:
        """The session of some server that holds ``edition``."""
        return next((each for each in self._sessions() if self.path(edition, each).is_dir()), None)

    def size(self, session: Path | None) -> int:
        """The bytes of all that is kept and of what a session holds."""
        return sum(
            made_files.size(path)
            for folder in (self.folder, session)
            if folder is not None and folder.is_dir()
            for path in folder.iterdir()
            if NAME.fullmatch(path.name)
        )

    def remove(self, name: str) -> bool:
        """Take a kept tool away with all its versions; whether there was one."""
        path = self.folder / name
        if not os.path.lexists(path):
            return False
        gone = self.folder / f".gone-{secrets.token_hex(8)}"
        path.rename(gone)
        made_files.sync(self.folder)
        self._tell()
        made_files.remove(gone)
        return True

    def path(self, edition: Edition, session: Path | None) -> Path:
        """The folder of a version, in a session or (None) among the kept ones."""
        return (session or self.folder) / edition.name / str(edition.version)

    def sweep(self) -> None:
        """Take away what killed servers and killed writers left; while writing."""
        for session in self._sessions():
            if not _is_alive(session):
                made_files.remove(session)
        for left in (*self.folder.glob(".new-*"), *self.folder.glob(".gone-*")):
            made_files.remove(left)

    def begin_session(self) -> tuple[Path, int]:
        """A new folder for what nobody kept, and the lock that ends with its process; while writing."""
        import fcntl  # POSIX only, as in policy.replacing

        self.sweep()
        (self.folder / SESSIONS).mkdir(exist_ok=True, mode=0o700)
        session = self.folder / SESSIONS / secrets.token_hex(8)
        session.mkdir(mode=0o700)
        handle = os.open(session / ".alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        return session, handle

    def _sessions(self) -> list[Path]:
        folder = self.folder / SESSIONS
        if not made_files.is_safe(folder):
            return []
        return [path for path in sorted(folder.iterdir()) if made_files.is_safe(path)]

    def _current(self, folder: Path) -> dict[str, Edition]:
        found: dict[str, Edition] = {}
        if not made_files.is_safe(folder):
            return found
        for path in sorted(folder.iterdir()):
            if not NAME.fullmatch(path.name):
                continue
            try:
                made_files.check(path, folder=True)
                versions = made_files.versions(path)
                if versions:
                    found[path.name] = made_files.read(versions[-1])
            except FileNotFoundError:
                continue  # somebody removes it just now
            except InvalidSettings as error:
                log.error("The made tool %s is left out: %s", path.name, error)
        return found

    def _new(self) -> Path:
        path = self.folder / f".new-{secrets.token_hex(8)}"
        path.mkdir(mode=0o700)
        return path

    def _forget_oldest(self, target: Path) -> None:
        for path in made_files.versions(target)[:-HISTORY]:
            gone = path.with_name(f".gone-{path.name}")
            path.rename(gone)
            made_files.remove(gone)

    def _tell(self) -> None:
        replace_file(self.folder / ".changed", secrets.token_hex(16).encode())


def end_session(session: Path, handle: int) -> None:
    """Take a session of this process away."""
    made_files.remove(session)
    os.close(handle)


def _is_alive(session: Path) -> bool:
    """Whether the server that has ``session`` still runs: its lock ends with it, however it ends."""
    import fcntl

    try:
        handle = os.open(session / ".alive", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return (about.st_ctime_ns, about.st_mtime_ns, about.st_ino, about.st_size)
