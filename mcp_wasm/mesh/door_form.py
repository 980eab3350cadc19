"""What users that are no nodes say and are told: plain JSON, read strictly. Pure.

See ``doors``, which carries it.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from mcp_wasm.agents import message as messages
from mcp_wasm.agents.message import Message
from mcp_wasm.errors import AgentFailed, MailboxFull, McpWasmError, MessageRefused, NoReply, UnknownAgent
from mcp_wasm.mesh.envelope import EnvelopeRefused, read_json

Code = Literal["refused", "busy", "gone", "failed", "no_reply", "away"]
CODES: dict[Code, str] = {
    "refused": "the question is no JSON, or too large",
    "busy": "too many questions wait, of this user or of all, or the mailbox is full",
    "gone": "the agent has ended",
    "failed": "the agent says that it cannot, or failed",
    "no_reply": "it has not answered in time; whether it did something is not known",
    "away": "it cannot be reached now, or its answer is too large",
}
_REASON = 2000
"""Characters of a reason that are passed on."""


def value(payload: bytes, most: int) -> Any:
    """The JSON value of a question of at most ``most`` bytes.

    Raises:
        MessageRefused: it is none that an agent could be given.
    """
    if len(payload) > most:
        raise MessageRefused("the question", f"at most {most:,} bytes", f"{len(payload):,}")
    try:
        found = read_json(payload.decode())
        # Lone surrogates, and numbers too large for any agent to read.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (EnvelopeRefused, ValueError, RecursionError):
        raise MessageRefused("the question", "JSON in UTF-8", "another text") from None
    return found


def message(user: str, to: str, value: Any) -> Message:
    """A message of ``user`` that asks for no answer."""
    return messages.new(client(user), to, json.dumps(value, ensure_ascii=False))


def client(user: str) -> str:
    """The sender of what ``user`` sends; no other client is called so."""
    return f"client:web.{user}"


def told(error: McpWasmError) -> tuple[Code, str]:
    """What a user is told of ``error``: what the agent says, and of us no more than the code's meaning."""
    match error:
        case AgentFailed(reason=reason):
            return "failed", reason
        case UnknownAgent():
            return "gone", CODES["gone"]
        case MailboxFull():
            return "busy", CODES["busy"]
        case NoReply():
            return "no_reply", CODES["no_reply"]
    return "away", CODES["away"]


def failure(code: Code, text: str) -> str:
    """The answer to a question that got none from an agent."""
    return json.dumps({"err": text[:_REASON], "code": code})
