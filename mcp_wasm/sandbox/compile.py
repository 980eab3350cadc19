"""Machine code from Wasm: light pieces here, heavy ones in a child process.

A compile cannot be interrupted, so a large or hostile one runs where it can be
killed, at low priority and within bounds. The child gets a list of jobs on its
standard input and writes one artifact file for each.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import wasmtime
from wasmtime import component

from mcp_wasm.sandbox.children import Children, Stopped
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.weight import is_light

_TIMEOUT_S = 300
_MESSAGE_CHARS = 2000
_PRINTED_BYTES = 4096


class CompileFailed(Exception):
    """The engine refused the binary, or the compile did not end; the text says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to compile: a component or a core module."""

    kind: Literal["component", "module"]
    binary: bytes


def compile_all(jobs: Sequence[Job], children: Children) -> list[bytes]:
    """The artifact of each job, in order.

    Raises:
        CompileFailed: if the engine refuses one, or a compile dies, reaches a limit or is stopped.
    """
    if len(jobs) == 1 and is_light(jobs[0].binary):
        return [compile_here(jobs[0])]
    with tempfile.TemporaryDirectory(prefix="mcp-wasm-") as scratch:
        return _compile_apart(jobs, Path(scratch), children)


def compile_here(job: Job) -> bytes:
    """The artifact of one job, compiled in this process."""
    try:
        if job.kind == "component":
            return bytes(component.Component(engine(), job.binary).serialize())
        return bytes(wasmtime.Module(engine(), job.binary).serialize())
    except wasmtime.WasmtimeError as error:
        raise CompileFailed(str(error)) from None


def _compile_apart(jobs: Sequence[Job], folder: Path, children: Children) -> list[bytes]:
    plan = []
    for index, job in enumerate(jobs):
        source, target = folder / f"{index}.wasm", folder / f"{index}.out"
        source.write_bytes(job.binary)
        plan.append({"kind": job.kind, "source": str(source), "target": str(target)})
    package_parent = Path(__file__).resolve().parents[2]
    try:
        done = children.run(
            [sys.executable, "-P", "-m", "mcp_wasm.sandbox.compile"],
            env={"PYTHONPATH": os.pathsep.join([str(package_parent), *filter(None, sys.path)])},
            timeout=_TIMEOUT_S,
            output_limit=_PRINTED_BYTES,
            given=json.dumps(plan).encode(),
        )
    except Stopped as error:
        raise CompileFailed(f"compiling it was stopped: {error}") from None
    if done.code < 0:
        raise CompileFailed(f"the compiler was killed or ran out of memory (signal {-done.code})")
    if done.code != 0:
        raise CompileFailed(done.message[-_MESSAGE_CHARS:] or f"the compiler ended with {done.code}")
    return [Path(step["target"]).read_bytes() for step in plan]


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
