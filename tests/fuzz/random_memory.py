"""Guests that return whatever lies in their memory as a value of a random type.

Small numbers are the most likely bytes: as discriminants, lengths and addresses
they lead further into the lifting than noise does.
"""

from __future__ import annotations

import random
from pathlib import Path

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
from tests.component.strategies import PRIMITIVES
from tests.echo import hostile

_WORDS = (0, 0, 0, 1, 1, 2, 3, 4, 7, 8, 16, 40, 100, 0x7F, 0x80, 0xD8, 0xFF)

_LEAVES: tuple[Type, ...] = (
    *PRIMITIVES,
    Primitive("string"),
    List(Primitive("u8")),
    Enum(("a", "b", "c")),
    Flags(("a", "b", "c")),
)


def component(seed: int, folder: Path) -> Path:
    """A component file made from ``seed``."""
    rng = random.Random(seed)
    if rng.random() < 0.5:
        memory = bytes(rng.choice(_WORDS) for _ in range(512))
    else:
        words = (rng.choice((*_WORDS, 0xD800, 0xDFFF, 0x110000, 2**31, 2**32 - 1)) for _ in range(256))
        memory = b"".join(word.to_bytes(4, "little") for word in words)
    types = [_type(rng, 4) for _ in range(rng.randrange(1, 6))]
    path = folder / f"m{seed}.wat"
    path.write_text(hostile(types, memory))
    return path


def _type(rng: random.Random, depth: int) -> Type:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(_LEAVES)
    parts: list[Type] = [_type(rng, depth - 1) for _ in range(rng.randrange(1, 4))]
    first = parts[0]
    made: tuple[Type, ...] = (
        List(first),
        Option(first),
        Tuple(tuple(parts)),
        Record(tuple(Field(f"f{n}", part) for n, part in enumerate(parts))),
        Variant((Case("none"), *(Case(f"c{n}", part) for n, part in enumerate(parts)))),
        Result(first, parts[-1]),
        Result(None, first),
    )
    return rng.choice(made)
