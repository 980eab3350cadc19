"""The NATS server that a node starts for itself: on loopback, with its own data, bound to our life.

One server for each data folder: of several processes of one person the first runs it, the
others use it, and take it over, with its port, its data and its users, when the first is gone.
A server that dies is started again the same way. Whoever has no read access to the folder (0700)
has no password, which is new at each fresh start.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path

from mcp_wasm.errors import MeshMissing, MeshServerFailed, Unreachable
from mcp_wasm.mesh import server_config, server_launch
from mcp_wasm.mesh import server_files as files
from mcp_wasm.mesh.options import Access, EmbeddedOptions
from mcp_wasm.mesh.server_config import Places, User
from mcp_wasm.mesh.server_files import Running, program, running

__all__ = ["Embedded", "Running", "program", "running"]

_log = logging.getLogger(__name__)

_TICK = 0.005
"""Seconds between two looks for what the server writes."""

_WATCH = 0.25
"""Seconds between two tries to take over a server that another process runs."""

_PATIENCE, _MOST_PATIENCE = 0.05, 5.0
"""Seconds until a server that died is started again, doubled with each failure."""

_STOP = 5.0


class Embedded:
    """The server of the data folder ``folder``.

    Belongs to the event loop that starts it. ``users`` are those beside our own.
    """

    def __init__(
        self, folder: Path, options: EmbeddedOptions | None = None, users: Sequence[User] = ()
    ) -> None:
        self.places = Places(folder)
        self.options = options or EmbeddedOptions()
        self.restarts = 0
        """How often a server that had died was started again."""
        self._users = tuple(users)
        self._lock: int | None = None
        self._running: Running | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def ours(self) -> bool:
        """Whether this process runs the server; else another one does, whose server we use."""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """The server's process, where it is ours."""
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> Running:
        """What others need to know of it.

        Raises:
            Unreachable: it has not begun.
        """
        found = self._running if self.ours else running(self.places.folder) or self._running
        if found is None or not found.url:
            raise Unreachable("the embedded NATS server", "it has not started")
        return found

    def access(self) -> tuple[Access, ...]:
        """How to connect, now: another port or password may come with another process."""
        return (self.running.access,)

    async def start(self) -> None:
        """Start the server, or find the one that another process runs for this folder.

        Raises:
            MeshMissing, MeshServerFailed: there is none.
        """
        files.make_private(self.places.folder)
        if self._take_lock():
            await self._begin(None)
        else:
            await self._find()
        self._task = asyncio.create_task(self._supervise(), name="embedded NATS server")

    async def stop(self) -> None:
        """End the server if it is ours; what was stored is on disk."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._end()
        if self._lock is not None:
            self.places.access.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    async def allow(self, users: Sequence[User]) -> None:
        """Have these users, and no others beside our own; those that are gone are cut off.

        Raises:
            MeshServerFailed: another process runs the server, or it does not take them.
        """
        if self._process is None or self._running is None:
            raise MeshServerFailed("another process runs it, and only that one can say who may use it")
        self._users = tuple(users)
        before = self._reloads()
        self._configure(self._running)
        self._process.send_signal(signal.SIGHUP)
        async with _within(self.options.start, "it has not taken the new users"):
            while self._reloads() == before:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(_TICK)

    def _reloads(self) -> int:
        return len(re.findall(rb"Reloaded server configuration", files.read(self.places.log)))

    def _take_lock(self) -> bool:
        lock = os.open(self.places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    async def _find(self) -> None:
        async with _within(self.options.start, "another process has begun it and it does not come up"):
            while self._running is None:
                await asyncio.sleep(_TICK)
                self._running = running(self.places.folder)

    async def _begin(self, before: Running | None) -> None:
        """Start it, with port and password as ``before`` if there was one."""
        if before is None:
            self.places.access.unlink(missing_ok=True)
            before = Running("", None, "node", secrets.token_hex(24))
        self._running = await self._launch(before)
        files.write_private(self.places.access, json.dumps(asdict(self._running)))

    async def _launch(self, before: Running) -> Running:
        for folder in (self.places.ports, self.places.data):
            folder.mkdir(mode=0o700, exist_ok=True)
        for old in self.places.ports.glob("*.ports"):
            old.unlink()
        self._configure(before)
        command = [str(program()), "--config", str(self.places.config)]
        launcher = [sys.executable, "-I", "-S", "-E", str(server_launch.__file__), str(os.getpid())]
        with self.places.first_words.open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                *launcher,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={"PATH": os.defpath},
                cwd=self.places.folder,
                start_new_session=True,  # ctrl-c is for us, who then end it in order
            )
        try:
            async with _within(self.options.start, "it has not come up"):
                ports = await self._ports(self._process)
        except BaseException:
            await self._end()
            raise
        websocket = next(iter(ports.get("websocket", ())), None)
        return Running(ports["nats"][0], websocket, before.user, before.password)

    def _configure(self, at: Running) -> None:
        own = User(at.user, at.password)
        port = files.port(at.url) or self.options.port
        websocket = self.options.websocket
        if websocket is not None:
            websocket = files.port(at.websocket or "") or websocket
        config = server_config.text(self.options, self.places, (own, *self._users), port, websocket)
        files.write_private(self.places.config, config)

    async def _ports(self, process: asyncio.subprocess.Process) -> dict[str, list[str]]:
        while True:
            for file in self.places.ports.glob(f"*_{process.pid}.ports"):
                with contextlib.suppress(ValueError):  # it is being written
                    found: dict[str, list[str]] = json.loads(file.read_bytes())
                    return found
            if process.returncode is not None:
                raise MeshServerFailed(f"it ended with code {process.returncode}: {self._last_words()}")
            await asyncio.sleep(_TICK)

    def _last_words(self) -> str:
        said = files.read(self.places.first_words) or files.read(self.places.log)
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:500] if lines else "it said nothing"

    async def _supervise(self) -> None:
        """Start it again whenever it ends; take it over when the process that ran it has."""
        patience = _PATIENCE
        while True:
            if self._process is not None:
                await self._process.wait()
                self._process = None
            elif not self.ours:
                await asyncio.sleep(_WATCH)
                self._running = running(self.places.folder) or self._running
                if not self._take_lock():
                    continue
            before = self._running
            try:
                await self._begin(before)
            except (MeshServerFailed, MeshMissing, OSError) as error:
                _log.warning("the embedded NATS server could not be started again: %s", error)
                # Its port may be another program's by now: then any other will do.
                if before is not None and patience > _PATIENCE:
                    self._running = Running("", None, before.user, before.password)
                await asyncio.sleep(patience)
                patience = min(2 * patience, _MOST_PATIENCE)
            else:
                self.restarts += 1
                patience = _PATIENCE

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP)
        except TimeoutError:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def _within(seconds: float, otherwise: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise MeshServerFailed(f"{otherwise} within {seconds:g} s") from None
