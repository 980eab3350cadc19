"""An attacked server seen from outside: its answers, and what the system says it holds."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.server.stdio_server import INITIALIZE, INITIALIZED, request

ROOT = Path(__file__).parents[2]
VICTIM = Path(__file__).with_name("victim.py")
LINUX = sys.platform == "linux"
PATIENCE = 15.0
"""Seconds after which a wait for something that must come gives up; nothing is asserted about time."""

MIB = 1024 * 1024
GROWTH = 96 * MIB
"""Memory that a server may hold after an attack beyond what it held before the first one.

A thread's arenas and the tables of the engine stay at their largest size; what is
lost for good would show in the soak, which repeats everything for minutes.
"""

THREADS, FILES = 16, 4
"""Threads and open files that may be left: the engine's pool keeps some threads for ten seconds."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: resident memory in bytes, threads, open files."""

    memory: int
    threads: int
    files: int


def held(pid: int) -> Held:
    """What the process ``pid`` holds now; zeros where there is no ``/proc`` to tell."""
    if not LINUX:
        return Held(0, 0, 0)
    folder = Path(f"/proc/{pid}")
    pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
    tasks, files = len(list((folder / "task").iterdir())), len(list((folder / "fd").iterdir()))
    return Held(pages * os.sysconf("SC_PAGE_SIZE"), tasks, files)


def settled(process: subprocess.Popen[bytes], use: Callable[[], object]) -> Held:
    """What a victim holds once memory that nobody uses was given back; ``use`` makes it serve something."""
    before = held(process.pid)
    if LINUX:
        process.send_signal(signal.SIGUSR1)
        use()  # the signal is handled before or while this is served
    return min(before, held(process.pid), key=lambda h: h.memory)


def environment(scratch: Path) -> dict[str, str]:
    """What a victim is started with; SECRET is what no guest may see."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(scratch), "SECRET": "hunter2"}


def peak(pid: int) -> int:
    """The most resident memory that the process ``pid`` had since ``forget_peak``, in bytes."""
    if not LINUX:
        return 0
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak(pid: int) -> None:
    """Let ``peak`` begin anew."""
    if LINUX:
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


class Attacked:
    """A stdio server with every component of a folder, an honest ``tiny`` among them."""

    def __init__(self, folder: Path, scratch: Path, workers: int = 4) -> None:
        self.outside = scratch / "outside"
        self.outside.mkdir()
        (self.outside / "canary").write_text("untouched", encoding="utf-8")
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self.process = subprocess.Popen(
            [sys.executable, str(VICTIM), "stdio", str(folder), str(workers), str(scratch / "home")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd=self.outside,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "HOME": str(scratch),
                "SECRET": "hunter2",
            },
        )
        self._next = 0
        self._answers: dict[int | str, dict[str, Any]] = {}
        self.notifications: list[dict[str, Any]] = []
        self.begun, self._from = Held(0, 0, 0), 0

    def greet(self, workers: int) -> None:
        """Shake hands, and let every worker run once, so that what comes later is growth."""
        self._send(INITIALIZE, INITIALIZED)
        self.wait(0)
        # The engine's own WASI starts its reactor, with its files and threads, at the first wait and print.
        self.call("wasi_sleep", {"ns": 1000})
        self.call("wasi_print", {"chunks": 1, "byte": 65, "size": 1})
        for number in [self.begin("tiny_add", {"a": 1, "b": n}) for n in range(workers)]:
            self.wait(number)
        self.begun = self.settled()

    def begin(self, tool: str, arguments: Mapping[str, Any], limits: Mapping[str, Any] | None = None) -> int:
        """Send a call; its number."""
        self._next += 1
        meta = {"_meta": {"mcp-wasm/limits": dict(limits)}} if limits else {}
        self._send(request(self._next, "tools/call", name=tool, arguments=dict(arguments), **meta))
        return self._next

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to any request."""
        self._next += 1
        self._send(request(self._next, method, **params))
        return self.wait(self._next)

    def cancel(self, number: int) -> None:
        """Take a call back."""
        params = {"requestId": number, "reason": "test"}
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        self._send(json.dumps(message).encode() + b"\n")

    def wait(self, number: int) -> dict[str, Any]:
        """The answer of that number, whatever comes before it; every line must be JSON-RPC."""
        while number not in self._answers:
            line = self._output.readline()
            assert line, f"the server has ended: {self.said()[-2000:]}"
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            if "id" in message and "method" not in message:
                self._answers[message["id"]] = message
            else:
                self.notifications.append(message)
        return self._answers.pop(number)

    def call(
        self, tool: str, arguments: Mapping[str, Any] | None = None, limits: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The result of a call."""
        result: dict[str, Any] = self.wait(self.begin(tool, arguments or {}, limits))["result"]
        return result

    def said(self) -> str:
        """What it wrote to standard error."""
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace")

    def settled(self) -> Held:
        """What it holds once memory that nobody uses was given back."""
        return settled(self.process, lambda: self.call("tiny_add", {"a": 1, "b": 1}))

    def measure(self) -> None:
        """Let ``grown`` count from now."""
        self._from = self.settled().memory
        forget_peak(self.process.pid)

    def grown(self) -> int:
        """How much more memory it had since ``measure``, at most, in bytes."""
        return max(0, peak(self.process.pid) - self._from)

    def check(self, growth: int = GROWTH) -> None:
        """It serves, its memory, threads and files are back, and nothing outside was touched.

        Polls until everything is back; ``PATIENCE`` ends that.
        """
        end = time.monotonic() + PATIENCE
        while True:
            answer = self.call("tiny_add", {"a": 20, "b": 22})
            if "calls waiting already" in text_of(answer) and time.monotonic() < end:
                continue  # those that were taken back are still being taken out of the line
            assert answer.get("structuredContent") == {"result": 42}, answer
            now = self.settled()
            back = (
                now.memory <= self.begun.memory + growth
                and now.threads <= self.begun.threads + THREADS
                and now.files <= self.begun.files + FILES
            )
            if back:
                break
            assert time.monotonic() < end, f"not back: {self.begun} before, {now} now"
        left = {path.name: path.read_text(encoding="utf-8") for path in self.outside.iterdir()}
        assert left == {"canary": "untouched"}

    def close(self) -> None:
        """End it, by closing its input; it must end by itself."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(timeout=PATIENCE) == 0, self.said()[-2000:]

    def kill(self) -> None:
        """End it in any case."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    @property
    def _output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def _send(self, *lines: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()


@contextlib.contextmanager
def attacked(folder: Path, scratch: Path, workers: int = 4) -> Iterator[Attacked]:
    """A server that is ended afterwards, and must then end well."""
    server = Attacked(folder, scratch, workers)
    try:
        server.greet(workers)
        yield server
        server.close()
    finally:
        server.kill()


def text_of(result: Mapping[str, Any]) -> str:
    """The text of a result."""
    return "\n".join(block["text"] for block in result["content"] if block["type"] == "text")
