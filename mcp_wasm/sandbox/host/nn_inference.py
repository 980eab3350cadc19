"""``wasi:nn/inference``: running a model, in the two forms that drafts have given it."""

from __future__ import annotations

from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.host.nn_errors import Error
from mcp_wasm.sandbox.nn.compute import compute
from mcp_wasm.sandbox.nn.models import Model
from mcp_wasm.sandbox.nn.problem import Problem
from mcp_wasm.sandbox.nn.tensors import Tensor

_RESOURCES = {"tensor": Tensor, "error": Error}


class Context:
    """A model to be run; the older form keeps the tensors that were set, and the outputs, here."""

    __slots__ = ("inputs", "model", "outputs")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}

    def close(self) -> None:
        """Let go of the tensors."""
        _close(self.inputs)
        _close(self.outputs)


def _close(tensors: dict[str, Tensor]) -> None:
    while tensors:
        tensors.popitem()[1].close()


def _compute(call: Call, context: Context, inputs: list[list[Any]]) -> dict[str, Any]:
    named: dict[str, Tensor] = {}
    try:
        for name, tensor in inputs:
            if name in named:
                raise Problem("invalid-argument", f"the input {name[:100]!r} was given twice")
            named[name] = tensor
        return {"ok": [list(output) for output in compute(call, context.model, named)]}
    except Problem as problem:
        return {"err": Error.of(problem)}
    finally:
        for _, tensor in inputs:  # the guest has given them away
            tensor.close()


def _set_input(_call: Call, context: Context, name: str, tensor: Tensor) -> dict[str, Any]:
    # Only the model's own names are kept, so that a guest cannot pile up others.
    if name not in context.model.inputs:
        tensor.close()
        known = ", ".join(map(repr, context.model.inputs))[:300]
        text = f"{context.model.name} has no input {name[:100]!r}; there are {known}"
        return {"err": Error("invalid-argument", text)}
    before = context.inputs.pop(name, None)
    if before is not None:
        before.close()
    context.inputs[name] = tensor
    return {"ok": None}


def _compute_set(call: Call, context: Context) -> dict[str, Any]:
    try:
        outputs = dict(compute(call, context.model, context.inputs))
    except Problem as problem:
        return {"err": Error.of(problem)}
    _close(context.outputs)
    context.outputs = outputs
    return {"ok": None}


def _get_output(_call: Call, context: Context, name: str) -> dict[str, Any]:
    tensor = context.outputs.pop(name, None)
    if tensor is None:
        known = ", ".join(map(repr, context.outputs))[:300] or "none: compute first, and take each once"
        return {"err": Error("invalid-argument", f"there is no output {name[:100]!r}; there are {known}")}
    return {"ok": tensor}


INTERFACES = (
    Interface(
        "wasi:nn/inference",
        ("0.2.0-rc-2024-10-28",),
        {"[method]graph-execution-context.compute": _compute},
        {"graph-execution-context": Context},
        _RESOURCES,
    ),
    Interface(
        "wasi:nn/inference",
        ("0.2.0-rc-2024-08-19",),
        {
            "[method]graph-execution-context.set-input": _set_input,
            "[method]graph-execution-context.compute": _compute_set,
            "[method]graph-execution-context.get-output": _get_output,
        },
        {"graph-execution-context": Context},
        _RESOURCES,
    ),
)
