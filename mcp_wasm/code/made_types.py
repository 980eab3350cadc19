"""The types of code that is to become a tool: out of its signatures, or out of WIT that came with it."""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcp_wasm.build.signature import python
from mcp_wasm.build.signature import wit as wit_text
from mcp_wasm.build.signature.model import Signature
from mcp_wasm.build.signature.names import kebab
from mcp_wasm.code.contract import WISHES
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.code.run import FILE
from mcp_wasm.component import docs
from mcp_wasm.component.types import Function, Import, World
from mcp_wasm.errors import CallerError, ComponentRefused, SignatureRefused
from mcp_wasm.sandbox import inspect, wasm_tools
from mcp_wasm.sandbox.children import Children

TOOLS = "mcp-wasm:tools/call@0.1.0"
_MOST_BYTES = 16 * 1024 * 1024
_TOOLS_NAMED = re.compile(r"""["'`]tools["'`]""")


@dataclass(frozen=True, slots=True)
class Typed:
    """What code exports: as WIT text, as a world, and how each function is found in the code."""

    wit: str
    world: World
    names: Mapping[str, str]
    shapes: Mapping[str, Any]


def typed(wanted: Wanted, name: str, children: Children) -> Typed:
    """The types of ``wanted``, a script that is to be called ``name``.

    Raises:
        SignatureRefused: with the line in the code, or (of a given world) what it lacks.
        CallerError: the given world is none.
    """
    if not wanted.world:
        found = _signature(wanted, kebab(name) or "script")
        world = World(_imports(wanted), tuple(each.function for each in found.functions), found.docs)
        named = {each.name: each.code_name for each in found.functions}
        shapes = {each.name: each.shapes for each in found.functions if each.shapes}
        return Typed(wit_text.text(found), world, named, shapes)
    world = world_of(wanted.world, children)
    foreign = [each.name for each in world.imports if each.kind != "type" and each.name != TOOLS]
    if foreign:
        raise CallerError(
            f"The world imports {', '.join(foreign[:5])}. Code in {wanted.language} has only its language's "
            "own library, and `tools`. Leave the imports out."
        )
    names = {function.path: _code_name(wanted, function) for function in world.exports}
    return Typed(wanted.world, replace(world, imports=_imports(wanted)), names, {})


def world_of(text: str, children: Children) -> World:
    """The world of a WIT text, as the engine reads it from a component that has it.

    Raises:
        CallerError: the text is wrong, or has no world or several.
    """
    with tempfile.TemporaryDirectory(prefix="mcp-wasm-") as scratch:
        path, embedded = Path(scratch) / "world.wit", Path(scratch) / "world.wasm"
        path.write_text(text, encoding="utf-8")
        try:
            arguments = ["component", "embed", "--dummy", str(path)]
            embedded.write_bytes(wasm_tools.run(arguments, children, output_limit=_MOST_BYTES))
            arguments = ["component", "new", str(embedded)]
            binary = wasm_tools.run(arguments, children, output_limit=_MOST_BYTES)
            seen = inspect.inspect(binary, "the given world", children)
            resolve = inspect.wit_resolve(path, children)
        except (wasm_tools.WasmToolsFailed, ComponentRefused) as error:
            told = str(error).replace(f"{scratch}/", "")[:1000]
            raise CallerError(f"The world cannot be used: {told}") from None
    return docs.apply(seen.world, resolve) if resolve is not None else seen.world


def _signature(wanted: Wanted, world: str) -> Signature:
    file = wanted.file or FILE[wanted.language]
    if wanted.language == "python":
        return python.signature(wanted.source, world=world, file=file)
    from mcp_wasm.build.signature import typescript  # only for this language

    return typescript.signature(wanted.source, world=world, file=file)


def _imports(wanted: Wanted) -> tuple[Import, ...]:
    """What the code may ask of the host beyond its language's own: other tools, where it names them."""
    return tuple(Import(TOOLS, "interface") for _ in WISHES) if _names_tools(wanted) else ()


def _names_tools(wanted: Wanted) -> bool:
    if wanted.language != "python":
        return bool(_TOOLS_NAMED.search(wanted.source))
    try:
        return any(root == "tools" for root in _roots(ast.parse(wanted.source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # which whoever runs it will tell


def _roots(tree: ast.Module) -> Iterator[str]:
    """The modules that Python code imports, or names in a text, as ``importlib`` wants them."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name.partition(".")[0] for each in names)
            case ast.ImportFrom(module=str() as module, level=0):
                yield module.partition(".")[0]
            case ast.Constant(value=str() as text):
                yield text


def _code_name(wanted: Wanted, function: Function) -> str:
    """What a function of a given world is called in the code: ``word_count`` or ``wordCount``."""
    words = function.name.split("-")
    snake, camel = "_".join(words), words[0] + "".join(word.capitalize() for word in words[1:])
    order = (snake, camel) if wanted.language == "python" else (camel, snake)
    for name in order:
        if re.search(rf"(?<![\w$]){name}(?![\w$])", wanted.source):
            return name
    raise SignatureRefused(
        wanted.file or FILE[wanted.language],
        1,
        1,
        f"the world exports `{function.name}`, and the code has no function `{order[0]}`",
        "Write it, or leave it out of the world",
    )
