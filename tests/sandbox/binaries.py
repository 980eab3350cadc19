"""Binaries written byte by byte, for what no text format lets through or what would be too large as text."""

from __future__ import annotations

from wasmtime import wat2wasm

NOTHING = '(core module $m (func (export "f"))) (core instance $i (instantiate $m))'
CALLABLE = f'(component {NOTHING} (func (export "f") (canon lift (core func $i "f"))))'


def leb(number: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def section(kind: int, content: bytes) -> bytes:
    """A section of a module or component."""
    return bytes([kind]) + leb(len(content)) + content


def module(body: bytes, functions: int = 1) -> bytes:
    """A core module of so many equal functions without parameters."""
    types = section(1, b"\x01\x60\0\0")
    code = section(10, leb(functions) + (leb(len(body)) + body) * functions)
    return b"\0asm\x01\0\0\0" + types + section(3, leb(functions) + b"\0" * functions) + code


def locals_bomb(functions: int) -> bytes:
    """Ten bytes a function, each with 50,000 locals to compile."""
    return module(leb(1) + leb(50_000) + b"\x7f\x0b", functions)


def loops_bomb(depth: int) -> bytes:
    """Loops in loops: compiling them takes the square of their number."""
    inner = b"".join(
        b"\x20" + leb(n % 200) + b"\x21" + leb((n + 1) % 200) + b"\x20\0\x0d\0\x0b" for n in range(depth)
    )
    return module(leb(1) + leb(200) + b"\x7f" + b"\x03\x40" * depth + inner + b"\x0b")


def component(core: bytes) -> bytes:
    """A component with a callable ``f`` that carries ``core`` beside it."""
    return bytes(wat2wasm(CALLABLE)) + section(1, core)


def nested(core: bytes) -> bytes:
    """The same, one component deeper."""
    return bytes(wat2wasm(CALLABLE)) + section(4, b"\0asm\x0d\0\x01\0" + section(1, core))
