"""Which settings there are: the keys of ``mcp-wasm.toml`` as tables, and the JSON Schema made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp_wasm.capability import sizes
from mcp_wasm.capability.schema import grants_schema
from mcp_wasm.component.names import NAME
from mcp_wasm.config.access import ACCESS_TABLES
from mcp_wasm.config.key import Key
from mcp_wasm.config.llm import LLM_KEYS
from mcp_wasm.config.mesh import MESH_KEYS, USER_KEYS
from mcp_wasm.config.state import STATE_KEYS
from mcp_wasm.sandbox.limits import CALL_LIMITS
from mcp_wasm.server.options import TOOLS_MODES

FILE_NAME = "mcp-wasm.toml"
LOG_LEVELS = ("debug", "info", "warning", "error")

_LIMIT_KEYS = (
    Key("fuel", "integer", "CPU budget of a call, in units of fuel (about one a Wasm instruction)", 1),
    Key("deadline", "number", "seconds of wall clock that a call may take", 0.001, 86_400),
    Key("memory", "size", "bytes of each linear memory", 65_536, 2**32),
    Key("memories", "integer", "number of linear memories", 1, 1000),
    Key("tables", "integer", "number of tables", 1, 100_000),
    Key("table_elements", "integer", "elements of each table", 1, 2**31),
    Key("instances", "integer", "core instances of a component", 1, 100_000),
    Key("resources", "integer", "handles to host objects held at once", 1, 10**6),
    Key("arguments", "size", "bytes of argument JSON", 1),
    Key("result", "size", "bytes of result JSON at most", 1),
    Key("text", "size", "bytes of result shown before the rest goes behind a link", 1),
    Key("log", "size", "bytes kept of each of stdout and stderr"),
)
_CALL_LIMIT_KEYS = tuple(replace(key, trusted=True) for key in _LIMIT_KEYS if key.name in CALL_LIMITS)

TABLES: Mapping[str, tuple[Key, ...]] = {
    "": (
        Key("components", "folders", "folders whose components are published, watched for changes"),
        Key("home", "folder", "folder of added components, built tools and the cache", trusted=True),
        Key("bundled", "flag", "whether the tools that come with the package are published"),
        Key("workers", "integer", "calls that run at once", 1, 1024),
        Key("log", "text", "least severe messages that are logged", choices=LOG_LEVELS),
    ),
    "cache": (Key("size", "size", "bytes of compiled components kept on disk", 1024**2, trusted=True),),
    "state": STATE_KEYS,
    "http": ACCESS_TABLES["http"],
    "server": (
        Key("name", "text", "name shown to clients"),
        Key("title", "text", "title shown to people"),
        Key("instructions", "text", "text for models, in place of the built-in one"),
        Key("tools", "text", "list every tool, the pair to search and call, or both", choices=TOOLS_MODES),
        Key("page_size", "integer", "tools or resources on one page of a list", 1, 100_000),
        Key("result_page", "size", "bytes of one page of an oversized result", 1024),
        Key("results_bytes", "size", "bytes of oversized results that are kept", trusted=True),
        Key("results_count", "integer", "oversized results that are kept", trusted=True),
        Key("results_seconds", "number", "seconds that an oversized result is kept", trusted=True),
        Key("line_limit", "size", "bytes of one message on stdio", 1024, trusted=True),
        Key("body_limit", "size", "bytes of one HTTP request", 1024, trusted=True),
        Key("allowed_hosts", "texts", "further host names in the Host header", trusted=True),
        Key("allowed_origins", "texts", "further host names in the Origin header", trusted=True),
        Key("sessions", "integer", "HTTP sessions open at once", 1, trusted=True),
        Key("session_seconds", "number", "seconds that an idle HTTP session lives", 1, trusted=True),
        Key("allow_load", "folders", "folders from which a model may load components", trusted=True),
        Key("code", "flag", "whether models may run source code, and make tools of it"),
        Key("approvals", "flag", "whether clients that can are told to ask a person about what was denied"),
        Key("approval_seconds", "number", "seconds that a person may think about a question", 0, 86_400),
        Key("shutdown_seconds", "number", "seconds that calls may still take at the end", 0, 60),
    ),
    "tokens.NAME": ACCESS_TABLES["tokens.NAME"],
    "tokens.NAME.limits": _CALL_LIMIT_KEYS,
    "oauth": ACCESS_TABLES["oauth"],
    "oauth.limits": _CALL_LIMIT_KEYS,
    "audit": ACCESS_TABLES["audit"],
    "llm.NAME": LLM_KEYS,
    "mesh": MESH_KEYS,
    "mesh.users.NAME": USER_KEYS,
    "limits": _LIMIT_KEYS,
    "component.NAME.limits": _LIMIT_KEYS,
    "tools.NAME": (
        # Grants, tokens and models know a tool by it: whoever gives names could pass one tool off as another.
        Key("name", "name", "name by which the tool is published", trusted=True),
        Key("title", "text", "title shown to people"),
        Key("hidden", "flag", "whether the tool is left out of lists"),
    ),
}
"""Every key of the settings, by table; ``NAME`` stands for a component's or a tool's name."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the settings file, for editors."""
    root = _object(TABLES[""])
    for table in ("cache", "state", "http", "oauth", "audit", "mesh", "server", "limits"):
        root["properties"][table] = _object(TABLES[table])
    root["properties"]["mesh"]["properties"]["users"] = _by_name(
        _object(USER_KEYS) | {"required": ["password"]}
    )
    token, root["properties"]["oauth"]["properties"]["limits"] = (
        _object(TABLES["tokens.NAME"]),
        _object(_CALL_LIMIT_KEYS),
    )
    token["properties"]["limits"] = _object(_CALL_LIMIT_KEYS)
    root["properties"]["tokens"] = _by_name(token)
    limits = {"type": "object", "additionalProperties": False, "properties": {"limits": _object(_LIMIT_KEYS)}}
    root["properties"]["component"] = _by_name(limits)
    root["properties"]["llm"] = _by_name(_object(LLM_KEYS))
    root["properties"]["tools"] = _by_name(_object(TABLES["tools.NAME"]))
    root["properties"]["grants"] = grants_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE_NAME, **root}


def _by_name(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "additionalProperties": value,
    }


def _object(keys: tuple[Key, ...]) -> dict[str, Any]:
    properties = {key.name: {"description": key.docs, **_schema(key)} for key in keys}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _schema(key: Key) -> dict[str, Any]:
    bounds = {"minimum": key.least, "maximum": key.most}
    match key.kind:
        case "flag":
            return {"type": "boolean"}
        case "integer" | "number":
            return {"type": key.kind, **bounds}
        case "size":
            text = {"type": "string", "pattern": sizes.PATTERN}
            return {"anyOf": [{"type": "integer", **bounds}, text]}
        case "folders" | "texts":
            return {"type": "array", "items": {"type": "string", "minLength": 1}}
        case "name":
            return {"type": "string", "pattern": f"^{NAME.pattern}$"}
    return {"type": "string", "minLength": 1, **({"enum": list(key.choices)} if key.choices else {})}
