"""What a run needs from those who compile and those who keep sessions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from mcp_wasm.code.contract import Produced, Run
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox.script import RunIn


@dataclass(frozen=True, slots=True)
class Compiled:
    """Code that became a component: what runs it, and the arguments of that call."""

    tool: Tool
    component: Component
    arguments: Mapping[str, Any]
    note: str = ""


class Compile(Protocol):
    """The port to the languages that are compiled before they run."""

    def __call__(self, run: Run, request: str, /) -> AbstractContextManager[Compiled]:
        """The component of ``run``, as long as the block lasts.

        Raises:
            BuildFailed, ToolchainMissing, InvalidArguments: there is none.
        """


class Sessions(Protocol):
    """The port to runs that leave their variables behind."""

    def within(self, run: Run) -> tuple[RunIn, Sink]:
        """How a run of the session is made, and where its files and its handle are found afterwards.

        Raises:
            SessionEnded, Busy, CallerError: it cannot be.
        """


class Sink:
    """What a run leaves beside its outcome, filled in on the worker's thread."""

    def __init__(self) -> None:
        self.files: tuple[Produced, ...] = ()
        self.left_out: tuple[str, ...] = ()
        self.session = ""
