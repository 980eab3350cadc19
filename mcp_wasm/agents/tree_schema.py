"""The JSON Schema (2020-12) of a tree file, for editors; made from the tables that the reader uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.agents.address import LONGEST
from mcp_wasm.agents.tree_keys import HANDED_ON, TABLES, Key, default
from mcp_wasm.capability.messaging import LONGEST_SUBJECT, PATTERN
from mcp_wasm.capability.schema import kinds_schema
from mcp_wasm.capability.sizes import PATTERN as SIZE
from mcp_wasm.capability.values import LONGEST as LONGEST_TEXT
from mcp_wasm.capability.values import MOST

_PART = "[a-z0-9][a-z0-9_-]{0,62}"
_NAME = {"type": "string", "pattern": f"^{_PART}$"}
_ADDRESS = {"type": "string", "maxLength": LONGEST, "pattern": f"^{_PART}(/{_PART})*(@{_PART})?$"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
_SUBJECT = {"type": "string", "maxLength": LONGEST_SUBJECT, "pattern": f"^({PATTERN.pattern})$"}

_HANDED = {
    "mesh": "how this node reaches others",
    "llm": "providers of language models, by name",
    "state": "how key-value state is kept",
}


def tree_schema(handed: Mapping[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """The schema of a tree file; ``handed`` are those of tables that other parts read, by name."""
    root = _object("")
    root["properties"] |= {
        "agents": _by_name("the agents, by name", _agent()),
        "supervisors": _by_name("supervisors below the tree's own, by name", _object("supervisors.NAME")),
        **{
            name: {"type": "object", **(handed or {}).get(name, {}), "description": _HANDED[name]}
            for name in HANDED_ON
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a tree of agents",
        "description": "agents and their supervisors, for mcp-wasm agents run",
        **root,
        "required": ["agents"],
    }


def _agent() -> dict[str, Any]:
    agent = _object("agents.NAME")
    for name in TABLES:
        if name.startswith("agents.NAME."):
            agent["properties"][name.rpartition(".")[2]] = _object(name)
    agent["properties"]["grants"] = {
        "description": "what it may do, beside what the policy grants its component",
        "type": "object",
        "additionalProperties": False,
        "properties": kinds_schema(),
    }
    agent["required"] = ["component"]
    return agent


def _by_name(docs: str, each: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "description": docs, "propertyNames": _NAME, "additionalProperties": each}


def _object(table: str) -> dict[str, Any]:
    properties = {key.name: _key(table, key) for key in TABLES[table]}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _key(table: str, key: Key) -> dict[str, Any]:
    found = {"description": key.docs.replace("`", ""), **_schema(key)}
    usual = default(table, key)
    if isinstance(usual, (str, int, float)):
        found["default"] = usual
    elif isinstance(usual, tuple):
        found["default"] = list(usual)
    return found


def _schema(key: Key) -> dict[str, Any]:
    number = {"minimum": key.least, "maximum": key.most}
    match key.type:
        case "flag":
            return {"type": "boolean"}
        case "integer" | "number":
            return {"type": key.type, **number}
        case "size":
            return {"anyOf": [{"type": "integer", **number}, {"type": "string", "pattern": SIZE}]}
        case "choice":
            return {"enum": list(key.choices)}
        case "seconds":
            return {"anyOf": [{"type": "number", **number}, {"enum": ["infinity", "brutal_kill"]}]}
        case "backoff":
            return {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "number", **number}}
        case "json":
            return {"type": "object"}
        case "choices" | "routes":
            one = {"enum": list(key.choices)} if key.type == "choices" else _ADDRESS
            each = dict.fromkeys(key.names, one)
            return {"type": "object", "additionalProperties": False, "properties": each}
        case "names":
            return {"type": "array", "minItems": 1, "uniqueItems": True, "items": _NAME}
        case "addresses" | "texts":
            return {"type": "array", "items": _ADDRESS if key.type == "addresses" else _TEXT}
        case "subjects":
            return {"type": "array", "minItems": 1, "maxItems": MOST, "items": _SUBJECT}
    return _NAME if key.type == "name" else _TEXT
