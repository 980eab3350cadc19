"""The tools by which a client asks agents and sends to them, where a person serves a tree of agents."""

from __future__ import annotations

from typing import Any

from mcp_wasm.agents.message import KINDS

LIST, ASK, SEND = "list_agents", "ask_agent", "send_to_agent"
AGENT_TOOLS = frozenset({LIST, ASK, SEND})

LONGEST_WAIT = 600.0
"""Seconds that one question may wait for its answer."""

_TEXT: dict[str, Any] = {"type": "string"}
_AGENT = {**_TEXT, "description": f"The agent's address, as {LIST} tells it."}
_PAYLOAD = {"description": "The message: any JSON value. What an agent understands is in its description."}
_PRIORITY = {
    **_TEXT,
    "description": "critical, high, normal (or medium), low; normal when left out, and for any other.",
}


def agents_listed() -> tuple[dict[str, Any], ...]:
    """The three tools as they are listed; which agents there are is told by the first."""
    state = {
        "agent": _TEXT,
        "description": _TEXT,
        "state": {**_TEXT, "description": "starting, waiting, running or stopped."},
        "restarts": {"type": "integer", "minimum": 0},
        "waiting": {"type": "integer", "minimum": 0, "description": "Messages in its mailbox."},
    }
    reply = {"agent": _TEXT, "reply": {"description": "The agent's answer: any JSON value."}, "id": _TEXT}
    seconds = {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": LONGEST_WAIT,
        "description": "How long to wait for the answer; 30 when left out.",
    }
    return (
        _listed(
            LIST,
            "List agents",
            "Lists the agents that take messages from here, with what each is for and how it is.",
            _object({}),
            {"type": "array", "items": _object(state, tuple(state))},
            reads=True,
        ),
        _listed(
            ASK,
            "Ask an agent",
            "Sends a message to an agent and waits for its answer. An agent that fails is started again by "
            "its supervisor; the error says what happened, and the question can be sent again.",
            _object(
                {"agent": _AGENT, "payload": _PAYLOAD, "seconds": seconds, "priority": _PRIORITY},
                ("agent", "payload"),
            ),
            _object(reply, tuple(reply)),
        ),
        _listed(
            SEND,
            "Send to an agent",
            "Sends a message to an agent without waiting for what becomes of it.",
            _object(
                {
                    "agent": _AGENT,
                    "payload": _PAYLOAD,
                    "kind": {**_TEXT, "enum": sorted(KINDS), "description": "data_transfer when left out."},
                    "priority": _PRIORITY,
                },
                ("agent", "payload"),
            ),
            _object({"agent": _TEXT, "id": _TEXT}, ("agent", "id")),
        ),
    )


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _listed(
    name: str,
    title: str,
    description: str,
    inputs: dict[str, Any],
    result: dict[str, Any],
    *,
    reads: bool = False,
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": inputs,
        "outputSchema": _object({"result": result}, ("result",)),
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": not reads,
            "idempotentHint": reads,
            "openWorldHint": not reads,
        },
    }
