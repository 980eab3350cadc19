"""What a handler asks for: the variant ``effect`` of ``wit/mcp-wasm-agent-0.1.0``, read and checked.

Pure. A handler's answer comes from a guest, so each text that is to be JSON is
looked at, and a kind that only the runtime may send is refused. Who carries the effects out is ``agent``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_wasm.agents.message import KINDS, MOST_BYTES, PRIORITIES, Priority
from mcp_wasm.errors import MessageRefused

MOST = 1000
"""Effects of one message."""

LONGEST_DELAY_MS = 366 * 24 * 3600 * 1000
"""A year: what a timer waits at most."""

LONGEST_WORD = 255
"""Characters of a tag, of what a reply answers, of an address, a subject or a tool's name."""

_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the message ``re``, or the handled one; ``failed`` where the payload says what went wrong."""

    payload: str
    re: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Send to another agent."""

    to: str
    payload: str
    priority: Priority
    kind: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish to all that subscribe to a subject."""

    subject: str
    payload: str


@dataclass(frozen=True, slots=True)
class Store:
    """Keep a value in the agent's memory, or remove it."""

    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Send later."""

    after_ms: int
    message: Send


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call a tool; the answer comes as ``tool_result``."""

    name: str
    arguments: Mapping[str, Any]
    tag: str


@dataclass(frozen=True, slots=True)
class AskModel:
    """Ask a language model; the answer comes as ``llm_result``."""

    operation: str
    input: str
    tag: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the agent."""

    reason: str


Effect = Reply | Send | Publish | Store | Schedule | CallTool | AskModel | Stop

OPERATIONS = ("summarize", "plan_workflow", "reason")


def parse(found: Iterable[Mapping[str, Any]]) -> tuple[Effect, ...]:
    """The effects of one message, in order, from the JSON of the component's answer.

    Raises:
        MessageRefused: naming the first that cannot be carried out.
    """
    effects = tuple(_READ[each["tag"]](each["val"]) for each in found)
    if len(effects) > MOST:
        raise MessageRefused("the effects of one message", f"at most {MOST:,}", f"{len(effects):,}")
    return effects


def id_of(message: str, index: int) -> str:
    """The id of the message that effect ``index`` of the message with the id ``message`` sends.

    It is the same when the message is handled again, so that what was sent twice can be told.
    """
    made = f"{message}.{index}"
    return made if len(made) <= _LONGEST_ID else "h" + hashlib.sha256(made.encode()).hexdigest()[:32]


def _payload(text: str, what: str) -> str:
    if len(text) * 4 > MOST_BYTES and len(text.encode()) > MOST_BYTES:
        raise MessageRefused(what, f"at most {MOST_BYTES:,} bytes", f"{len(text.encode()):,} bytes")
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise MessageRefused(what, "JSON text", repr(text[:60])) from None
    return text


def _word(text: str, what: str) -> str:
    if len(text) > LONGEST_WORD:
        raise MessageRefused(what, f"at most {LONGEST_WORD} characters", f"{len(text):,}")
    return text


def _send(value: Mapping[str, Any]) -> Send:
    kind = value["kind"] or "data_transfer"
    if kind not in KINDS:
        raise MessageRefused("the kind of a message", f"one of {', '.join(sorted(KINDS))}", repr(kind[:60]))
    return Send(
        _word(value["to"], "an address"),
        _payload(value["payload"], "the payload of send"),
        PRIORITIES[value["priority"]],
        kind,
    )


def _reply(value: Mapping[str, Any]) -> Reply:
    re = _word(value["re"], "what a reply answers")
    return Reply(_payload(value["payload"], "the payload of reply"), re, value["failed"])


def _publish(value: Mapping[str, Any]) -> Publish:
    return Publish(_word(value["subject"], "a subject"), _payload(value["payload"], "the payload of publish"))


def _store(value: Mapping[str, Any]) -> Store:
    return Store(value["key"], value["value"])


def _schedule(value: Mapping[str, Any]) -> Schedule:
    delay = value["after-ms"]
    if delay > LONGEST_DELAY_MS:
        raise MessageRefused("after-ms", f"at most {LONGEST_DELAY_MS:,} (a year)", f"{delay:,}")
    return Schedule(delay, _send(value["message"]))


def _call_tool(value: Mapping[str, Any]) -> CallTool:
    arguments = json.loads(_payload(value["arguments"], "the arguments of call-tool"))
    if not isinstance(arguments, dict):
        expected = "the JSON text of an object"
        raise MessageRefused("the arguments of call-tool", expected, repr(value["arguments"][:60]))
    return CallTool(_word(value["name"], "the name of a tool"), arguments, _word(value["tag"], "a tag"))


def _ask(value: Mapping[str, Any]) -> AskModel:
    if value["operation"] not in OPERATIONS:
        found = repr(value["operation"][:60])
        raise MessageRefused("the operation of ask-llm", f"one of {', '.join(OPERATIONS)}", found)
    text = value["input"]
    if len(text) > MOST_BYTES:
        raise MessageRefused("the input of ask-llm", f"at most {MOST_BYTES:,} characters", f"{len(text):,}")
    return AskModel(value["operation"], text, _word(value["tag"], "a tag"))


_READ: Mapping[str, Callable[[Any], Effect]] = {
    "reply": _reply,
    "send": _send,
    "publish": _publish,
    "store": _store,
    "schedule": _schedule,
    "call-tool": _call_tool,
    "ask-llm": _ask,
    "stop": Stop,
}
