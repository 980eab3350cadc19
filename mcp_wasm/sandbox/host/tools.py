"""``mcp-wasm:tools/call``: a guest calls other published tools, those that its grants name.

The called tool runs under its own grants, not the caller's: who may call a tool
may do with it all that the tool may do. So a grant of ``tools`` is a grant of
what those tools were granted. Whatever goes wrong in the called tool is an
error value here; only where the caller itself is due does it end.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

from mcp_wasm.capability import match
from mcp_wasm.errors import (
    HostFault,
    InvalidArguments,
    LimitExceeded,
    McpWasmError,
    Trap,
    UnknownTool,
)
from mcp_wasm.sandbox import fuel
from mcp_wasm.sandbox.call import Call, Stopped
from mcp_wasm.sandbox.host.interface import Interface

_log = logging.getLogger(__name__)

DEPTH = 4
"""How deep calls nest: a tool that a client calls is at 0, and what it calls at 1."""

LISTED_FUEL = 10_000
"""Fuel that each listed tool costs, beside a unit for each byte of its text."""

_LONGEST_NAME = 128
_SHOWN = 4000


def _list(call: Call) -> list[dict[str, str]]:
    found, component = [], call.about.component
    for tool in call.services.list_tools():
        if call.stop.due():
            raise Stopped
        if match.tool(call.grants, component, tool.name).grant is not None:
            schema = json.dumps(tool.input_schema, ensure_ascii=False, separators=(",", ":"))
            fuel.charge(call, LISTED_FUEL + len(schema) + len(tool.description))
            found.append({"name": tool.name, "description": tool.description, "input-schema": schema})
    return found


def _call(call: Call, name: str, arguments: str) -> dict[str, Any]:
    refused = _refused(call, name)
    if refused is not None:
        return refused
    if call.services.call_tool is None:
        return _error("unavailable", "no tools can be called here")
    if len(arguments) > call.limits.arguments:
        return _error("invalid", f"more than {call.limits.arguments:,} bytes of arguments")
    try:
        given = _read(arguments)
    except ValueError as error:
        return _error("invalid", f"the arguments are no JSON object: {error}")
    if call.about.depth >= DEPTH:
        return _error("limit", f"calls of tools nest {DEPTH} deep at most")
    try:
        outcome = call.services.call_tool(call, name, given)
    except McpWasmError as error:
        if call.stop.due():
            raise Stopped from None
        return _told(error)
    if call.stop.due():
        raise Stopped
    return _error("failed", outcome.text) if outcome.failed else {"ok": outcome.text}


def _refused(call: Call, name: str) -> dict[str, Any] | None:
    """The error for a tool that the grants do not name, whether there is one or not."""
    if len(name) > _LONGEST_NAME:
        rule = f"no tool has a name of {len(name):,} characters"
        call.deny(None, f"the tool {name[:_LONGEST_NAME]}…", rule, kind="tools")
        return _error("denied", rule)
    decision = match.tool(call.grants, call.about.component, name)
    if decision.grant is not None:
        return None
    call.deny(decision.wanted, f"the tool {name}", decision.rule, kind="tools")
    return _error("denied", decision.rule)


def _told(error: McpWasmError) -> dict[str, Any]:
    """What the guest is told of an error of the tool that it called."""
    if isinstance(error, HostFault):
        _log.error("a tool called by a tool failed, error %s", error.id, exc_info=error)
    tags = {UnknownTool: "unknown", InvalidArguments: "invalid", LimitExceeded: "limit", Trap: "trapped"}
    tag = next((tag for class_, tag in tags.items() if isinstance(error, class_)), "unavailable")
    if isinstance(error, UnknownTool):
        error = UnknownTool(error.name)  # the nearest names are of tools that the grants need not name
    return _error(tag, str(error)[:_SHOWN])


def _error(tag: str, text: str) -> dict[str, Any]:
    # A lone surrogate, which JSON can name, is no text that a guest could be given.
    return {"err": {"tag": tag, "val": text.encode("utf-8", "replace").decode()}}


def _read(text: str) -> dict[str, Any]:
    """The arguments as plain values.

    Raises:
        ValueError: it is no JSON, no object, or says a name twice.
    """
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    if not isinstance(value, dict):
        raise ValueError("it is something else")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"it says {json.dumps(twice[:100])} twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


INTERFACES = (Interface("mcp-wasm:tools/call", ("0.1.0",), {"list": _list, "call": _call}),)
