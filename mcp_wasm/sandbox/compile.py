"""Machine code from Wasm: small pieces here, large ones in a child process.

A compile cannot be interrupted, so a large or hostile one runs where it can be
killed, at low priority and for a bounded time. The child gets a list of jobs on
its standard input and writes one artifact file for each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import wasmtime
from wasmtime import component

from mcp_wasm.sandbox.engine import engine

_IN_PROCESS_BYTES = 256 * 1024
_TIMEOUT_S = 600
_MESSAGE_CHARS = 2000


class CompileFailed(Exception):
    """The engine refused the binary; the text says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to compile: a component or a core module."""

    kind: Literal["component", "module"]
    binary: bytes


def compile_all(jobs: Sequence[Job]) -> list[bytes]:
    """The artifact of each job, in order.

    Raises:
        CompileFailed: if the engine refuses one, or a compile dies or takes over ten minutes.
    """
    if sum(len(job.binary) for job in jobs) <= _IN_PROCESS_BYTES:
        return [compile_here(job) for job in jobs]
    with tempfile.TemporaryDirectory(prefix="mcp-wasm-") as scratch:
        return _compile_apart(jobs, Path(scratch))


def compile_here(job: Job) -> bytes:
    """The artifact of one job, compiled in this process."""
    try:
        if job.kind == "component":
            return bytes(component.Component(engine(), job.binary).serialize())
        return bytes(wasmtime.Module(engine(), job.binary).serialize())
    except wasmtime.WasmtimeError as error:
        raise CompileFailed(str(error)) from None


def _compile_apart(jobs: Sequence[Job], folder: Path) -> list[bytes]:
    plan = []
    for index, job in enumerate(jobs):
        source, target = folder / f"{index}.wasm", folder / f"{index}.out"
        source.write_bytes(job.binary)
        plan.append({"kind": job.kind, "source": str(source), "target": str(target)})
    package_parent = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-P", "-m", "mcp_wasm.sandbox.compile"]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join([str(package_parent), *filter(None, sys.path)])},
    )
    _children.add(child)
    try:
        _, printed = child.communicate(json.dumps(plan).encode(), timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise CompileFailed(f"compiling took over {_TIMEOUT_S} s") from None
    finally:
        child.kill()
        child.wait()
        _children.discard(child)
    if child.returncode != 0:
        message = printed[-_MESSAGE_CHARS:].decode("utf-8", "replace").strip()
        raise CompileFailed(message or f"the compiler ended with {child.returncode}")
    return [Path(step["target"]).read_bytes() for step in plan]


_children: set[subprocess.Popen[bytes]] = set()


def stop_all() -> None:
    """Kill every compile that runs in a child process; those who wait for one get ``CompileFailed``."""
    for child in tuple(_children):
        child.kill()


def _main() -> int:
    if hasattr(os, "nice"):
        os.nice(10)
    for step in json.load(sys.stdin):
        try:
            artifact = compile_here(Job(step["kind"], Path(step["source"]).read_bytes()))
        except CompileFailed as error:
            sys.stderr.write(str(error))
            return 1
        Path(step["target"]).write_bytes(artifact)
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
