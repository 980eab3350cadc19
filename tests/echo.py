"""Components that return what they are given, for any WIT type and without a toolchain.

``echo(types)`` is the text of a component with one function a type, ``echo-0``,
``echo-1``, …, each ``func(x: tuple<T, u8>, pad: tuple<u64, … 17 of them>) ->
tuple<T, u8>``. More than 16 flat parameters travel as one pointer, and a result
of more than one flat value does too; ``x`` is the first thing in that memory, so
the core function returns the pointer that it got. Source: the component model's
``CanonicalABI.md``, "Flattening" (``MAX_FLAT_PARAMS``, ``MAX_FLAT_RESULTS``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_wasm.component.types import (
    Enum,
    Flags,
    Function,
    List,
    Option,
    Param,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)

PAD = Tuple((Primitive("u64"),) * 17)
"""What takes the parameters past the number that is passed flat."""

MARK = 7
"""What stands beside the value, so that even a single number is returned by pointer."""

_GUEST = """
  (core module $guest
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
      (result i32) (local $at i32)
      (local.set $at
        (i32.and (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
                 (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (block $enough
        (loop $grow
          (br_if $enough (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
          (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
          (br $grow)))
      (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
      (local.get $at))
    (func (export "same") (param i32) (result i32) (local.get 0)))
  (core instance $guest (instantiate $guest))
"""


def echo(types: Sequence[Type]) -> str:
    """The text of a component that echoes values of ``types``."""
    writer = _Writer()
    functions = "".join(writer.function(index, type_) for index, type_ in enumerate(types))
    return f"(component{_GUEST}{''.join(writer.lines)}{functions})"


def echo_function(type_: Type, name: str = "echo-0") -> Function:
    """The function of an echo component, as its inspection must show it."""
    pair = Tuple((type_, Primitive("u8")))
    return Function("", name, (Param("x", pair), Param("pad", PAD)), pair)


def arguments(value: Any) -> dict[str, Any]:
    """The arguments by which an echo function echoes ``value``; its result is ``[value, MARK]``."""
    return {"x": [value, MARK], "pad": [0] * 17}


def hostile(types: Sequence[Type], memory: bytes) -> str:
    """The text of a component whose functions ``give-0``, … claim that ``memory`` holds a value of each type.

    ``memory`` lies at address 0 and is all there is; the functions take nothing.
    """
    writer = _Writer()
    lifts = "".join(
        f'\n  (func (export "give-{index}") (result {writer.use(Tuple((type_, Primitive("u8"))))})'
        '\n    (canon lift (core func $guest "give") (memory (core memory $guest "memory"))))'
        for index, type_ in enumerate(types)
    )
    data = "".join(f"\\{byte:02x}" for byte in memory)
    guest = (
        f'\n  (core module $guest (memory (export "memory") 1) (data (i32.const 0) "{data}")'
        '\n    (func (export "give") (result i32) (i32.const 0)))'
        "\n  (core instance $guest (instantiate $guest))"
    )
    return f"(component{guest}{''.join(writer.lines)}{lifts})"


class _Writer:
    """Writes type definitions, parts before wholes, each distinct type once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: dict[Type, str] = {}

    def function(self, index: int, type_: Type) -> str:
        pair, pad = self.use(Tuple((type_, Primitive("u8")))), self.use(PAD)
        return (
            f'\n  (func (export "echo-{index}") (param "x" {pair}) (param "pad" {pad}) (result {pair})'
            '\n    (canon lift (core func $guest "same") (memory (core memory $guest "memory"))'
            ' (realloc (core func $guest "realloc"))))'
        )

    def use(self, type_: Type) -> str:
        """How ``type_`` is written where it is used."""
        if isinstance(type_, Primitive):
            return type_.primitive
        if type_ not in self._names:
            body = self._body(type_)
            name = self._names[type_] = f"$t{len(self._names)}"
            if isinstance(type_, Record | Variant | Enum | Flags):
                # An exported function may use such a type only under a name that is exported too.
                self.lines.append(
                    f'\n  (type {name}-raw {body})(export {name} "{name[1:]}" (type {name}-raw))'
                )
            else:
                self.lines.append(f"\n  (type {name} {body})")
        return self._names[type_]

    def _body(self, type_: Type) -> str:
        match type_:
            case List(element=element):
                return f"(list {self.use(element)})"
            case Option(payload=payload):
                return f"(option {self.use(payload)})"
            case Tuple(elements=elements):
                return f"(tuple {' '.join(map(self.use, elements))})"
            case Record(fields=fields):
                return f"(record {' '.join(f'(field {_quoted(f.name)} {self.use(f.type)})' for f in fields)})"
            case Variant(cases=cases):
                parts = (f"(case {_quoted(c.name)}{self._payload(c.type)})" for c in cases)
                return f"(variant {' '.join(parts)})"
            case Enum(cases=names):
                return f"(enum {' '.join(map(_quoted, names))})"
            case Flags(flags=names):
                return f"(flags {' '.join(map(_quoted, names))})"
            case Result(ok=ok, err=err):
                error = "" if err is None else f" (error {self.use(err)})"
                return f"(result{self._payload(ok)}{error})"
        raise TypeError(f"{type_} cannot be echoed")

    def _payload(self, type_: Type | None) -> str:
        return "" if type_ is None else f" {self.use(type_)}"


def _quoted(name: str) -> str:
    return f'"{name}"'
