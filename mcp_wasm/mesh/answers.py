"""How an error of one node becomes the same error on another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.errors import Busy, HostError, MailboxFull, McpWasmError, UnknownAgent, Unreachable
from mcp_wasm.mesh.envelope import EnvelopeRefused

_LONGEST = 4000


class RefusedThere(HostError):
    """Another node did not do what it was asked for; ``node`` is which and ``reason`` what it says."""

    def __init__(self, node: str, reason: str) -> None:
        self.node, self.reason = node, reason
        super().__init__(f"The node {node} says: {reason}")


def failure(error: McpWasmError) -> dict[str, Any]:
    """``error`` as the body of an answer. Only our own errors travel: their words are meant for others."""
    match error:
        case MailboxFull():
            return {"error": "mailbox_full", "address": error.address, "capacity": error.capacity}
        case Busy():
            return {"error": "busy", "holder": error.holder, "waiting": error.waiting}
        case UnknownAgent():
            return {"error": "unknown_agent", "address": error.address, "nearest": list(error.nearest[:3])}
        case Unreachable():
            return {"error": "unreachable", "address": error.address, "reason": error.reason[:_LONGEST]}
    return {"error": "refused", "reason": str(error)[:_LONGEST]}


def checked(node: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """``body`` if it is the answer, which ``node`` gave.

    Raises:
        McpWasmError: it says what went wrong there.
    """
    if "error" not in body:
        return body
    raise _raised(node, body)


def _raised(node: str, body: Mapping[str, Any]) -> McpWasmError:
    match body:
        case {"error": "mailbox_full", "address": str() as address, "capacity": int() as capacity}:
            return MailboxFull(_short(address), capacity)
        case {"error": "unknown_agent", "address": str() as address, "nearest": [*nearest]} if all(
            isinstance(each, str) for each in nearest
        ):
            return UnknownAgent(_short(address), [_short(each) for each in nearest[:3]])
        case {"error": "busy", "holder": str() as holder, "waiting": int() as waiting}:
            return Busy(_short(holder), waiting)
        case {"error": "unreachable", "address": str() as address, "reason": str() as reason}:
            return Unreachable(_short(address), reason[:_LONGEST])
        case {"error": "refused", "reason": str() as reason}:
            return RefusedThere(node, reason[:_LONGEST])
    return EnvelopeRefused(f"the answer of {node} has not the form of one")


def _short(text: str) -> str:
    return text[:300]
