"""Tensors of guests: shape, element type, bytes; counted against what their call may hold.

The constructor of ``wasi:nn`` cannot fail, so a tensor that makes no sense is
kept with its ``problem``, which whoever uses it reports. Bytes beyond the call's
room are not kept at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.nn.problem import Problem

SIZES: Mapping[str, int] = {"FP16": 2, "FP32": 4, "FP64": 8, "BF16": 2, "U8": 1, "I32": 4, "I64": 8}
"""Bytes of one element of each type (``wasi:nn/tensor#tensor-type``)."""

RANK = 32
"""Dimensions that a tensor may have."""

_DIMENSION_BYTES = 40
"""What a dimension counts: it is a number of ours, whatever the tensor's data."""


class Held:
    """What one call holds of tensors (``room`` bytes are left) and which models it has opened."""

    __slots__ = ("models", "room")

    def __init__(self, room: int) -> None:
        self.room = room
        self.models: set[str] = set()

    @classmethod
    def of(cls, call: Call) -> Held:
        """That of ``call``: its tensors together may be as large as its memory."""
        found = call.state.get(cls)
        if found is None:
            found = call.state[cls] = cls(call.limits.memory)
        assert isinstance(found, cls)
        return found


class Tensor:
    """``data`` holds the elements in row-major, little-endian bytes; ``problem`` is why it cannot be used."""

    __slots__ = ("_counted", "_held", "data", "dimensions", "problem", "type")

    def __init__(self, held: Held, dimensions: Sequence[int], type_: str, data: bytes) -> None:
        self._held, self.type, self.problem = held, type_, _problem(dimensions, type_, data)
        self._counted = len(data) + _DIMENSION_BYTES * len(dimensions)
        if self._counted > held.room:
            text = f"a tensor of {len(data):,} bytes, and the call has room for {held.room:,} more"
            self.problem, self._counted = Problem("too-large", text), 0
            dimensions, data = (), b""
        held.room -= self._counted
        self.dimensions, self.data = tuple(dimensions), data

    def close(self) -> None:
        """Let go of the bytes."""
        self._held.room += self._counted
        self._counted, self.data = 0, b""


def _problem(dimensions: Sequence[int], type_: str, data: bytes) -> Problem | None:
    if len(dimensions) > RANK:
        return Problem(
            "invalid-argument", f"a tensor of {len(dimensions)} dimensions; at most {RANK} are taken"
        )
    expected = math.prod(dimensions) * SIZES[type_]
    if expected != len(data):
        shape = " × ".join(map(str, dimensions)) or "1"
        text = f"a tensor of {shape} elements of {type_} has {expected} bytes of data, {len(data)} were given"
        return Problem("invalid-argument", text)
    return None
