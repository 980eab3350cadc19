"""The tools by which a client asks agents and sends to them, where a person serves a tree of agents."""

from __future__ import annotations

from typing import Any

from mcp_wasm.agents.message import KINDS
from mcp_wasm.server.listed import COUNT, TEXT, closed, listed, wrapped

LIST, ASK, SEND = "list_agents", "ask_agent", "send_to_agent"
AGENT_TOOLS = frozenset({LIST, ASK, SEND})

LONGEST_WAIT = 600.0
"""Seconds that one question may wait for its answer."""

_AGENT = {**TEXT, "description": f"The agent's address, as {LIST} tells it."}
_PAYLOAD = {"description": "The message: any JSON value. What an agent understands is in its description."}
_PRIORITY = {
    **TEXT,
    "description": "critical, high, normal (or medium), low; normal when left out, and for any other.",
}


def agents_listed() -> tuple[dict[str, Any], ...]:
    """The three tools as they are listed; which agents there are is told by the first."""
    state = {
        "agent": TEXT,
        "description": TEXT,
        "state": {**TEXT, "description": "starting, waiting, running or stopped."},
        "restarts": COUNT,
        "waiting": {**COUNT, "description": "Messages in its mailbox."},
    }
    reply = {"agent": TEXT, "reply": {"description": "The agent's answer: any JSON value."}, "id": TEXT}
    seconds = {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": LONGEST_WAIT,
        "description": "How long to wait for the answer; 30 when left out.",
    }
    return (
        listed(
            LIST,
            "List agents",
            "Lists the agents that take messages from here, with what each is for and how it is.",
            closed({}),
            wrapped({"type": "array", "items": closed(state, tuple(state))}),
            reads=True,
        ),
        listed(
            ASK,
            "Ask an agent",
            "Sends a message to an agent and waits for its answer. An agent that fails is started again by "
            "its supervisor; the error says what happened, and the question can be sent again.",
            closed(
                {"agent": _AGENT, "payload": _PAYLOAD, "seconds": seconds, "priority": _PRIORITY},
                ("agent", "payload"),
            ),
            wrapped(closed(reply, tuple(reply))),
            destroys=True,
            world=True,
        ),
        listed(
            SEND,
            "Send to an agent",
            "Sends a message to an agent without waiting for what becomes of it.",
            closed(
                {
                    "agent": _AGENT,
                    "payload": _PAYLOAD,
                    "kind": {**TEXT, "enum": sorted(KINDS), "description": "data_transfer when left out."},
                    "priority": _PRIORITY,
                },
                ("agent", "payload"),
            ),
            wrapped(closed({"agent": TEXT, "id": TEXT}, ("agent", "id"))),
            destroys=True,
            world=True,
        ),
    )
