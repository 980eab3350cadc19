"""What went wrong, in the words that the model gets: the table of the design, and nothing beyond it.

Errors of ours never carry their own text to a client, only an id that stands in
the log beside the cause.
"""

from __future__ import annotations

import logging

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from mcp_wasm.errors import (
    AgentFailed,
    BuildFailed,
    Busy,
    CallerError,
    CallLost,
    Cancelled,
    CapabilityDenied,
    HostFault,
    InvalidSettings,
    LimitExceeded,
    MailboxFull,
    NoReply,
    NotConfined,
    RemoteFailed,
    SessionEnded,
    StorageExceeded,
    ToolchainMissing,
    Trap,
    UnknownTool,
    Unreachable,
)
from mcp_wasm.server.text import tail, visible

log = logging.getLogger(__name__)

_FRAMES_SHOWN = 40
_NAME_SHOWN = 100
_BUILD_SHOWN = 16 * 1024
_AWAY_SHOWN = 8000

RAISE = "A person can raise it: {limit} under [limits] in mcp-wasm.toml."
"""Said beside every limit that was reached."""

NOT_STARTED = "The tool could not start without what nobody has granted it; its function was not called."
"""Said where a guest needs a grant to begin with; what was denied is told beside it."""


def protocol_error(error: Exception) -> MCPError | None:
    """The JSON-RPC error for a request that cannot be served at all, or None if ``error`` is no such."""
    match error:
        case MCPError():
            return error
        case UnknownTool():
            name, nearest = visible(error.name, _NAME_SHOWN), list(error.nearest)
            return MCPError(INVALID_PARAMS, str(UnknownTool(name, nearest)), {"nearest": nearest})
        case InvalidSettings():
            return MCPError(INVALID_PARAMS, visible(str(error), 500), {"where": error.where})
        case _:
            return None


def told(error: Exception) -> str:
    """What the model is told about a call that failed with ``error``."""
    match error:
        case StorageExceeded():  # a quota stands in a grant, and the error says what to do
            return str(error)
        case LimitExceeded():
            return f"{error} {RAISE.format(limit=error.limit)}"
        case Trap():
            return _trap(error)
        case CapabilityDenied():
            return NOT_STARTED
        case BuildFailed() | AgentFailed() | MailboxFull() | Unreachable() | NoReply():
            return visible(str(error), _BUILD_SHOWN)
        case CallerError() | Busy() | Cancelled() | SessionEnded() | ToolchainMissing() | NotConfined():
            return str(error)
        case RemoteFailed() | CallLost() | Unreachable():
            return visible(str(error), _AWAY_SHOWN)
        case HostFault():
            log.error("Fault %s: %s", error.id, error.what, exc_info=error)
            return str(error)
        case _:
            fault = HostFault("an unexpected exception")
            log.error("Fault %s", fault.id, exc_info=error)
            return str(fault)


def _trap(error: Trap) -> str:
    frames = "\n".join(error.frames[:_FRAMES_SHOWN])
    return f"{error}\nTraceback of the guest:\n{tail(frames, 8192)}" if frames else str(error)
