"""C and WebAssembly text as something to call: compiled, confined, and gone after the run.

C takes the request of a runner; WebAssembly text exports a typed function, which
takes the run's input as its arguments.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_wasm import publish
from mcp_wasm.code import c, wat
from mcp_wasm.code.contract import ABSENT, CODE, DIGEST, WISHES, Run
from mcp_wasm.code.ports import Compiled
from mcp_wasm.code.run import COMPONENT, FILE, RUN_CODE
from mcp_wasm.component import types as wit
from mcp_wasm.errors import BuildFailed, ComponentRefused, InvalidArguments, Mismatch
from mcp_wasm.registry import sources
from mcp_wasm.registry.tool import Tool
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits

_PREFERRED = ("run", "main", "result")


class Compiler:
    """Compiles what is not data for a runner; ``runtimes`` is the folder of what compilers keep."""

    def __init__(self, runtimes: Path, cache: Cache, limits: Limits, children: Children) -> None:
        self._runtimes, self._cache = runtimes, cache
        self._limits, self._children = limits, children

    @contextmanager
    def __call__(self, run: Run, request: str) -> Iterator[Compiled]:
        """The component of ``run``, as long as the block lasts.

        Raises:
            BuildFailed: the source is wrong; its ``messages`` tell where.
            ToolchainMissing: what compiles it, or confines that, is not here.
            InvalidArguments: the input does not fit the function.
        """
        with tempfile.TemporaryDirectory(prefix="mcp-wasm-code-") as scratch:
            path = Path(scratch) / "program.wasm"
            yield self._c(run, request, path) if run.language == "c" else self._wat(run, path)

    def _c(self, run: Run, request: str, path: Path) -> Compiled:
        program = c.compile_run(run.code, self._runtimes, self._cache, file=FILE["c"])
        path.write_bytes(program.component)
        digest = hashlib.sha256(program.component).hexdigest()
        tool = replace(COMPONENT.tools[0], function=c.WORLD.exports[0])
        component = replace(COMPONENT, digest=digest, source=path, world=c.WORLD, tools=(tool,))
        return Compiled(tool, component, {"request": request}, c.note(program))

    def _wat(self, run: Run, path: Path) -> Compiled:
        path.write_bytes(wat.component_of(run.code, None))
        try:
            made = publish.publish(
                sources.source(path), self._cache, self._limits, self._children, "wat_program"
            )
        except ComponentRefused as refusal:
            raise BuildFailed("the code", refusal.reason) from None
        tool = _chosen(made.tools)
        own = replace(tool, name=RUN_CODE, component=CODE, digest=DIGEST)
        component = replace(made, name=CODE, tools=(own,), wishes=WISHES)
        return Compiled(own, component, _arguments(run, tool.function))


def _chosen(tools: Sequence[Tool]) -> Tool:
    """The function that is meant: the only one, or the one of a name that says so."""
    if len(tools) == 1:
        return tools[0]
    for name in _PREFERRED:
        for tool in tools:
            if tool.function.name == name:
                return tool
    listed = ", ".join(tool.function.name for tool in tools)
    reason = f"it exports {listed}: export one function, or name the one to call {_PREFERRED[0]}"
    raise BuildFailed("the code", reason)


def _arguments(run: Run, function: wit.Function) -> Mapping[str, Any]:
    """The input as arguments: an object by name, an array by place, another value for the only parameter."""
    names, given = [param.name for param in function.params], run.input
    match given:
        case _ if given is ABSENT:
            return {}
        case dict():
            return given
        case list() if len(given) == len(names):
            return dict(zip(names, given, strict=True))
        case list():
            pass
        case _ if len(names) == 1:
            return {names[0]: given}
    expected = f"an object with {', '.join(names) or 'nothing'}, or an array of {len(names)}"
    raise InvalidArguments(RUN_CODE, [Mismatch("/input", expected, type(given).__name__)])
