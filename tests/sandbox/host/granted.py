"""Calls of guest programs under grants, as the tests of host interfaces make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp_wasm.capability.grant import Denial, Grant
from mcp_wasm.component import types as wit
from mcp_wasm.errors import McpWasmError
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.host.interface import signatures

_OPEN = signatures("wasi:filesystem/types@0.2.12")["[method]descriptor.open-at"].result
assert isinstance(_OPEN, wit.Result)
assert isinstance(_OPEN.err, wit.Enum)
CODES = _OPEN.err.cases
"""The error codes of wasi:filesystem, in their order."""


@dataclass(frozen=True)
class Answer:
    """What a call gave: its value, or the ``code`` of the file system's error, and what was denied to it."""

    value: Any
    code: str
    denials: tuple[Denial, ...]
    error: McpWasmError | None = None

    @property
    def loud(self) -> list[str]:
        """The denials that are always shown, as "asked: rule"."""
        return [f"{denial.asked}: {denial.rule}" for denial in self.denials if not denial.quiet]

    @property
    def quiet(self) -> list[str]:
        """The others."""
        return [f"{denial.asked}: {denial.rule}" for denial in self.denials if denial.quiet]


class Guest:
    """A guest program's functions, called under ``grants``."""

    def __init__(self, runtime: Runtime, name: str, *grants: Grant) -> None:
        self._runtime, self._name, self._grants = runtime, name, grants

    def __call__(self, function: str, /, *, deadline: float = 15.0, **arguments: Any) -> Answer:
        """Call ``function``; a call that fails is an answer with an ``error``."""
        tool = f"{self._name}_{function}"
        try:
            outcome = self._runtime.call_sync(
                tool, arguments, limits={"deadline": deadline}, approved=self._grants
            )
        except McpWasmError as error:
            if error.report is None:
                raise
            return Answer(None, "", error.report.denials, error)
        value = outcome.value
        if isinstance(value, int) and value < 0:
            return Answer(None, CODES[-1 - value], outcome.report.denials)
        return Answer(value, "", outcome.report.denials)
