"""What a binary says of itself: its world, read through the engine's own types.

Nothing of the guest runs. The large core modules are taken out first, so that
reading an 18 MB component costs what its skeleton costs.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wasmtime import Module, WasmtimeError, component, wat2wasm
from wasmtime.component import _types as native

from mcp_wasm.component import types as wit
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.sandbox import expansion, wasm_tools
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.compile import CompileFailed, Job, compile_all
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.unbundle import Skeleton, unbundle

MAX_BYTES = 256 * 1024 * 1024
"""The largest binary that is looked at."""

_TEXT_BYTES = 4 * 1024 * 1024
_MAX_NODES = 50_000
_MAX_WORLD_NODES = 200_000
_FUNCTION_NODES = 100
"""What a function itself counts, so that their number is bounded too (2,000)."""
_WIT_BYTES = 4 * 1024 * 1024
_ASYNC = re.compile(r"requires? the component model async|`(?:async|stream|future|error-context)`")


@dataclass(frozen=True, slots=True)
class Inspection:
    """The world of a component, the same as WIT text, and its resolve (``wit --json``) or None."""

    world: wit.World
    text: str
    resolve: dict[str, Any] | None
    skeleton: Skeleton


def read_binary(path: Path) -> bytes:
    """The bytes of a component file; WebAssembly text (``.wat``) is assembled.

    Raises:
        ComponentRefused: if it cannot be read, is too large, or is text that does not assemble.
    """
    if path.is_fifo():
        raise ComponentRefused(str(path), "it is a pipe, not a file")  # opening one waits for its writer
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ComponentRefused(str(path), f"it cannot be read ({error.strerror})") from None
    if path.suffix != ".wat" or len(content) > _TEXT_BYTES:
        return content
    try:
        return assemble(content)
    except NotText as error:
        raise ComponentRefused(str(path), f"its text does not assemble: {error}") from None


class NotText(Exception):
    """A text does not assemble; what it says is the assembler's, with the place in the text."""


def assemble(text: bytes) -> bytes:
    """The binary of a WebAssembly text; whether that is valid is not looked at.

    Raises:
        NotText: it is none.
    """
    try:
        return bytes(wat2wasm(text))
    except WasmtimeError as error:
        raise NotText(str(error)) from None


def is_valid(module: bytes) -> bool:
    """Whether a core module is valid for the engine."""
    try:
        Module.validate(engine(), module)
    except WasmtimeError:
        return False
    return True


def inspect(binary: bytes, source: str, children: Children) -> Inspection:
    """Read the world of a component binary; ``source`` names it in errors.

    Raises:
        ComponentRefused: if it is no component, is damaged, or uses what the host cannot carry.
    """
    _check_header(binary, source)
    _check_expansion(binary, source)
    skeleton = unbundle(binary, children)
    try:
        artifact = compile_all([Job("component", skeleton.binary)], children)[0]
        compiled = component.Component.deserialize(engine(), artifact)
    except (CompileFailed, WasmtimeError) as error:
        raise _refusal(source, str(error)) from None
    try:
        world = _Reader().world(compiled, {part.import_name for part in skeleton.parts})
    except _TooMany:
        raise ComponentRefused(
            source, f"it has too many functions and types: over {_MAX_WORLD_NODES:,} parts"
        ) from None
    text, resolve = _wit(skeleton.binary, children)
    return Inspection(world, text, resolve, skeleton)


def _check_header(binary: bytes, source: str) -> None:
    if len(binary) > MAX_BYTES:
        raise ComponentRefused(source, f"it has {len(binary):,} bytes; at most {MAX_BYTES:,} are taken")
    if binary[:4] != b"\0asm":
        raise ComponentRefused(
            source, "it is not WebAssembly", "A component file begins with the bytes 00 61 73 6d"
        )
    if binary[4:8] == b"\x01\0\0\0":
        raise ComponentRefused(
            source,
            "it is a core module, which has no typed interface",
            "Make a component of it: `wasm-tools component embed` with its WIT, then `component new`",
        )
    if binary[6:8] != b"\x01\0":
        raise ComponentRefused(source, "it is not a component (unknown layer in its header)")


def _check_expansion(binary: bytes, source: str) -> None:
    try:
        made = expansion.instances(binary)
    except expansion.Unbounded as error:
        raise ComponentRefused(source, str(error)) from None
    if made > expansion.LIMIT:
        expected = f"at most {expansion.LIMIT:,} are made"
        raise ComponentRefused(source, f"its nested components make {made:,} instances; {expected}")


def _refusal(source: str, message: str) -> ComponentRefused:
    first = " ".join(line.strip() for line in message.splitlines()[:6] if line.strip())[:600]
    if _ASYNC.search(message):
        return ComponentRefused(
            source, f"it uses async, stream or future, which no JSON value can carry ({first})"
        )
    return ComponentRefused(source, f"the engine refuses it: {first}")


def _wit(skeleton: bytes, children: Children) -> tuple[str, dict[str, Any] | None]:
    with tempfile.TemporaryDirectory(prefix="mcp-wasm-") as scratch:
        path = Path(scratch) / "skeleton.wasm"
        path.write_bytes(skeleton)
        return wit_text(path, children), wit_resolve(path, children)


def wit_text(path: Path, children: Children) -> str:
    """The world of a component, or of WIT beside it, as WIT text; ``""`` where it cannot be printed."""
    try:
        return wasm_tools.run(["component", "wit", str(path)], children, output_limit=_WIT_BYTES).decode(
            "utf-8", "replace"
        )
    except wasm_tools.WasmToolsFailed:
        return ""


def wit_resolve(path: Path, children: Children) -> dict[str, Any] | None:
    """The resolve of a component, or of a WIT file or folder; None where there is none to be had."""
    try:
        printed = wasm_tools.run(["component", "wit", "--json", str(path)], children, output_limit=_WIT_BYTES)
        loaded = json.loads(printed)
    except (wasm_tools.WasmToolsFailed, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None


class _TooLarge(Exception):
    """A type has more parts than are read."""


class _TooMany(Exception):
    """All functions together have more parts than are read."""


class _Reader:
    """Reads engine types into the type model, within a budget for each function and one for all."""

    def __init__(self) -> None:
        self._left = 0
        self._left_of_world = _MAX_WORLD_NODES
        self._resources: list[tuple[Any, str]] = []  # those of the component itself, with their names

    def world(self, compiled: component.Component, parts: set[str]) -> wit.World:
        type_ = compiled.type
        imports = tuple(
            self._import(name, item.ty) for name, item in type_.imports(engine()).items() if name not in parts
        )
        self._resources = self._own_resources(type_)
        exports: list[wit.Function] = []
        for name, item in type_.exports(engine()).items():
            if isinstance(item.ty, native.FuncType):
                exports.append(self._function("", name, item.ty))
            elif isinstance(item.ty, native.ComponentInstanceType):
                exports += self._functions(name, item.ty)
        return wit.World(imports, tuple(exports))

    def _own_resources(self, type_: Any) -> list[tuple[Any, str]]:
        imported = [resource for resource, _ in _resources(type_.imports(engine()))]
        exported = _resources(type_.exports(engine()))
        return [found for found in exported if all(found[0] != other for other in imported)]

    def _handle(self, type_: Any, *, owned: bool) -> wit.Handle:
        name = next((name for resource, name in self._resources if resource == type_.ty), None)
        return wit.Handle(owned, name or "", exported=name is not None)

    def _import(self, name: str, type_: Any) -> wit.Import:
        if isinstance(type_, native.ComponentInstanceType):
            if all(type(item.ty) in _READERS for item in type_.exports(engine()).values()):
                # Of an interface whose types an export uses; the engine links it without a definition.
                return wit.Import(name, "type")
            return wit.Import(name, "interface", tuple(self._functions(name, type_)))
        if isinstance(type_, native.FuncType):
            return wit.Import(name, "function", (self._function("", name, type_),))
        return wit.Import(name, "module" if isinstance(type_, native.ModuleType) else "other")

    def _functions(self, interface: str, type_: Any) -> list[wit.Function]:
        return [
            self._function(interface, name, item.ty)
            for name, item in type_.exports(engine()).items()
            if isinstance(item.ty, native.FuncType)
        ]

    def _function(self, interface: str, name: str, type_: Any) -> wit.Function:
        self._left = _MAX_NODES
        self._spend(_FUNCTION_NODES)
        try:
            params = tuple(wit.Param(param, self._type(t)) for param, t in type_.params)
            result = None if type_.result is None else self._type(type_.result)
        except _TooLarge:
            params = (wit.Param("value", wit.Unsupported(f"a type with over {_MAX_NODES:,} parts")),)
            result = None
        return wit.Function(interface, name, params, result)

    def _type(self, type_: Any) -> wit.Type:
        self._left -= 1
        self._spend(1)
        if self._left < 0:
            raise _TooLarge
        reader = _READERS.get(type(type_))
        if reader is not None:
            found: wit.Type = reader(self, type_)
            return found
        return wit.Unsupported(_UNSUPPORTED.get(type(type_), type(type_).__name__))

    def _spend(self, nodes: int) -> None:
        self._left_of_world -= nodes
        if self._left_of_world < 0:
            raise _TooMany

    def _optional(self, type_: Any) -> wit.Type | None:
        return None if type_ is None else self._type(type_)


def _resources(items: dict[str, Any]) -> list[tuple[Any, str]]:
    """The resource types among imports or exports, those inside interfaces included, with their names."""
    found = []
    for name, item in items.items():
        if isinstance(item.ty, component.ResourceType):
            found.append((item.ty, name))
        elif isinstance(item.ty, native.ComponentInstanceType):
            found += _resources(item.ty.exports(engine()))
    return found


_UNSUPPORTED: dict[type, str] = {
    native.StreamType: "stream",
    native.FutureType: "future",
    native.ErrorContext: "error-context",
}

_READERS: dict[type, Any] = {
    native.ListType: lambda r, t: wit.List(r._type(t.element)),
    native.TupleType: lambda r, t: wit.Tuple(tuple(r._type(e) for e in t.elements)),
    native.RecordType: lambda r, t: wit.Record(tuple(wit.Field(n, r._type(f)) for n, f in t.fields)),
    native.VariantType: lambda r, t: wit.Variant(tuple(wit.Case(n, r._optional(c)) for n, c in t.cases)),
    native.EnumType: lambda _r, t: wit.Enum(tuple(t.names)),
    native.FlagsType: lambda _r, t: wit.Flags(tuple(t.names)),
    native.OptionType: lambda r, t: wit.Option(r._type(t.payload)),
    native.ResultType: lambda r, t: wit.Result(r._optional(t.ok), r._optional(t.err)),
    native.OwnType: lambda r, t: r._handle(t, owned=True),
    native.BorrowType: lambda r, t: r._handle(t, owned=False),
}
for _name in ("bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string"):
    _READERS[getattr(native, _name.capitalize())] = lambda _r, _t, name=_name: wit.Primitive(name)
