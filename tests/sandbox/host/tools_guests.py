"""A runtime with guests that call tools, under grants of its policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.capability.grant import Tools
from mcp_wasm.capability.policy import Entry, Policy
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome

CASES = ("unknown", "denied", "invalid", "failed", "limit", "trapped", "unavailable")
ALL = Tools(("*",))
ADD = '{"a":1,"b":2}'
PROGRAMS = Path(__file__).parents[2] / "programs"

Make = Callable[..., Runtime]


def maker(home: Path, at_end: Callable[[Callable[[], None]], None]) -> Make:
    """``make(**grants)``: a runtime with ``caller``, ``other`` (the same guest) and guests to be called."""

    def made(
        *programs: str,
        limits: Limits | None = None,
        own: Mapping[str, Limits] | None = None,
        workers: int | None = None,
        tools: Mapping[str, ToolSetting] | None = None,
        audit: AuditOptions | None = None,
        **grants: tuple[Any, ...],
    ) -> Runtime:
        entries = {name: Entry(name, trust="name", grants=given) for name, given in grants.items()}
        runtime = Runtime(
            home=home,
            limits=limits,
            component_limits=own,
            workers=workers,
            tools=tools,
            audit=audit,
            policy=Policy(entries),
        )
        at_end(runtime.close)
        for name in ("tiny", "caller", *programs):
            runtime.add(PROGRAMS / f"{name}.wat")
        runtime.add(PROGRAMS / "caller.wat", name="other")
        return runtime

    return made


def relay(runtime: Runtime, name: str, arguments: str = "{}", **options: Any) -> Outcome:
    return runtime.call_sync("caller_relay", {"name": name, "arguments": arguments}, **options)


def error(outcome: Outcome) -> tuple[str, str]:
    """The case and the text of the error that the caller got."""
    assert outcome.failed, outcome.text
    assert isinstance(outcome.value, str)
    number, _, text = outcome.value.partition(" ")
    return CASES[int(number)], text


def nested(*names: str, last: str = ADD) -> tuple[str, str]:
    """The first of a chain of tools, each called by the one before it, and its arguments."""
    *between, name = names
    arguments = last
    for each in reversed(between):
        name, arguments = each, json.dumps({"name": name, "arguments": arguments})
    return name, arguments
