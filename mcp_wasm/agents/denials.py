"""What an agent asked for and was not granted, as a denial that says how a person grants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_wasm.agents.handler import Handler
from mcp_wasm.capability.command import denial_command
from mcp_wasm.capability.grant import Denial
from mcp_wasm.capability.match import Decision


def denial_of(
    handler: Handler, asked: str, kind: str, decision: Decision[Any], options: Sequence[str]
) -> Denial:
    """The denial of what ``handler`` asked for by an effect; ``options`` are the flags of commands."""
    name, waiting = handler.name, handler.grants.waiting
    command = denial_command(name, decision.wanted, waiting, options=(*handler.options, *options))
    return Denial(kind, asked, decision.rule, name, handler.digest, decision.wanted, command)
