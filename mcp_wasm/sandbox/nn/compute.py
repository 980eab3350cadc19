"""Running a model on tensors: everything is checked before, and measured after.

A run cannot be interrupted within one operator. It is asked to end once the
call is due, which it does at the next operator; the call's deadline is looked
at again after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.sandbox.call import Call, Stopped
from mcp_wasm.sandbox.nn import library
from mcp_wasm.sandbox.nn.models import Model, Port
from mcp_wasm.sandbox.nn.problem import Problem
from mcp_wasm.sandbox.nn.tensors import SIZES, Held, Tensor
from mcp_wasm.sandbox.nn.watcher import Watcher

_TYPES = {
    "tensor(float16)": ("FP16", "<f2"),
    "tensor(float)": ("FP32", "<f4"),
    "tensor(double)": ("FP64", "<f8"),
    "tensor(uint8)": ("U8", "|u1"),
    "tensor(int32)": ("I32", "<i4"),
    "tensor(int64)": ("I64", "<i8"),
}
"""The library's types, with the interface's and numpy's names for them. No numpy type is a BF16."""


def compute(call: Call, model: Model, inputs: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    """The outputs of ``model`` by name, in its order.

    Raises:
        Problem: the inputs do not fit, the model failed, or there is no room for its outputs.
        Stopped: the call is due.
    """
    feed, options = _feed(model, inputs), library.run_options()
    try:
        with call.services.shared(Watcher).watching(call.stop, lambda: _end(options)):
            found = model.session.run(None, feed, options)
    except Exception as error:  # noqa: BLE001 - the library raises classes of its own, of no common base
        raise library.problem(error) from None
    else:
        return _outputs(call, model, found)
    finally:
        feed = found = None  # type: ignore[assignment]
        # Whatever it returned: what it took in between may be large.
        library.shrink()
        if call.stop.due():
            raise Stopped


def _end(options: Any) -> None:
    options.terminate = True


def _feed(model: Model, inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    import numpy as np  # with onnxruntime, which needs it

    for name in inputs:
        if name not in model.inputs:
            raise Problem("invalid-argument", f"{model.name} has no input {name[:100]!r}{_there(model)}")
    feed = {}
    for name, port in model.inputs.items():
        tensor = inputs.get(name)
        if tensor is None:
            raise Problem("invalid-argument", f"the input {name!r} of {model.name} is missing{_there(model)}")
        numpy_type = _check(model, port, tensor)
        feed[name] = np.frombuffer(tensor.data, numpy_type).reshape(tensor.dimensions)
    return feed


def _check(model: Model, port: Port, tensor: Tensor) -> str:
    """The numpy type of ``tensor``, which fits ``port``."""
    if tensor.problem is not None:
        raise tensor.problem
    where = f"the input {port.name!r} of {model.name}"
    known = _TYPES.get(port.type)
    if known is None:
        raise Problem("unsupported-operation", f"{where} is a {port.type}, which wasi:nn has no name for")
    if known[0] != tensor.type:
        raise Problem("invalid-argument", f"{where} is of {known[0]}, a tensor of {tensor.type} was given")
    fits = len(port.shape) == len(tensor.dimensions) and all(
        expected is None or expected == given
        for expected, given in zip(port.shape, tensor.dimensions, strict=True)
    )
    if not fits:
        expected = ", ".join("any" if size is None else str(size) for size in port.shape)
        text = f"{where} has dimensions [{expected}], a tensor of {list(tensor.dimensions)} was given"
        raise Problem("invalid-argument", text)
    return known[1]


def _there(model: Model) -> str:
    return f"; there are {', '.join(map(repr, model.inputs))}"[:300] if model.inputs else "; it takes none"


def _outputs(call: Call, model: Model, found: list[Any]) -> list[tuple[str, Tensor]]:
    held, made = Held.of(call), []
    try:
        for port, array in zip(model.outputs, found, strict=True):
            made.append((port.name, _output(held, port, array)))
    except Problem:
        for _, tensor in made:
            tensor.close()
        raise
    return made


def _output(held: Held, port: Port, array: Any) -> Tensor:
    known = _TYPES.get(port.type)
    if known is None:
        text = f"the output {port.name!r} is a {port.type}, which wasi:nn has no name for"
        raise Problem("unsupported-operation", text)
    assert array.itemsize == SIZES[known[0]]
    if array.nbytes > held.room:
        where = f"the output {port.name!r} of {array.nbytes:,} bytes"
        raise Problem("too-large", f"{where}, and the call has room for {held.room:,} more")
    tensor = Tensor(held, array.shape, known[0], array.astype(known[1], copy=False).tobytes())
    if tensor.problem is not None:
        raise tensor.problem
    return tensor
