"""A server in a process of its own, for tests of what happens to processes.

    child.py stdio|http FOLDER [NAME=VALUE …]

serves the component in FOLDER under the name ``demo``; the rest are options of
the server. ``noisy=1`` makes it print to its standard output all the time.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import anyio

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.http import serve_http
from mcp_wasm.server.options import ServerOptions
from mcp_wasm.server.stdio import serve_stdio


def noise() -> None:
    """Print in every way a library or a child process might, from when serving has begun."""
    before = os.fstat(1)
    while os.fstat(1) == before:
        pass
    while True:
        sys.stdout.write("stray line\n")
        os.write(1, b"stray bytes\n")
        os.system("echo stray child")


def main(transport: str, program: str, *settings: str) -> None:
    given = dict(setting.split("=", 1) for setting in settings)
    if given.pop("noisy", ""):
        sys.stdout.write("printed before serving and never flushed")
        threading.Thread(target=noise, daemon=True).start()
    token = given.pop("token", None)
    options = ServerOptions(**{name: float(v) if "." in v else int(v) for name, v in given.items()})  # type: ignore[arg-type]
    with Runtime(workers=2) as runtime:
        runtime.add(Path(program), name="demo")
        if transport == "stdio":
            anyio.run(serve_stdio, runtime, options)
        else:
            anyio.run(serve_http, runtime, options, "127.0.0.1", 0, token)


if __name__ == "__main__":
    main(*sys.argv[1:])
