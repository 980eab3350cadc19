"""A source as a script on its runner and as a component: both called alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.errors import GuestError, InvalidArguments
from mcp_wasm.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: a value, the text of an error, or the words of what stopped it."""

    value: Any
    failed: bool
    stopped: bool = False


def ended(runtime: Runtime, tool: str, arguments: dict[str, Any]) -> Ended:
    """How the call of ``tool`` ends."""
    try:
        outcome = runtime.call_sync(tool, arguments)
    except InvalidArguments as error:
        return Ended([str(each) for each in error.mismatches], failed=True)
    except GuestError as error:
        return Ended(str(error).split(" (")[0], failed=True, stopped=True)
    return Ended(outcome.value, outcome.failed)


def both(runtime: Runtime, language: str, source: str, component: Path) -> dict[str, tuple[str, str]]:
    """The tools of ``source`` as a script and as ``component``, by the name of the function."""
    runtime.made.create(Wanted("script", language, source), by="a test", client="")
    runtime.add(component)
    tools = {tool.name: tool for tool in runtime.tools}
    stem = f"{component.stem}_"
    found = {name.removeprefix(stem): name for name in tools if name.startswith(stem)}
    for name, compiled in found.items():
        script = tools[f"script_{name}"]
        assert script.input_schema == tools[compiled].input_schema, name
        assert script.output_schema == tools[compiled].output_schema, name
    return {name: (f"script_{name}", compiled) for name, compiled in found.items()}
