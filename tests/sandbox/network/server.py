"""A real HTTP server on loopback whose answers a test writes, byte for byte if it likes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Seen:
    """One request as it arrived: ``head`` is everything before the body."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    def header(self, name: str) -> list[str]:
        """The values of a header."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = [line.partition(":") for line in lines if line]
        return [value.strip() for key, _, value in pairs if key.lower() == name.lower()]


Reply = Callable[[Seen, socket.socket], "bytes | None"]
"""Gives what is sent, or sends it itself and gives None; then the connection is closed."""


@dataclass
class Server:
    """``seen`` are the requests in order, ``connections`` how many were accepted."""

    port: int
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    gone: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stopping: threading.Event = field(default_factory=threading.Event)
    open: set[socket.socket] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def settled(self) -> None:
        """Wait until no connection is open."""
        with self.changed:
            assert self.changed.wait_for(lambda: not self.open, 15)

    @property
    def authority(self) -> str:
        """``127.0.0.1:port``."""
        return f"127.0.0.1:{self.port}"


def ok(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def stalling(seen: Seen, connection: socket.socket) -> None:
    """Never comes to an end: after nothing, a head (``/head``) or endless interim answers (``/interim``)."""
    if "/head" in seen.line:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    while "/interim" in seen.line:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    connection.recv(1)


def _talk(connection: socket.socket, server: Server, reply: Reply) -> None:
    buffer = b""
    while not server.stopping.is_set():
        while b"\r\n\r\n" not in buffer:
            chunk = connection.recv(65_536)
            if not chunk:
                return
            buffer += chunk
        head, _, rest = buffer.partition(b"\r\n\r\n")
        seen = Seen(head, b"")
        length = int((seen.header("content-length") or ["0"])[0])
        while len(rest) < length:
            chunk = connection.recv(65_536)
            if not chunk:
                return
            rest += chunk
        seen.body, buffer = rest[:length], rest[length:]
        with server.changed:
            server.seen.append(seen)
            server.changed.notify_all()
        answer = reply(seen, connection)
        if answer is None:
            return
        connection.sendall(answer)


@contextlib.contextmanager
def serving(reply: Reply, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """A server that answers each request with ``reply`` until the block ends."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind((host, 0))
    listener.listen(64)
    server = Server(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not server.stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if server.stopping.is_set():
                connection.close()
                return
            server.connections += 1
            server.open.add(connection)
            thread = threading.Thread(target=handle, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    def handle(connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                if tls is None:
                    _talk(connection, server, reply)
                    return
                with tls.wrap_socket(connection, server_side=True) as wrapped:
                    _talk(wrapped, server, reply)
        finally:
            with server.changed:
                server.open.discard(connection)
                server.changed.notify_all()
            server.gone.release()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        server.stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection((host, server.port), 1).close()
        for connection in list(server.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
        listener.close()
        for thread in threads:
            thread.join(5)
