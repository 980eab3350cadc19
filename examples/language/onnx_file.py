"""Writes small ONNX models, byte for byte the same every time, with nothing but the standard library.

An ONNX file is one protocol buffer; the field numbers are those of ``onnx.proto3``
of the ONNX specification, the encoding is that of protocol buffers: a key, then
a varint or a length and bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

FLOAT, UINT8, INT32, INT64, STRING, BOOL = 1, 2, 6, 7, 8, 9
"""Element types (``TensorProto.DataType``)."""

_IR_VERSION, _OPSET = 8, 17
_VARINT, _BYTES, _FIXED32 = 0, 2, 5


def varint(value: int) -> bytes:
    """A number in groups of seven bits; a negative one as its 64-bit complement."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return varint(number << 3 | _VARINT) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | _FIXED32) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | _BYTES) + varint(len(data)) + data


def tensor(name: str, dims: Sequence[int], type_: int, data: bytes) -> bytes:
    """A ``TensorProto`` with its elements in row-major, little-endian bytes."""
    shape = b"".join(field(1, size) for size in dims)
    return shape + field(2, type_) + field(8, name) + field(9, data)


def floats(name: str, dims: Sequence[int], values: Sequence[float]) -> bytes:
    """A tensor of 32-bit floats."""
    return tensor(name, dims, FLOAT, struct.pack(f"<{len(values)}f", *values))


def integers(name: str, dims: Sequence[int], values: Sequence[int]) -> bytes:
    """A tensor of 64-bit integers."""
    return tensor(name, dims, INT64, struct.pack(f"<{len(values)}q", *values))


def node(
    operator: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Sequence[bytes] = ()
) -> bytes:
    """A ``NodeProto``: one operator."""
    names = b"".join(field(1, name) for name in inputs) + b"".join(field(2, name) for name in outputs)
    return names + field(4, operator) + b"".join(field(5, attribute) for attribute in attributes)


def whole(name: str, value: int) -> bytes:
    """An attribute that is an integer."""
    return field(1, name) + field(3, value) + field(20, 2)


def subgraph(name: str, value: bytes) -> bytes:
    """An attribute that is a graph: the body of a loop, a branch."""
    return field(1, name) + field(6, value) + field(20, 5)


def value(name: str, type_: int, dims: Sequence[int | str]) -> bytes:
    """A ``ValueInfoProto``: an input or output; a dimension by name is any size."""
    shape = b"".join(field(1, field(2 if isinstance(size, str) else 1, size)) for size in dims)
    return field(1, name) + field(2, field(1, field(1, type_) + field(2, shape)))


def graph(
    nodes: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes], tensors: Sequence[bytes] = ()
) -> bytes:
    """A ``GraphProto``: nodes in an order in which each finds its inputs, constants in ``tensors``."""
    parts = [(1, nodes), (5, tensors), (11, inputs), (12, outputs)]
    return field(2, "graph") + b"".join(field(number, item) for number, items in parts for item in items)


def model(of: bytes) -> bytes:
    """An ONNX file."""
    opset = field(1, "") + field(2, _OPSET)
    return field(1, _IR_VERSION) + field(2, "mcp-wasm examples") + field(7, of) + field(8, opset)
