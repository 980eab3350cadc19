"""``wasi:nn/tensor``: bytes with a shape, kept by the host until the guest drops them."""

from __future__ import annotations

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.host.nn_errors import VERSIONS
from mcp_wasm.sandbox.nn.tensors import Held, Tensor


def _new(call: Call, dimensions: list[int], type_: str, data: bytes) -> Tensor:
    return Tensor(Held.of(call), dimensions, type_, data)


def _dimensions(_call: Call, tensor: Tensor) -> list[int]:
    return list(tensor.dimensions)


def _type(_call: Call, tensor: Tensor) -> str:
    return tensor.type


def _data(_call: Call, tensor: Tensor) -> bytes:
    return tensor.data


INTERFACES = (
    Interface(
        "wasi:nn/tensor",
        VERSIONS,
        {
            "[constructor]tensor": _new,
            "[method]tensor.dimensions": _dimensions,
            "[method]tensor.ty": _type,
            "[method]tensor.data": _data,
        },
        {"tensor": Tensor},
    ),
)
