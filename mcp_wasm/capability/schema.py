"""The JSON Schema (2020-12) of a policy document, for editors; made from the tables that the reader uses."""

from __future__ import annotations

from typing import Any

from mcp_wasm.capability.document import DIGEST, TRUST
from mcp_wasm.capability.keys import KEYS, LISTS, Key, defaults, required
from mcp_wasm.capability.messaging import LONGEST_SUBJECT
from mcp_wasm.capability.messaging import PATTERN as SUBJECTS
from mcp_wasm.capability.sizes import PATTERN
from mcp_wasm.capability.values import LONGEST, LONGEST_VALUE, MOST
from mcp_wasm.component.names import NAME

_DOCS = {
    "network": "HTTP requests to some hosts",
    "storage": "a folder of this machine",
    "environment": "an environment variable",
    "secret": "a secret by reference",
    "keyvalue": "a key-value bucket",
    "clock": "which clock",
    "random": "which random numbers",
    "logging": "writing to the server's log",
    "config": "a configuration value",
    "nn": "machine learning models",
    "llm": "asking language models, within a budget",
    "messaging": "sending messages to agents",
    "tools": "calling other published tools",
    "sessions": "keeping resources between calls",
}

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
_TYPES: dict[str, dict[str, Any]] = {
    "flag": {"type": "boolean"},
    "text": _TEXT,
    "value": {"type": "string", "maxLength": LONGEST_VALUE},
    "variable": {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$"},
    "name": {**_TEXT, "pattern": r"^[^,*]*\*?$"},
    "names": {**_TEXT, "pattern": r"^[^,*]*\*?$"},
    "folder": _TEXT,
    "guest": {**_TEXT, "pattern": r"^/"},
    "source": {**_TEXT, "pattern": r"^(env:|file:|keyring:.+/).+$"},
    "hosts": {**_TEXT, "pattern": r"^[^\s/@?#\\]+$"},
    "subjects": {**_TEXT, "maxLength": LONGEST_SUBJECT, "pattern": f"^({SUBJECTS.pattern})$"},
    "methods": {"type": "string", "pattern": r"^(\*|[A-Za-z][A-Za-z0-9_-]{0,31})$"},
}


def document_schema() -> dict[str, Any]:
    """The schema of ``grants.toml``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "grants.toml",
        "description": "what each component may do; nothing, unless it stands here",
        "type": "object",
        "additionalProperties": False,
        "properties": {"grants": grants_schema()},
    }


def grants_schema() -> dict[str, Any]:
    """The schema of the table ``grants``, which settings have too."""
    return {
        "type": "object",
        "description": "what is granted, by component",
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "additionalProperties": _entry(),
    }


def kinds_schema() -> dict[str, Any]:
    """The schemas of the grants of one component, by kind."""
    return {kind: _kind(kind) for kind in KEYS}


def _entry() -> dict[str, Any]:
    own = {
        "digest": {
            "description": "SHA-256 of the bytes that a person approved",
            "type": "string",
            "pattern": f"^{DIGEST.pattern}$",
        },
        "trust": {
            "description": "whether other bytes of this name keep the grants while their wishes did not grow",
            "enum": list(TRUST),
        },
        "wishes": {
            "description": "what the component wished for when it was approved",
            "type": "array",
            "maxItems": MOST,
            "items": _TEXT,
        },
    }
    return {"type": "object", "additionalProperties": False, "properties": {**own, **kinds_schema()}}


def _kind(kind: str) -> dict[str, Any]:
    usual = defaults(kind)
    properties = {key.name: _key(key, usual.get(key.name)) for key in KEYS[kind]}
    one = {"type": "object", "additionalProperties": False, "properties": properties}
    if required(kind):
        one["required"] = list(required(kind))
    return {"description": _DOCS[kind], "anyOf": [one, {"type": "array", "items": one}]}


def _key(key: Key, usual: object) -> dict[str, Any]:
    found = {"description": key.docs.replace("`", ""), **_schema(key)}
    if isinstance(usual, (str, int, float)) and key.type != "moment":
        found["default"] = usual
    elif isinstance(usual, tuple) and usual:
        found["default"] = list(usual)
    return found


def _schema(key: Key) -> dict[str, Any]:
    if key.type in LISTS:
        return {"type": "array", "minItems": 1, "maxItems": MOST, "items": _one(key)}
    return _one(key)


def _one(key: Key) -> dict[str, Any]:
    bounds = {"minimum": key.least, "maximum": key.most}
    match key.type:
        case "integer" | "ports":
            return {"type": "integer", **bounds}
        case "number":
            return {"type": "number", **bounds}
        case "size" | "quota":
            sizes = [{"type": "integer", **bounds}, {"type": "string", "pattern": PATTERN}]
            return {"anyOf": [*sizes, {"const": "none"}] if key.type == "quota" else sizes}
        case "moment":
            return {"anyOf": [{"type": "number", **bounds}, {"type": "string", "format": "date-time"}]}
        case "choice" | "schemes" | "choices":
            return {"enum": list(key.choices)}
    return _TYPES[key.type]
