"""Which function of which component the messages of an agent go to, found once for all agents of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcp_wasm.agents import source
from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits

HANDLE = "mcp-wasm:agent/handler@0.1.0#handle"
"""The export path of an agent's handler."""

_Key = tuple[str, str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Target:
    """``tool`` is the function of ``component`` that handles messages, each within ``limits``."""

    component: Component
    tool: Tool
    limits: Limits


class Targets:
    """The targets of specs, by what they name; a file that has changed is another."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._known: dict[_Key, tuple[Component, Tool]] = {}

    def known(self, spec: AgentSpec) -> Target | None:
        """The target of ``spec`` where it was loaded before and its file is the same; it blocks for nothing.

        Raises:
            InvalidSettings: the spec's limits are none.
        """
        key = _key(spec)
        found = self._known.get(key) if key is not None else None
        return _target(*found, spec) if found is not None else None

    def load(self, spec: AgentSpec) -> Target:
        """The target of ``spec``; source code is compiled, which takes its time.

        Raises:
            CallerError: there is no such component, or it has no such function.
            HostError: it cannot be compiled here.
        """
        key = _key(spec)
        component = source.component(self._runtime, spec.component, agent=not spec.tool)
        tool = _tool(component, spec)
        if key is not None:
            self._known[key] = component, tool
        return _target(component, tool, spec)


def _target(component: Component, tool: Tool, spec: AgentSpec) -> Target:
    return Target(component, tool, component.limits.narrow(spec.limits) if spec.limits else component.limits)


def _key(spec: AgentSpec) -> _Key | None:
    """What a target is known by; None for a published component, which may be another at any time."""
    path = Path(spec.component)
    if not source.is_file(spec.component):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), spec.tool, (found.st_ino, found.st_size, found.st_mtime_ns)


def _tool(component: Component, spec: AgentSpec) -> Tool:
    wanted = spec.tool or HANDLE
    for tool in component.tools:
        if wanted in tool.names:
            return tool
    if spec.tool:
        names = ", ".join(tool.function.name for tool in component.tools)
        raise ComponentRefused(component.name, f"it has no tool {spec.tool!r}", f"It has {names}")
    hint = "Say with `tool` which of its functions the messages go to"
    raise ComponentRefused(component.name, f"it is no agent: it does not export {HANDLE}", hint)
