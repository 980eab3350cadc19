"""A server in a process of its own, and the ends of its pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

CHILD = Path(__file__).with_name("child.py")
Program = Callable[[str], Path]
Start = Callable[..., "Server"]

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "0"},
}


def request(id_: int | str, method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode() + b"\n"


def call(id_: int | str, tool: str, **arguments: Any) -> bytes:
    return request(id_, "tools/call", name=tool, arguments=arguments)


INITIALIZE = request(0, "initialize", **HELLO)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


class Server:
    """A server process and the two ends of its pipes."""

    def __init__(self, command: list[str], **streams: Any) -> None:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        self.process = cast(subprocess.Popen[bytes], subprocess.Popen(command, **streams))

    @property
    def input(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def send(self, *lines: bytes) -> None:
        self.input.write(b"".join(lines))
        self.input.flush()

    def receive(self) -> dict[str, Any]:
        line = self.output.readline()
        assert line, "the server has closed its output"
        message: dict[str, Any] = json.loads(line)
        return message

    def greet(self) -> None:
        self.send(INITIALIZE, INITIALIZED)
        assert self.receive()["result"]["capabilities"]["tools"]["listChanged"] is True

    def add(self, id_: int = 77) -> None:
        self.send(call(id_, "demo_add", a=20, b=22))
        answer = self.receive()
        assert (answer["id"], answer["result"]["structuredContent"]) == (id_, {"result": 42})

    def ends(self) -> int:
        """The exit code; the server has far longer than the second it is allowed, for slow machines."""
        return self.process.wait(timeout=15)


def command(program: Program, *settings: str) -> list[str]:
    return [sys.executable, str(CHILD), "stdio", str(program("server_tools")), *settings]
