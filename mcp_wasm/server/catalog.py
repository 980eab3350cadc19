"""The runtime's tools as MCP tools: what is listed, in what order, on which page.

Everything is built once and again only when the runtime's list has changed. It
calls nothing and knows nothing of connections, so every client sees the same, but
for tools that its token does not open.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_wasm.component.types import Result, Type
from mcp_wasm.registry.tool import Tool
from mcp_wasm.server.access import Identity
from mcp_wasm.server.agent_tools import agents_listed
from mcp_wasm.server.code_tools import code_listed
from mcp_wasm.server.content import COMPLETE, TRUNCATED_SCHEMA, published_schema
from mcp_wasm.server.operator import MARK, Operator, operator_listed
from mcp_wasm.server.options import ServerOptions
from mcp_wasm.server.paging import page
from mcp_wasm.server.search import PAIR, SearchIndex, pair_listed
from mcp_wasm.server.text import visible

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

log = logging.getLogger(__name__)

DIGEST_KEY = "mcp-wasm/digest"
COMPONENT_KEY = "mcp-wasm/component"
LOADED_KEY = "mcp-wasm/loaded"

_TITLE = 120
_DESCRIPTION = 8000
_HEADER_DECLARATION = "x-mcp-header"


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool as it is listed (``wire``), and of its results the type and whether they are structured."""

    tool: Tool
    wire: dict[str, Any]
    result: Type | None
    structured: bool


class Catalog:
    """The listed tools of ``runtime`` under ``options``, those of ``operator`` and those for ``agents``."""

    def __init__(
        self,
        runtime: Runtime,
        options: ServerOptions,
        operator: Operator | None = None,
        *,
        agents: bool = False,
    ) -> None:
        self._agents = agents
        self._runtime, self._options, self._operator = runtime, options, operator
        self._seen: tuple[Tool, ...] = ()
        self._entries: dict[str, Entry] = {}
        self._listed: list[dict[str, Any]] = []
        self._names: list[str] = []
        self._index: SearchIndex | None = None
        self._headers: dict[str, Mapping[str, Any]] = {}
        self._list(())

    @property
    def _pair(self) -> frozenset[str]:
        return PAIR if self.has_pair else frozenset()

    @property
    def has_pair(self) -> bool:
        """Whether ``search_tools`` and ``call_tool`` are served."""
        return self._options.tools != "dynamic"

    def page(self, cursor: str | None, identity: Identity | None = None) -> dict[str, Any]:
        """One page of the tools that exist for ``identity``, as the wire form of a ``ListToolsResult``.

        Raises:
            MCPError: INVALID_PARAMS for a cursor that is not ours.
        """
        self._refresh()
        names, listed = self._names, self._listed
        if identity is not None and not identity.sees_all:
            listed = [wire for wire in listed if wire["name"] in self._pair or identity.may(wire["name"])]
            names = [wire["name"] for wire in listed]
        tools, following = page(names, listed, cursor, self._options.page_size)
        result = COMPLETE | {"tools": list(tools), "ttlMs": 0, "cacheScope": "private"}
        return result | ({"nextCursor": following} if following else {})

    def entry(self, tool: Tool) -> Entry:
        """How ``tool`` is published; also for one that the list does not show."""
        known = self._entries.get(tool.name)
        if known is not None and known.tool is tool:
            return known
        self._refresh()
        known = self._entries.get(tool.name)
        return known if known is not None and known.tool is tool else self._entry(tool)

    def search(
        self, query: str, limit: int, may: Callable[[str], bool] = lambda _name: True
    ) -> list[dict[str, Any]]:
        """The tools that fit ``query`` best, best first, of those whose name ``may`` be seen."""
        self._refresh()
        if self._index is None:
            self._index = SearchIndex([entry.wire for entry in self._entries.values()])
        return self._index.search(query, limit, may)

    def header_schema(self, name: str) -> Mapping[str, Any] | None:
        """The schema of a tool that declares ``Mcp-Param-*`` headers (the SDK checks them) or None."""
        self._refresh()
        return self._headers.get(name)

    def _refresh(self) -> None:
        tools = self._runtime.tools
        # Tuples of the very same objects compare by identity: cheap until something changes.
        if tools != self._seen:
            self._list(tools)

    def _list(self, tools: tuple[Tool, ...]) -> None:
        own = (*(pair_listed(TRUNCATED_SCHEMA) if self._pair else ()), *self._operators())
        own += code_listed() if self._options.code else ()
        own += agents_listed() if self._agents else ()
        names = {wire["name"] for wire in own}
        for tool in tools:
            if tool.name in names:
                log.warning("The tool %s of %s is hidden by the server's own", tool.name, tool.component)
        self._entries = {tool.name: self._entry(tool) for tool in tools if tool.name not in names}
        shown = [entry.wire for entry in self._entries.values()] if self._options.tools != "search" else []
        self._listed = sorted([*shown, *own], key=lambda wire: str(wire["name"]))
        self._names = [wire["name"] for wire in self._listed]
        self._headers = {
            name: entry.tool.input_schema
            for name, entry in self._entries.items()
            if _mentions(entry.tool.input_schema, _HEADER_DECLARATION)
        }
        self._index, self._seen = None, tools

    def _operators(self) -> tuple[dict[str, Any], ...]:
        return operator_listed() if self._operator is not None else ()

    def _entry(self, tool: Tool) -> Entry:
        loaded = self._operator is not None and self._operator.is_loaded(tool.component)
        return _entry(tool, loaded=loaded)


def _entry(tool: Tool, *, loaded: bool) -> Entry:
    declared = tool.function.result
    result = declared.ok if isinstance(declared, Result) else declared
    output = published_schema(tool.output_schema, result)
    wire: dict[str, Any] = {
        "name": tool.name,
        "title": visible(" ".join(tool.title.split()), _TITLE) or tool.name,
        "description": (MARK if loaded else "") + visible(tool.description, _DESCRIPTION),
        "inputSchema": _readable(tool.input_schema),
        "annotations": {
            "readOnlyHint": tool.read_only,
            "destructiveHint": not tool.read_only,
            "idempotentHint": tool.read_only,
            "openWorldHint": tool.open_world,
        },
        "_meta": {COMPONENT_KEY: tool.component, DIGEST_KEY: tool.digest}
        | ({LOADED_KEY: True} if loaded else {}),
    }
    if output is not None:
        wire["outputSchema"] = _readable(output)
    return Entry(tool, wire, result, output is not None)


def _readable(schema: Any) -> Any:
    """``schema`` with every description made visible text: those are words of the component's author."""
    if isinstance(schema, Mapping):
        return {
            key: visible(value, _DESCRIPTION)
            if key in ("description", "title") and isinstance(value, str)
            else _readable(value)
            for key, value in schema.items()
        }
    return [_readable(value) for value in schema] if isinstance(schema, (list, tuple)) else schema


def _mentions(schema: Any, key: str) -> bool:
    if isinstance(schema, Mapping):
        return key in schema or any(_mentions(value, key) for value in schema.values())
    return isinstance(schema, (list, tuple)) and any(_mentions(value, key) for value in schema)
