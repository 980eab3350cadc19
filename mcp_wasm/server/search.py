"""The stable pair, for clients with many tools or with a list that never changes.

``search_tools`` finds tools by the words of their names and descriptions,
``call_tool`` calls one by name. What is here is how the two are listed and what is
found; the ranking is ``registry.ranking``, and the call itself takes the path of
every call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from mcp_wasm.registry.ranking import Ranking, Words

SEARCH_TOOLS = "search_tools"
CALL_TOOL = "call_tool"
PAIR = frozenset({SEARCH_TOOLS, CALL_TOOL})

MOST_FOUND = 50
USUALLY_FOUND = 10

_SEARCH_INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "Words that say what the tool should do; empty for all."},
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_FOUND,
            "description": f"How many tools to return at most ({USUALLY_FOUND} when left out).",
        },
    },
    "required": ["query"],
    "additionalProperties": False,
}
_FOUND: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "inputSchema": {"type": "object", "additionalProperties": True},
    },
    "required": ["name", "description", "inputSchema"],
    "additionalProperties": False,
}
_CALL_INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": f"The name of a tool, as {SEARCH_TOOLS} gives it."},
        "arguments": {
            "type": "object",
            "additionalProperties": True,
            "description": "The arguments, as the tool's inputSchema says.",
        },
    },
    "required": ["name"],
    "additionalProperties": False,
}


def search_schema(truncated: dict[str, Any]) -> dict[str, Any]:
    """The output schema of ``search_tools``; ``truncated`` is the form of a cut result."""
    return {
        "type": "object",
        "properties": {"result": {"type": "array", "items": _FOUND}, "truncated": truncated},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def pair_listed(truncated: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both tools as listed; ``call_tool`` has no output schema, since it answers as the called tool does."""
    search = {
        "name": SEARCH_TOOLS,
        "title": "Search tools",
        "description": "Find tools by what they do. Returns names, descriptions and input schemas, "
        f"best first. Call what you found with {CALL_TOOL}.",
        "inputSchema": _SEARCH_INPUT,
        "outputSchema": search_schema(truncated),
        "annotations": {
            "readOnlyHint": True,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
        },
    }
    call = {
        "name": CALL_TOOL,
        "title": "Call a tool",
        "description": f"Call a tool that {SEARCH_TOOLS} found, by its name. Answers as that tool does.",
        "inputSchema": _CALL_INPUT,
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": True,
            "idempotentHint": False,
            "openWorldHint": True,
        },
    }
    return search, call


class SearchIndex:
    """Ranks tools (as they are listed) by the words of a query."""

    def __init__(self, tools: Sequence[dict[str, Any]]) -> None:
        self._tools = sorted(tools, key=lambda tool: str(tool["name"]))
        self._ranking = Ranking([_words(tool) for tool in self._tools])

    def search(
        self, query: str, limit: int, may: Callable[[str], bool] = lambda _name: True
    ) -> list[dict[str, Any]]:
        """At most ``limit`` tools in which a word of ``query`` occurs, best first; all for an empty query.

        Tools whose name ``may`` not be seen do not exist.
        """
        fitting = self._ranking.best(query)
        best = list(islice((at for at in fitting if may(str(self._tools[at]["name"]))), limit))
        keys = ("name", "description", "inputSchema")
        return [{key: self._tools[at][key] for key in keys} for at in best]


def _words(tool: dict[str, Any]) -> Words:
    parameters = " ".join(tool["inputSchema"].get("properties", ()))
    name, title, description = (str(tool.get(key, "")) for key in ("name", "title", "description"))
    return Words(name, title, description, parameters)
