"""``wasi:random`` from a seed, for calls whose grant names one: every such call draws the same numbers.

In the place of the engine's own. The three interfaces draw from streams of
their own, so that how much one of them is used changes nothing in the others.
Seeded numbers are for runs that must be the same, never for keys.
Source: WASI 0.2, ``wasi:random``.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from mcp_wasm.capability.grant import Grants
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import NATIVE, Interface
from mcp_wasm.sandbox.raw import EngineError

MOST = 64 * 1024
"""Bytes at once. Language runtimes ask for at most a few hundred; each costs 32 in passing."""


def seed(grants: Grants) -> int | None:
    """The seed that holds: the first grant's, or None for the system's numbers."""
    return grants.random[0].seed if grants.random else None


def _is_seeded(grants: Grants) -> bool:
    return seed(grants) is not None


def _stream(call: Call, name: str) -> random.Random:
    key, wanted = (__name__, name), seed(call.grants)
    made = call.state.get(key)
    if made is None or made[0] != wanted:
        made = call.state[key] = (wanted, random.Random(f"{name} {wanted}"))  # noqa: S311 - asked for
    found: random.Random = made[1]
    return found


def _bytes(name: str) -> Callable[[Call, int], bytes]:
    def draw(call: Call, length: int) -> bytes:
        if length > MOST:
            raise EngineError(f"it asked for {length:,} random bytes at once, more than {MOST:,}")
        return _stream(call, name).randbytes(length)

    return draw


def _u64(name: str) -> Callable[[Call], int]:
    return lambda call: _stream(call, name).getrandbits(64)


def _seed(call: Call) -> list[int]:
    stream = _stream(call, "insecure-seed")
    return [stream.getrandbits(64), stream.getrandbits(64)]


INTERFACES = (
    Interface(
        "wasi:random/random",
        (NATIVE,),
        {"get-random-bytes": _bytes("random"), "get-random-u64": _u64("random")},
        shadow=_is_seeded,
    ),
    Interface(
        "wasi:random/insecure",
        (NATIVE,),
        {"get-insecure-random-bytes": _bytes("insecure"), "get-insecure-random-u64": _u64("insecure")},
        shadow=_is_seeded,
    ),
    Interface("wasi:random/insecure-seed", (NATIVE,), {"insecure-seed": _seed}, shadow=_is_seeded),
)
