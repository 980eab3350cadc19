"""``wasi:nn/graph``: models, by name and out of folders that a person granted.

A model that the guest brings is refused: its file is the input of a native
parser and says what native code does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcp_wasm.capability import match
from mcp_wasm.capability.grant import Nn
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.host.nn_errors import VERSIONS, Error
from mcp_wasm.sandbox.host.nn_inference import Context
from mcp_wasm.sandbox.nn import library
from mcp_wasm.sandbox.nn.models import NAMES, Model, Models, is_name
from mcp_wasm.sandbox.nn.problem import Problem
from mcp_wasm.sandbox.nn.tensors import Held, Tensor

MODELS_OF_A_CALL = 8
"""Different models that one call may open."""


class Graph:
    """A model that the guest has opened."""

    __slots__ = ("model",)

    def __init__(self, model: Model) -> None:
        self.model = model


def _load(call: Call, builders: list[bytes], encoding: str, _target: str) -> dict[str, Any]:
    size = sum(map(len, builders))
    rule = (
        "models are loaded by name, from a folder that a person granted, and never from a component's bytes"
    )
    call.deny(None, f"loading a model of {size:,} bytes ({encoding})", rule, kind="nn")
    return {"err": Error("security", f"denied: {rule}")}


def _load_by_name(call: Call, name: str) -> dict[str, Any]:
    try:
        return {"ok": Graph(_found(call, name))}
    except Problem as problem:
        return {"err": Error.of(problem)}


def _found(call: Call, name: str) -> Model:
    """The model, where a grant names it.

    Raises:
        Problem: there is no grant or no such model, or it cannot be used here.
    """
    if not is_name(name):
        raise Problem("invalid-argument", f"what it names is no model: {NAMES} are expected")
    asked = f"the model {name}"
    decision = match.model(call.grants, call.about.component, name)
    if decision.grant is None:
        # Where no grant names a folder, the one that a person would be told to use.
        wanted = decision.wanted or Nn((name,), call.services.home / "models")
        call.deny(wanted, asked, decision.rule)
        raise Problem("security", f"denied: {decision.rule}")
    if _may_write(call, decision.grant.folder):
        rule = f"the component may write into {decision.grant.folder}: a model there could be its own"
        call.deny(None, asked, rule, kind="nn")
        raise Problem("security", f"denied: {rule}")
    if not library.installed():
        rule = f"onnxruntime, which runs models, is not installed; a person types {library.INSTALL}"
        call.deny(None, asked, rule, kind="nn")
        raise Problem("unsupported-operation", rule)
    held = Held.of(call)
    model = call.services.shared(Models).get(decision.grant.folder, name, call.stop)
    if model.digest not in held.models and len(held.models) >= MODELS_OF_A_CALL:
        raise Problem("too-large", f"a call opens at most {MODELS_OF_A_CALL} models")
    held.models.add(model.digest)
    return model


def _may_write(call: Call, folder: Path) -> bool:
    """Whether one of the call's grants of storage lets it make files in ``folder``."""
    try:
        inside = folder.resolve()
        return any(
            each.write and inside.is_relative_to(each.folder.resolve()) for each in call.grants.storage
        )
    except (OSError, RuntimeError):  # links in a circle
        return True


def _context(_call: Call, graph: Graph) -> dict[str, Any]:
    return {"ok": Context(graph.model)}


INTERFACES = (
    Interface(
        "wasi:nn/graph",
        VERSIONS,
        {
            "load": _load,
            "load-by-name": _load_by_name,
            "[method]graph.init-execution-context": _context,
        },
        {"graph": Graph},
        {"graph-execution-context": Context, "error": Error, "tensor": Tensor},
    ),
)
