"""Binaries that are damaged, mutated or random: what an attacker or a broken disk would hand over.

Core modules inside a component are changed by ``wasm-tools mutate``, which knows
no components; ``wasm-tools smith`` makes random modules, which a component is
put around; and bytes are cut, flipped, doubled and exchanged anywhere.
"""

from __future__ import annotations

import functools
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from wasmtime import WasmtimeError, wat2wasm

from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    Flags,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)
from mcp_wasm.sandbox.wasm_tools import program
from tests.echo import echo

_ROOT = Path(__file__).resolve().parents[2]
_LARGEST = 300_000
_TEXT, _U8, _U64, _F64 = (Primitive(name) for name in ("string", "u8", "u64", "f64"))
_TYPES: tuple[Type, ...] = (
    List(_U8),
    Record((Field("a", _TEXT), Field("b", Option(_U64)))),
    Variant((Case("x", List(_F64)), Case("y"), Case("z", Result(_TEXT, Enum(("one", "two")))))),
    Tuple((Flags(("r", "w")), List(_TEXT))),
)


@functools.cache
def originals() -> tuple[bytes, ...]:
    """Real components: the guest programs of the tests, the bundled tools, and an echo of several types."""
    texts = [path.read_text() for path in sorted((_ROOT / "tests/programs").glob("*.wat"))]
    found = [_assembled(text) for text in (*texts, echo(_TYPES))]
    found += [path.read_bytes() for path in sorted((_ROOT / "mcp_wasm/bundled").glob("*.wasm"))]
    return tuple(each for each in found if each and len(each) < _LARGEST)


def component(seed: int, folder: Path) -> Path | None:
    """A file made from ``seed``; None where the tools make nothing of it."""
    rng = random.Random(seed)
    make = rng.choice(_WAYS)
    made = make(rng, folder)
    if made is None:
        return None
    path = folder / f"c{seed}.wasm"
    path.write_bytes(made)
    return path


def _assembled(text: str) -> bytes:
    try:
        return bytes(wat2wasm(text))
    except WasmtimeError:
        return b""


def _cut(rng: random.Random, folder: Path) -> bytes:
    whole = rng.choice(originals())
    return whole[: rng.randrange(len(whole))]


def _flipped(rng: random.Random, folder: Path) -> bytes:
    made = bytearray(rng.choice(originals()))
    for _ in range(rng.choice((1, 1, 2, 5, 50))):
        at = rng.randrange(8, len(made))
        made[at] = rng.choice((made[at] ^ (1 << rng.randrange(8)), rng.randrange(256), 0, 0x7F, 0x80, 0xFF))
    return bytes(made)


def _spliced(rng: random.Random, folder: Path) -> bytes:
    made, other = bytearray(rng.choice(originals())), rng.choice(originals())
    at, length = rng.randrange(8, len(made)), rng.choice((1, 4, 20, 200))
    start = rng.randrange(len(other))
    made[at : at + rng.choice((0, length))] = other[start : start + length]
    return bytes(made)


def _header_and_noise(rng: random.Random, folder: Path) -> bytes:
    header = rng.choice((b"\0asm\x0d\0\x01\0", b"\0asm\x01\0\0\0", b"\0asm\x0a\0\x01\0", b"\0asm", b""))
    return header + rng.randbytes(rng.choice((0, 1, 20, 2000)))


def _random_module(rng: random.Random, folder: Path) -> bytes | None:
    """A random core module, bare or with a component around it that lifts one of its functions."""
    module = folder / "module.wasm"
    limits = (
        "--min-memories=1",
        "--max-memories=2",
        "--max-imports=0",
        "--min-funcs=2",
        "--export-everything=true",
    )
    given = rng.randbytes(rng.choice((100, 1000, 10_000)))
    if not _run("smith", *limits, "-o", str(module), given=given):
        return None
    return module.read_bytes() if rng.random() < 0.1 else _around(module)


def _mutated(rng: random.Random, folder: Path) -> bytes | None:
    """The core of an echo component, changed within what is valid, in its component again."""
    text = echo(_TYPES)
    start, end = text.index("(core module $guest"), text.index("(core instance $guest")
    now, then = folder / "now.wasm", folder / "then.wasm"
    now.write_bytes(_assembled(text[start:end].replace("core module $guest", "module")))
    changes = 0
    for _ in range(rng.choice((3, 20))):
        # Not every seed has a change that applies.
        if _run("mutate", "--seed", str(rng.randrange(2**32)), str(now), "-o", str(then)):
            now.write_bytes(then.read_bytes())
            changes += 1
    return _assembled(f"{text[:start]}{_core(now)}{text[end:]}") or None if changes else None


def _around(module: Path) -> bytes | None:
    """A component that exports the first function of a core module that can be lifted as it is."""
    core = _core(module)
    names = re.findall(r'\(export "([ -~]*?)" \(func', core)
    for name in names[:20]:
        lifted = f'(func (export "f") (canon lift (core func $guest "{name}")))'
        made = _assembled(f"(component {core} (core instance $guest (instantiate $guest)) {lifted})")
        if made:
            return made
    return None


def _core(module: Path) -> str:
    """The text of a core module, as a part of a component."""
    printed = subprocess.run([str(program()), "print", str(module)], capture_output=True, check=True).stdout
    return printed.decode().replace("(module", "(core module $guest", 1)


def _run(*arguments: str, given: bytes = b"") -> bool:
    done = subprocess.run([str(program()), *arguments], input=given, capture_output=True, check=False)
    return done.returncode == 0


_WAYS: tuple[Callable[[random.Random, Path], bytes | None], ...] = (
    _cut,
    *(_flipped,) * 3,
    *(_spliced,) * 2,
    _header_and_noise,
    *(_random_module,) * 2,
    *(_mutated,) * 2,
)
