"""Clients that cost next to nothing, so that what is measured is the server: bytes on pipes and sockets.

Each keeps a given number of calls in flight: a reply read is the next call sent.
The protocol is that of the handshake, or of 2026 where ``modern`` says so.
"""

from __future__ import annotations

import json
import os
import select
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[1]
_CHUNK = 1 << 20
_PATIENCE_S = 30.0
_CLIENT = {"name": "benchmark", "version": "1"}
_ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": _CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT}
ADDITION = {"name": "add_add", "arguments": {"a": 1, "b": 2}}


def request(number: int, method: str, params: dict[str, Any], *, modern: bool = False) -> bytes:
    """One JSON-RPC request as a line."""
    if modern:
        params = {**params, "_meta": _ENVELOPE}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def start(kind: str, transport: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start a server of ``benchmarks.serving``."""
    command = [sys.executable, "-m", "benchmarks.serving", kind, transport, str(folder)]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )


class Child:
    """A server process that ends with the ``with`` block; it has no state that needs saving."""

    def __init__(self, kind: str, transport: str, folder: Path) -> None:
        self.process = start(kind, transport, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        with self.process:
            pass

    def cpu(self) -> float:
        """The seconds of CPU that it has used (Linux; elsewhere 0); other work hardly counts."""
        status = Path(f"/proc/{self.process.pid}/stat")
        ticks = status.read_text().rpartition(")")[2].split()[11:13] if status.exists() else ()
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Its resident memory in bytes (Linux; elsewhere 0)."""
        status = Path(f"/proc/{self.process.pid}/statm")
        pages = int(status.read_text().split()[1]) if status.exists() else 0
        return pages * os.sysconf("SC_PAGE_SIZE")


class Pipe(Child):
    """A client on a server's standard streams."""

    def __init__(self, kind: str, folder: Path, *, modern: bool = False) -> None:
        super().__init__(kind, "stdio", folder)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._modern, self._number, self._rest = modern, 0, b""
        if modern:
            self.ask("server/discover", {})
        else:
            self.ask("initialize", INITIALIZE)
            os.write(self._in, b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def send(self, method: str, params: dict[str, Any]) -> int:
        """Send a request; its number."""
        self._number += 1
        data = request(self._number, method, params, modern=self._modern)
        while data:
            data = data[os.write(self._in, data) :]
        return self._number

    def lines(self) -> list[bytes]:
        """The replies that have come, at least one.

        Raises:
            EOFError: when the server is gone.
        """
        while b"\n" not in self._rest:
            if not select.select([self._out], [], [], _PATIENCE_S)[0]:
                raise TimeoutError("the server does not answer")
            data = os.read(self._out, _CHUNK)
            if not data:
                raise EOFError("the server ended")
            self._rest += data
        *whole, self._rest = self._rest.split(b"\n")
        return whole

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of one request, with nothing else in flight."""
        self.send(method, params)
        reply: dict[str, Any] = json.loads(self.lines()[0])
        return reply["result"]  # type: ignore[no-any-return]

    def call(self, times: int, in_flight: int, params: dict[str, Any] | None = None) -> float:
        """Make calls, so many of them in flight; seconds a call."""
        params = ADDITION if params is None else params
        begun, sent, got = time.perf_counter(), 0, 0
        while sent < min(in_flight, times):
            self.send("tools/call", params)
            sent += 1
        while got < times:
            for line in self.lines():
                if b'"isError":true' in line or b'"error":' in line:
                    raise ValueError(line[:500].decode())
                got += 1
                if sent < times:
                    self.send("tools/call", params)
                    sent += 1
        return (time.perf_counter() - begun) / times


class Http(Child):
    """A client of a server's HTTP port, one keep-alive connection for each call in flight."""

    def __init__(self, kind: str, folder: Path, connections: int = 32) -> None:
        super().__init__(kind, "http", folder)
        assert self.process.stdout is not None
        self._port = int(self.process.stdout.readline())
        self._session = b""
        self._sockets = [self._connect() for _ in range(connections)]
        head = self._ask(self._sockets[0], request(0, "initialize", INITIALIZE))
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"mcp-session-id":
                self._session = value.strip()
        self._ask(self._sockets[0], b'{"jsonrpc":"2.0","method":"notifications/initialized"}')

    def _connect(self) -> socket.socket:
        for _ in range(100):
            try:
                made = socket.create_connection(("127.0.0.1", self._port), _PATIENCE_S)
            except ConnectionRefusedError:
                time.sleep(0.05)
            else:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return made
        raise EOFError("the server does not listen")

    def _post(self, body: bytes) -> bytes:
        session = b"Mcp-Session-Id: " + self._session + b"\r\n" if self._session else b""
        return (
            b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-06-18\r\n%s"
            b"Content-Length: %d\r\n\r\n%s"
        ) % (self._port, session, len(body), body)

    def _ask(self, made: socket.socket, body: bytes) -> bytes:
        made.sendall(self._post(body))
        answer = b""
        while not _is_whole(answer):
            answer += made.recv(_CHUNK)
        return answer

    def call(self, times: int, in_flight: int) -> float:
        """Make calls, so many of them in flight; seconds a call."""
        # Two requests of one session in flight may not have the same number.
        posts = {
            made: self._post(request(number, "tools/call", ADDITION))
            for number, made in enumerate(self._sockets[: min(in_flight, times)], 1)
        }
        begun, sent, got = time.perf_counter(), 0, 0
        answers: dict[socket.socket, bytes] = {}
        with selectors.DefaultSelector() as ready:
            for made, post in posts.items():
                ready.register(made, selectors.EVENT_READ)
                made.sendall(post)
                answers[made] = b""
                sent += 1
            while got < times:
                came = ready.select(_PATIENCE_S)
                if not came:
                    raise TimeoutError(f"{times - got} calls are not answered")
                for key, _ in came:
                    made = key.fileobj  # type: ignore[assignment]
                    answers[made] += made.recv(_CHUNK)
                    if not _is_whole(answers[made]):
                        continue
                    if not answers[made].startswith(b"HTTP/1.1 200") or b'"isError":true' in answers[made]:
                        raise ValueError(answers[made][:500].decode())
                    answers[made] = b""
                    got += 1
                    if sent < times:
                        made.sendall(posts[made])
                        sent += 1
        return (time.perf_counter() - begun) / times


def _is_whole(answer: bytes) -> bool:
    """Whether an HTTP answer is there to its end."""
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        return body.endswith(b"0\r\n\r\n")
    length = lowered.partition(b"content-length:")[2].split(b"\r\n")[0].strip()
    return len(body) >= int(length or 0)
