"""The server that is attacked: a process of its own, so that what an attack costs can be read from outside.

    victim.py stdio|http FOLDER [WORKERS]

serves every component in FOLDER; over HTTP the address is printed. On SIGUSR1 it
gives memory that nobody uses back to the system, so that what is left is what
something still holds.
"""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
from functools import partial
from pathlib import Path

import anyio

from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.http import serve_http
from mcp_wasm.server.options import ServerOptions
from mcp_wasm.server.stdio import serve_stdio

OPTIONS = ServerOptions(results_bytes=1024 * 1024)
"""Large results are kept for their readers, up to a bound; here that bound must not hide what is lost."""


def trim(*_: object) -> None:
    """Give free memory back; the C library of other systems does so by itself or has no such call."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _tell(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def main(transport: str, folder: str, workers: str = "4", home: str | None = None) -> None:
    """Serve until standard input ends or the process is killed."""
    signal.signal(signal.SIGUSR1, trim)
    with Runtime(home=Path(home) if home else None, workers=int(workers), limits=Limits()) as runtime:
        for path in sorted(Path(folder).glob("*.wa*")):
            for tool in runtime.add(path).tools[:1]:
                # Its code is mapped from a file that stays open: a cost of the component, not of an attack.
                runtime.prepare(tool.name).result()
        if transport == "stdio":
            anyio.run(serve_stdio, runtime, OPTIONS)
        else:
            anyio.run(partial(serve_http, runtime, OPTIONS, started=_tell))


if __name__ == "__main__":
    main(*sys.argv[1:])
