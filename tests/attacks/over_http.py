"""An attacked server that is spoken to over HTTP, by requests written by hand."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tests.attacks.attacked import PATIENCE, VICTIM, Held, environment, settled
from tests.server.http_clients import open_request, session_of

VERSION = "2025-11-25"


class HttpAttacked:
    """An HTTP server with every component of a folder."""

    def __init__(self, folder: Path, scratch: Path, workers: int) -> None:
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self.process = subprocess.Popen(
            [sys.executable, str(VICTIM), "http", str(folder), str(workers), str(scratch / "home")],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd=scratch,
            env=environment(scratch),
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().decode().strip()
        self._numbers = itertools.count(1)

    def session(self) -> str:
        """A new session."""
        return session_of(self.url)

    def end(self, session: str) -> None:
        """End a session, which would otherwise be kept until it was idle for long."""
        _, connection = open_request(
            self.url, "DELETE", b"", Mcp_Session_Id=session, Mcp_Protocol_Version=VERSION
        )
        connection.close()

    def call(
        self, session: str, tool: str, arguments: Mapping[str, Any], limits: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The result of a call."""
        body = self._body(tool, arguments, limits)
        response, connection = open_request(
            self.url, "POST", body, Mcp_Session_Id=session, Mcp_Protocol_Version=VERSION
        )
        try:
            text = response.read().decode()
        finally:
            connection.close()
        for line in text.splitlines():
            if line.startswith("data: {"):
                message = json.loads(line[6:])
                if "result" in message:
                    result: dict[str, Any] = message["result"]
                    return result
        raise AssertionError(f"no result in {response.status} {text[:500]}")

    def hang_up(
        self, session: str, tool: str, arguments: Mapping[str, Any], limits: Mapping[str, Any] | None = None
    ) -> None:
        """Call, and go away as soon as the answer begins."""
        body = self._body(tool, arguments, limits)
        _, connection = open_request(
            self.url, "POST", body, Mcp_Session_Id=session, Mcp_Protocol_Version=VERSION
        )
        connection.close()

    def settled(self) -> Held:
        """What it holds once memory that nobody uses was given back."""

        def use() -> None:
            session = self.session()
            self.call(session, "tiny_add", {"a": 1, "b": 1})
            self.end(session)

        return settled(self.process, use)

    def _body(self, tool: str, arguments: Mapping[str, Any], limits: Mapping[str, Any] | None) -> bytes:
        params: dict[str, Any] = {"name": tool, "arguments": dict(arguments)}
        if limits:
            params["_meta"] = {"mcp-wasm/limits": dict(limits)}
        message = {"jsonrpc": "2.0", "id": next(self._numbers), "method": "tools/call", "params": params}
        return json.dumps(message).encode()


@contextlib.contextmanager
def attacked_over_http(folder: Path, scratch: Path, workers: int) -> Iterator[HttpAttacked]:
    """A server that is told to end afterwards, and must then end well."""
    server = HttpAttacked(folder, scratch, workers)
    try:
        yield server
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE) == 0
    finally:
        server.process.kill()
        server.process.wait()
        if server.process.stdout is not None:
            server.process.stdout.close()
        server.errors.close()
