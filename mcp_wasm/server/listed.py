"""How tools of the server itself are listed: the forms that their schemas are put together from."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}


def closed(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def wrapped(result: dict[str, Any]) -> dict[str, Any]:
    """The output schema of a tool whose value is of the form ``result``."""
    return closed({"result": result}, ("result",))


def listed(
    name: str,
    title: str,
    description: str,
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    *,
    reads: bool = False,
    destroys: bool = False,
    world: bool = False,
) -> dict[str, Any]:
    """One tool; ``reads`` where it changes nothing, ``world`` where what it reaches is not known."""
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": inputs,
        "outputSchema": outputs,
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": destroys,
            "idempotentHint": reads,
            "openWorldHint": world,
        },
    }
