"""What a request asks for besides its tool: limits, progress, and what is told to the stable pair.

Whatever is wrong is named as in every other refusal. It runs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from mcp_wasm.capability.grant import KINDS
from mcp_wasm.errors import InvalidArguments, InvalidSettings, Mismatch
from mcp_wasm.server.search import CALL_TOOL, MOST_FOUND, PAIR, SEARCH_TOOLS, USUALLY_FOUND

LIMITS_KEY = "mcp-wasm/limits"
"""The key in a request's ``_meta`` whose object narrows the limits of that call."""

GRANTS_KEY = "mcp-wasm/grants"
"""The key in a request's ``_meta`` whose array names the kinds of grants that the call may use."""

Arguments = Mapping[str, Any]


def wants_progress(meta: Mapping[str, Any] | None) -> bool:
    """Whether the client wants to hear of progress."""
    return meta is not None and "progress_token" in meta


def wanted_limits(meta: Mapping[str, Any] | None) -> dict[str, object]:
    """What the request's ``_meta`` asks for.

    Raises:
        MCPError: INVALID_PARAMS if that is no object of finite numbers.
    """
    wanted = meta.get(LIMITS_KEY) if meta is not None else None
    if wanted is None:
        return {}
    if not isinstance(wanted, dict):
        raise MCPError(INVALID_PARAMS, f'_meta "{LIMITS_KEY}": expected an object of limits')
    for name, value in wanted.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidSettings(f"limits.{name}", "a finite number", value)
    return wanted


def wanted_grants(meta: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The kinds of grants that the request's ``_meta`` leaves to the call; None: all that there are.

    Raises:
        MCPError: INVALID_PARAMS if that is no array of kinds.
    """
    wanted = meta.get(GRANTS_KEY) if meta is not None else None
    if wanted is None:
        return None
    if not isinstance(wanted, list) or not all(isinstance(kind, str) and kind in KINDS for kind in wanted):
        expected = f"an array of some of {', '.join(KINDS)}"
        raise MCPError(INVALID_PARAMS, f'_meta "{GRANTS_KEY}": expected {expected}')
    return frozenset(wanted)


def search_arguments(arguments: Arguments) -> tuple[str, int]:
    """The query and the limit of ``search_tools``.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """
    query, limit = arguments.get("query"), arguments.get("limit", USUALLY_FOUND)
    wrong = [Mismatch(f"/{key}", "no such parameter", "it") for key in arguments.keys() - {"query", "limit"}]
    if not isinstance(query, str):
        wrong.append(Mismatch("/query", "a string", kind(query)))
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_FOUND:
        wrong.append(Mismatch("/limit", f"an integer from 1 to {MOST_FOUND}", kind(limit)))
    if wrong or not isinstance(query, str):
        raise InvalidArguments(SEARCH_TOOLS, wrong)
    return query, limit


def call_arguments(arguments: Arguments) -> tuple[str, Arguments]:
    """The name and arguments of the tool that ``call_tool`` is to call.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """
    name, inner = arguments.get("name"), arguments.get("arguments")
    wrong = [
        Mismatch(f"/{key}", "no such parameter", "it") for key in arguments.keys() - {"name", "arguments"}
    ]
    if not isinstance(name, str):
        wrong.append(Mismatch("/name", "the name of a tool", kind(name)))
    elif name in PAIR:
        wrong.append(Mismatch("/name", f"the name of a tool that {SEARCH_TOOLS} finds", name))
    if inner is not None and not isinstance(inner, dict):
        wrong.append(Mismatch("/arguments", "an object", kind(inner)))
    if wrong or not isinstance(name, str):
        raise InvalidArguments(CALL_TOOL, wrong)
    return name, inner or {}


def kind(value: object) -> str:
    """``value`` in a few words: a model has to recognise what it sent."""
    if value is None:
        return "nothing"
    if isinstance(value, (bool, int, float)):
        return f"{value!r:.40}"
    kinds: tuple[tuple[type, str], ...] = ((str, "a string"), (dict, "an object"), (list, "an array"))
    return next(words for kind, words in kinds if isinstance(value, kind))
