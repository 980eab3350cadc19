"""What a person types to allow something: one grant as one command line."""

from __future__ import annotations

import dataclasses
import shlex

from mcp_wasm.capability.grant import Grant, kind_of


def add_command(component: str, grant: Grant) -> str:
    """The command that gives ``grant`` to ``component``."""
    words = ["mcp-wasm", "grants", "add", component, kind_of(grant)]
    for field in dataclasses.fields(grant):
        value = getattr(grant, field.name)
        if field.name == "rule" or value == field.default:
            continue
        values = value if isinstance(value, tuple) else (value,)
        words += [f"{field.name}={each}" for each in values]
    return shlex.join(words)
