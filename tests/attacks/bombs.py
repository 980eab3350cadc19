"""Components that are small on disk and large when they are looked at, compiled or described."""

from __future__ import annotations

from tests.attacks.guests import component
from tests.sandbox.binaries import leb

_HEADER = b"\0asm\x0d\0\x01\0"


def multiplying(depth: int, width: int) -> str:
    """Nested components that each instantiate the next one ``width`` times: ``width ** depth`` instances."""
    inner = "(component $c0)"
    for level in range(1, depth + 1):
        inner = f"(component $c{level} {inner} {f'(instance (instantiate $c{level - 1}))' * width})"
    return component(f"{inner} (instance (instantiate $c{depth}))")


def by_alias(depth: int) -> str:
    """The same by aliases: each component takes the one before it from outside, twice."""
    levels = "(component $c0)"
    for level in range(1, depth + 1):
        twice = f"(instance (instantiate $c{level - 1}))" * 2
        levels += f"(component $c{level} {twice})"
    return component(f"{levels} (instance (instantiate $c{depth}))")


def nested(depth: int) -> bytes:
    """Components in components, as bytes: the text format stops much earlier."""
    inner = _HEADER
    for _ in range(depth):
        inner = _HEADER + b"\x04" + leb(len(inner)) + inner
    return inner


def loops_over_locals(loops: int, values: int) -> str:
    """Loops in loops over many values: the compiler carries each value through each loop."""
    body = " ".join(f"local.get {n} local.get {n * 7 % values} i32.add local.set {n}" for n in range(values))
    code = f"{'loop ' * loops} {body} {'local.get 0 br_if 0 end ' * loops}"
    return component(f"(core module (func (local {'i32 ' * values}) {code}))")


def wide_calls(width: int, calls: int) -> str:
    """Calls that pass many values: a few bytes of code, thousands of instructions."""
    types = f"(type $t (func (param {'i32 ' * width}) (result {'i32 ' * width})))"
    code = "i32.const 0 " * width + "call $f " * calls + "drop " * width
    return component(f"(core module {types} (func $f (type $t) unreachable) (func {code}))")


def custom(name: bytes, content: bytes) -> bytes:
    """A custom section, to stand after a component."""
    inside = leb(len(name)) + name + content
    return b"\0" + leb(len(inside)) + inside
