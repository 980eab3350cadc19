"""One real Redis server for all tests of stores, where the program is installed."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import redis

from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.memory.redis import Redis


@functools.cache
def url() -> str:
    """Where it listens: a socket that only we can reach."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no redis-server is installed (apt-get install redis-server)")
    folder = tempfile.TemporaryDirectory()
    socket = Path(folder.name) / "socket"
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--save", ""],
        cwd=folder.name,
        stdout=subprocess.DEVNULL,
    )

    def stop() -> None:
        server.kill()
        server.wait()
        folder.cleanup()

    atexit.register(stop)
    end = time.monotonic() + 15
    while True:
        try:
            with redis.Redis.from_url(f"unix://{socket}") as client:
                client.ping()
        except redis.exceptions.ConnectionError:
            assert time.monotonic() < end, "redis-server has not started"
            time.sleep(0.01)  # it has no other word for being ready
        else:
            return f"unix://{socket}"


def redis_store(folder: Path, bounds: Bounds | None) -> Redis:
    """A store that those of the same folder share."""
    return Redis(url(), bounds, prefix=str(folder))
