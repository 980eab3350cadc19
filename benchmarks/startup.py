"""From the start of a process to its first reply, and from a component's bytes to its first result."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import clients
from benchmarks.measure import in_turns
from benchmarks.table import Row, compared, seconds
from mcp_wasm.runtime import Runtime

_INITIALIZE = clients.request(1, "initialize", clients.INITIALIZE)


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """The one table."""
    rounds = 2 if quick else 9
    first = in_turns(lambda: _first_reply("ours", folder), lambda: _first_reply("sdk", folder), rounds)
    command = in_turns(lambda: _command(folder), lambda: _first_reply("sdk", folder), rounds)
    imported = in_turns(_imported("mcp_wasm.runtime"), _imported("wasmtime"), rounds)
    rows = [
        compared("server, process start to first reply, compiled before", first, 1.2),
        compared("the same by its command line: mcp-wasm serve", command, 1.2),
        compared("import mcp_wasm.runtime, against import wasmtime", imported),
        compared(
            "import mcp_wasm, against nothing", in_turns(_imported("mcp_wasm"), _imported("sys"), rounds)
        ),
    ]
    cold, warm = _load(folder, rounds)
    rows.append(
        Row("runtime and first call of add, compiled before, against not", seconds(warm), seconds(cold))
    )
    return {"Start-up": rows}


def _first_reply(kind: str, folder: Path) -> float:
    return _replied([sys.executable, "-m", "benchmarks.serving", kind, "stdio", str(folder)])


def _command(folder: Path) -> float:
    return _replied(
        [
            sys.executable,
            "-m",
            "mcp_wasm",
            "serve",
            "--no-build",
            "--no-bundled",
            "--components",
            str(folder),
        ],
        folder / "home",
    )


def _replied(command: list[str], home: Path | None = None) -> float:
    environment = None if home is None else {**os.environ, "MCP_WASM_HOME": str(home)}
    begun = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=clients.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(_INITIALIZE)
        child.stdin.flush()
        reply = json.loads(child.stdout.readline())
        taken = time.perf_counter() - begun
        child.kill()
    if "result" not in reply:
        raise ValueError(str(reply))
    return taken


def _imported(module: str) -> Callable[[], float]:
    def batch() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
        return time.perf_counter() - begun

    return batch


def _load(folder: Path, rounds: int) -> tuple[float, float]:
    """The medians of a first call in a new runtime, without and with the compiled component in its cache."""
    home = Path(tempfile.mkdtemp())

    def first_call() -> float:
        begun = time.perf_counter()
        with Runtime(home=home) as runtime:
            runtime.add(folder / "add.wat")
            runtime.call_sync("add_add", {"a": 1, "b": 2})
            return time.perf_counter() - begun

    def cold() -> float:
        shutil.rmtree(home, ignore_errors=True)
        return first_call()

    try:
        taken = [(cold(), first_call()) for _ in range(rounds)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    middle = len(taken) // 2
    return sorted(a for a, _ in taken)[middle], sorted(b for _, b in taken)[middle]
