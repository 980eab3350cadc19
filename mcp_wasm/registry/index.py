"""The published components and their tools, by name: read without locks, replaced as a whole."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType

from mcp_wasm.component import names
from mcp_wasm.errors import CallerError, ComponentRefused, UnknownTool
from mcp_wasm.registry.tool import Component, Tool

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolSetting:
    """What a person set for one tool: another name, another title, not shown."""

    name: str | None = None
    title: str | None = None
    hidden: bool | None = None


@dataclass(frozen=True, slots=True)
class _State:
    components: Mapping[str, Component] = field(default_factory=dict)
    tools: Mapping[str, Tool] = field(default_factory=dict)


class Index:
    """Name to component, name to tool. Readers see one consistent state; writers take turns."""

    def __init__(self, settings: Mapping[str, ToolSetting] | None = None) -> None:
        self._settings = dict(settings or {})
        self._state = _State()
        self._remote: Mapping[str, Component] = {}
        self._writing = threading.Lock()
        self._callbacks: dict[object, Callable[[], None]] = {}

    @property
    def components(self) -> tuple[Component, ...]:
        """All components, by name."""
        return tuple(self._state.components.values())

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools that are shown, by name."""
        return tuple(tool for tool in self._state.tools.values() if not tool.hidden)

    @property
    def all_tools(self) -> tuple[Tool, ...]:
        """The tools by name, shown or hidden."""
        return tuple(self._state.tools.values())

    def component(self, name: str) -> Component | None:
        """The component of that name."""
        return self._state.components.get(name)

    def named(self, name: str) -> Component:
        """The component of that name.

        Raises:
            CallerError: with the nearest names, if there is none.
        """
        found = self.component(name)
        if found is None:
            nearest = names.nearest(name, list(self._state.components))
            hint = f" Did you mean {', '.join(nearest)}?" if nearest else ""
            raise CallerError(f"There is no component named {name!r}.{hint}")
        return found

    def tool(self, name: str) -> Tool:
        """The tool of that name, shown or hidden.

        Raises:
            UnknownTool: with the nearest names.
        """
        tools = self._state.tools
        found = tools.get(name)
        if found is None:
            raise UnknownTool(name, names.nearest(name, [t.name for t in tools.values() if not t.hidden]))
        return found

    def target(self, name: str) -> tuple[Tool, Component]:
        """The tool of that name and its component, as they were at one moment.

        Raises:
            UnknownTool: with the nearest names.
        """
        while True:
            state = self._state
            tool = self.tool(name)
            if state is self._state:
                return tool, state.components[tool.component]

    def put(self, component: Component, *, replace: bool = True) -> None:
        """Add a component, or replace the one of its name.

        Raises:
            ComponentRefused: without ``replace``, if the name is taken.
        """

        def edit(now: Mapping[str, Component]) -> Mapping[str, Component]:
            taken = now.get(component.name)
            if taken is not None and not replace:
                reason = f"the name {component.name} is taken by {taken.source}"
                raise ComponentRefused(str(component.source), reason)
            return {**now, component.name: component}

        self._change(edit)

    def remove(self, name: str) -> Component | None:
        """Remove a component of this node; it, or None if there was none."""
        gone = self._state.components.get(name)
        if gone is not None and gone.remote is None:
            self._change(lambda now: {key: value for key, value in now.items() if key != name})
        return gone

    def put_remote(self, components: Sequence[Component]) -> None:
        """Have these components of other nodes, and no others; those of this node win over them by name."""

        def edit(now: Mapping[str, Component]) -> Mapping[str, Component]:
            self._remote = {component.name: component for component in components}
            return now

        self._change(edit)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each change, on the thread that made it; call the result to end that."""
        key = object()
        self._callbacks[key] = callback

        def end() -> None:
            self._callbacks.pop(key, None)

        return end

    def _change(self, edit: Callable[[Mapping[str, Component]], Mapping[str, Component]]) -> None:
        with self._writing:
            here = {name: each for name, each in self._state.components.items() if each.remote is None}
            components = edit(here)
            tools = self._tools({name: components[name] for name in sorted(components)})
            far = {name: each for name, each in self._remote.items() if name not in components}
            # What comes from elsewhere takes no name from a tool that is here, not even by being alike.
            beside = {name: tool for name, tool in self._tools(far).items() if name not in tools}
            tools = dict(sorted({**tools, **beside}.items()))
            components = {**components, **far}
            ordered = {name: components[name] for name in sorted(components)}
            changed = tuple(ordered.values()) != self.components  # the tools follow from them
            self._state = _State(MappingProxyType(ordered), MappingProxyType(tools))
        if changed:
            for callback in tuple(self._callbacks.values()):
                try:
                    callback()
                except Exception:  # noqa: BLE001 - whoever listens badly must not stop the others, or the change
                    _log.exception("a listener to changes of the tools failed")

    def _tools(self, components: Mapping[str, Component]) -> dict[str, Tool]:
        tools = [tool for component in components.values() for tool in component.tools]
        shown = [self._set(tool) for tool in tools]
        given = _distinct(tools, shown)
        pairs = zip(given, shown, strict=True)
        found = {name: one if one.name == name else replace(one, name=name) for name, one in pairs}
        return dict(sorted(found.items()))

    def _set(self, tool: Tool) -> Tool:
        setting = self._settings.get(tool.name)
        if setting is None:
            return tool
        return replace(
            tool,
            name=setting.name or tool.name,
            title=setting.title or tool.title,
            hidden=tool.hidden if setting.hidden is None else setting.hidden,
        )


def _distinct(tools: Sequence[Tool], shown: Sequence[Tool]) -> list[str]:
    """The names of ``shown``, all different; ``tools`` are the same without what a person set.

    Two components may give one name (`a_b` + `c`, `a` + `b_c`). Then neither keeps
    it, or a component could be named so that calls meant for another reach it: a
    hash of its path stands with each. Only a name that a person gave stays, where it
    is plain which of two tools they meant.
    """
    given, own = [one.name for one in shown], Counter(tool.name for tool in tools)
    chosen = {
        name: i
        for i, name in reversed(list(enumerate(given)))
        if name != tools[i].name and own[tools[i].name] == 1
    }
    for round_ in count():
        uses = Counter(given)
        alike = [i for i, name in enumerate(given) if uses[name] > 1 and chosen.get(name) != i]
        if not alike:
            return given
        for i in alike:
            given[i] = _apart(tools[i], round_)
    raise AssertionError


def _apart(tool: Tool, round_: int) -> str:
    source = f"{tool.component} {tool.function.path} {round_ or ''}".rstrip()
    digest = hashlib.sha256(source.encode()).hexdigest()[:6]
    return f"{tool.name[: names.LONGEST - 7].rstrip('_')}_{digest}"
