"""C that a model sends, as a component that is run like a runner: ``run(request) -> answer``.

What a program gets and what counts as its value:

- The request's ``input`` is its standard input: a string as it is, anything else
  as JSON text. A function ``const char *result(const char *input)`` (or of the
  name ``run``) is called after ``main`` has returned 0; what it returns is the
  value, as JSON where it is JSON, else as a string. Without one there is none.
- An exit code other than 0 is an error of the type ``ExitCode``, with the code in
  ``data``; ``abort``, a failed ``assert`` and what the compiler's checks find
  (``build/c_program.py``) are errors with their line. Everything else that is
  wrong traps, and the host says how.

The same source is compiled once: its component is kept in the cache.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mcp_wasm.build import c_library, c_program, confine
from mcp_wasm.build.c_program import Program
from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.component import types as wit
from mcp_wasm.errors import Message
from mcp_wasm.sandbox.artifacts import Cache

_STRING = wit.Primitive("string")
_WASI = (
    "cli/environment", "cli/stdout", "cli/stderr", "clocks/monotonic-clock", "clocks/wall-clock",
    "filesystem/preopens", "filesystem/types", "io/error", "io/poll", "io/streams", "random/random",
)  # fmt: skip

WORLD = wit.World(
    tuple(wit.Import(f"wasi:{name}@0.2.0", "interface", ()) for name in _WASI),
    (wit.Function("", "run", (wit.Param("request", _STRING),), _STRING),),
)
"""The world of every program: what it may import at most, and what it exports."""


def compile_run(
    source: str, runtimes: Path, cache: Cache, *, file: str = "code.c", progress: Progress = silent
) -> Program:
    """The component of a program and the compiler's warnings; compiled confined, or from the cache.

    ``runtimes`` is the folder that keeps the C library, which is put there at
    first (``c_library.prepare``). ``file`` is the name in messages.

    Raises:
        BuildFailed: what is wrong, with line and column of ``source`` in its ``messages``.
        NotConfined: there is no confinement for compilers on this machine.
        ToolchainMissing: zig is not installed.
    """
    entry = _entry(source, file)
    kept = cache.read(entry)
    if kept is not None:
        return _read(kept)
    confined = confine.require()
    program = c_program.compile_program(c_library.prepare(runtimes, progress), source, file, confined)
    cache.write(entry, _written(program))
    return program


def warm(runtimes: Path, progress: Progress = silent) -> None:
    """Have the C library ready, so that no run waits for it.

    Raises:
        BuildFailed, ToolchainMissing: it cannot be made.
    """
    c_library.prepare(runtimes, progress)


def state(runtimes: Path) -> str:
    """``ready``, ``buildable``, or the reason why C cannot be compiled, in words."""
    reason = c_library.unavailable()
    if reason is not None:
        return reason
    return "ready" if c_library.is_prepared(runtimes) else "buildable"


def note(program: Program) -> str:
    """The compiler's warnings as a note beside an answer, ``""`` where it had none."""
    return "\n".join(str(each) for each in program.warnings)


def _entry(source: str, file: str) -> str:
    made_of = hashlib.sha256(f"{c_library.key()}\n{file}\n".encode())
    made_of.update(Path(c_program.__file__).read_bytes())
    made_of.update(source.encode(errors="surrogatepass"))
    return f"program-{made_of.hexdigest()}"


def _written(program: Program) -> bytes:
    warnings = [[m.file, m.line, m.column, m.severity, m.text] for m in program.warnings]
    return json.dumps(warnings).encode() + b"\n" + program.component


def _read(kept: bytes) -> Program:
    warnings, _, component = kept.partition(b"\n")
    return Program(component, tuple(Message(*each) for each in json.loads(warnings)))
