"""Agents over MCP: the tools that ask them and send to them, and their state and events as resources.

    mcp-wasm://agents/<path>/state     how it is, and its memory, as JSON
    mcp-wasm://agents/<path>/events    what happened to it of late, as JSON lines

Only agents that a person exposed exist for clients, and only for those that may
call ``ask_agent``. What agents answer was written by others: it is shown as data.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from mcp_wasm.agents import incoming
from mcp_wasm.agents.message import DEFAULT_KIND, KINDS, MOST_BYTES
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.slot import Slot
from mcp_wasm.errors import InvalidArguments, Mismatch, UnknownAgent
from mcp_wasm.server.agent_tools import ASK, LIST, LONGEST_WAIT, SEND
from mcp_wasm.server.content import Wire
from mcp_wasm.server.peer import Peer
from mcp_wasm.server.text import visible
from mcp_wasm.server.wanted import Arguments, kind

AGENTS = "mcp-wasm://agents/"
_URI = re.compile(re.escape(AGENTS) + r"(?P<path>[a-z0-9_/-]{1,255})/(?P<what>state|events)")
_SECONDS = 30.0
_DESCRIPTION = 2000
_EVENTS = 200
_MEMORY = 256 * 1024
"""Characters of an agent's memory that are shown."""

_FIELDS = {
    LIST: frozenset[str](),
    ASK: frozenset({"agent", "payload", "seconds", "priority"}),
    SEND: frozenset({"agent", "payload", "kind", "priority"}),
}


class AgentDoor:
    """Carries out the tools for agents of ``node``."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def call(self, tool: str, arguments: Arguments, client: str) -> Any:
        """The value of a call of one of the three tools.

        Raises:
            InvalidArguments: the arguments do not fit.
            UnknownAgent: no exposed agent has that address.
            McpWasmError: it failed, it is full, or it did not answer.
        """
        _check(tool, arguments)
        if tool == LIST:
            return [self._told(path, slot) for path, slot in self._exposed().items()]
        path = self._found(str(arguments["agent"]))
        priority, unknown = incoming.priority(arguments.get("priority"))
        if unknown:
            self._node.note(path, "warning", f"from {_tag(client)}: {unknown}")
        payload = arguments["payload"]
        if tool == SEND:
            sent_kind = arguments.get("kind", DEFAULT_KIND)
            sender = f"client:{_tag(client)}"
            made = self._node.tell(path, payload, sender=sender, kind=sent_kind, priority=priority)
            return {"agent": path, "id": made}
        seconds = float(arguments.get("seconds", _SECONDS))
        answer = await self._node.ask(path, payload, seconds=seconds, priority=priority)
        return {"agent": path, "reply": answer.value, "id": answer.re}

    def listed(self) -> list[Wire]:
        """The resources of every exposed agent."""
        return [
            {"uri": f"{AGENTS}{path}/{what}", "name": f"{what} of {path}", "mimeType": "application/json"}
            for path in self._exposed()
            for what in ("state", "events")
        ]

    async def read(self, uri: str) -> Wire | None:
        """The content at an address; None where nothing is."""
        found = _URI.fullmatch(uri)
        if found is None or found["path"] not in self._exposed():
            return None
        path = found["path"]
        text = await self._state(path) if found["what"] == "state" else self._events(path)
        return {"mimeType": "application/json", "text": visible(text, len(text))}

    def may(self, peer: Peer) -> bool:
        """Whether agents exist for this client."""
        return peer.may(ASK)

    async def _state(self, path: str) -> str:
        memory: dict[str, str] = {}
        room = _MEMORY
        for key, value in (await self._node.memory(path)).items():
            room -= len(key) + len(value)
            if room < 0:
                break
            memory[key] = value
        view = next(each for each in self._node.views() if each.path == path)
        about = dataclasses.asdict(view) | {"memory": memory, "memory_cut": room < 0}
        return json.dumps(about, ensure_ascii=False, indent=2)

    def _events(self, path: str) -> str:
        events = [each for each in self._node.events.recent() if each.path == path][-_EVENTS:]
        return json.dumps([dataclasses.asdict(each) for each in events], ensure_ascii=False, indent=2)

    def _exposed(self) -> Mapping[str, Slot]:
        return {path: slot for path, slot in self._node.slots.items() if slot.spec.exposed}

    def _found(self, address: str) -> str:
        exposed = self._exposed()
        if address not in exposed:
            # One that is not exposed is as if it were not there.
            import difflib

            raise UnknownAgent(visible(address, 100), difflib.get_close_matches(address, exposed, 3, 0.5))
        return address

    def _told(self, path: str, slot: Slot) -> dict[str, Any]:
        return {
            "agent": path,
            "description": visible(slot.spec.description, _DESCRIPTION),
            "state": slot.phase,
            "restarts": slot.restarts,
            "waiting": len(slot.mailbox),
        }


def _check(tool: str, given: Arguments) -> None:
    wrong = [
        Mismatch(f"/{visible(key, 60)}", "no such parameter", "it") for key in given.keys() - _FIELDS[tool]
    ]
    if tool != LIST:
        wrong += _wrong(given)
    if wrong:
        raise InvalidArguments(tool, wrong)


def _wrong(given: Arguments) -> list[Mismatch]:
    wrong = []
    if not isinstance(given.get("agent"), str):
        wrong.append(
            Mismatch("/agent", f"the address of an agent, as {LIST} tells it", kind(given.get("agent")))
        )
    if "payload" not in given:
        wrong.append(Mismatch("/payload", "a JSON value", "nothing"))
    elif len(json.dumps(given["payload"])) > MOST_BYTES:
        wrong.append(Mismatch("/payload", f"at most {MOST_BYTES:,} bytes of JSON", "more"))
    priority, sent_kind, seconds = given.get("priority"), given.get("kind"), given.get("seconds")
    if priority is not None and not isinstance(priority, str):
        wrong.append(Mismatch("/priority", "a string", kind(priority)))
    if sent_kind is not None and sent_kind not in KINDS:
        wrong.append(Mismatch("/kind", f"one of {', '.join(sorted(KINDS))}", kind(sent_kind)))
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if seconds is not None and not (number and 0 < seconds <= LONGEST_WAIT):
        wrong.append(Mismatch("/seconds", f"a number above 0, at most {LONGEST_WAIT:g}", kind(seconds)))
    return wrong


def _tag(client: str) -> str:
    """What agents know the client as: never as the person, whose messages are from ``client:local``."""
    return "mcp-" + re.sub(r"[^a-zA-Z0-9_-]", "-", client)[:40]
