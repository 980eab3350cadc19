"""What an HTTP request of a guest costs, against the same request by Python's own client.

Both make a new connection for each request, to a server on this machine. The
guest's part is a whole call: a fresh instance, the request, the answer by way
of its file, and every byte of it read.
"""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import in_turns, repeat
from benchmarks.table import Row, compared
from mcp_wasm.capability.grant import Network
from mcp_wasm.runtime import Runtime

GUEST = Path(__file__).parents[1] / "tests" / "programs" / "fetch.wat"
SIZES = {"/10000": "10 KB", "/1000000": "1 MB"}


class _Answers(http.server.BaseHTTPRequestHandler):
    """As many bytes as the path says."""

    def do_GET(self) -> None:
        """Answer one request."""
        body = b"x" * int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The one table."""
    rounds, times = (3, 10) if quick else (15, 40)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever).start()
    try:
        with Runtime(home=folder / "fetching") as runtime:
            runtime.add(GUEST)
            rows = [
                compared(
                    f"a request of {words}, against http.client's",
                    in_turns(
                        repeat(_guest(runtime, server.server_address[1], path), times),
                        repeat(_plain(server.server_address[1], path), times),
                        rounds,
                    ),
                )
                for path, words in SIZES.items()
            ]
    finally:
        server.shutdown()
        server.server_close()
    return {"HTTP requests of a guest": rows}


def _guest(runtime: Runtime, port: int, path: str) -> Callable[[], object]:
    grants = [Network(("127.0.0.1",), ("http",), (port,), private=True)]
    arguments = {"authority": f"127.0.0.1:{port}", "path": path}

    def fetch() -> object:
        outcome = runtime.call_sync("fetch_size", arguments, approved=grants)
        assert outcome.value == int(path[1:])
        return outcome

    return fetch


def _plain(port: int, path: str) -> Callable[[], object]:
    def fetch() -> object:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", path)
            body = connection.getresponse().read()
        finally:
            connection.close()
        assert len(body) == int(path[1:])
        return body

    return fetch
