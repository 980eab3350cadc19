"""A published tool, as frozen data: what the index holds and the servers show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mcp_wasm.component.script import Script
from mcp_wasm.component.types import Function, World
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome


class Remote(Protocol):
    """The way to a component that runs on other nodes; its arguments were checked already.

    ``allowed`` are the kinds of grants that the caller lets the call use (None: all). What the call may do
    is for the node to say on which it runs.
    """

    async def call(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        allowed: frozenset[str] | None,
    ) -> Outcome:
        """Call from any event loop; cancelling the awaiting task stops the guest."""

    def call_sync(  # noqa: PLR0917 - as ``call``
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        limits: Limits,
        client: str,
        allowed: frozenset[str] | None,
        due: Callable[[], bool],
    ) -> Outcome:
        """The same from a thread without one; it ends soon after ``due`` says so.

        Raises:
            Cancelled: it was due.
        """


@dataclass(frozen=True, slots=True)
class Refusal:
    """An export that is not published, and why; ``path`` is the full export path."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Component:
    """A component that was inspected and named.

    ``digest`` is the SHA-256 (hex) of its bytes, ``source`` where they came
    from, ``wit`` its world as WIT text, ``manifest`` the manifest beside it (a
    TOML document as plain values; empty when there is none), ``needs`` the imports
    beyond base WASI, ``wishes`` the same and what the manifest asks for (see
    ``capability.wishes``). Where ``script`` is given it is source code that runs on
    its language's runner, and ``digest`` is of that code and its types. Then ``built``
    may be what a toolchain made of the same code, which runs in its place: what people
    granted to the code, and what they see of it, stays as it is. ``whole`` is whether it
    is compiled in one piece, and shares no modules with others (``Shelf.prepare``).
    """

    name: str
    digest: str
    source: Path
    world: World
    wit: str
    limits: Limits
    manifest: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    refused: tuple[Refusal, ...] = ()
    needs: tuple[str, ...] = ()
    wishes: frozenset[str] = frozenset()
    script: Script | None = None
    built: Component | None = field(default=None, compare=False)
    remote: Remote | None = field(default=None, compare=False)
    whole: bool = False

    @property
    def runs(self) -> Component:
        """What is instantiated for a call, save that the runner of ``script`` is, where that has one."""
        return self.built or self


@dataclass(frozen=True, slots=True)
class Tool:
    """One exported function as a tool.

    ``component`` and ``digest`` say which component runs; ``read_only``,
    ``open_world`` are derived from what the component imports and was granted
    and become MCP annotations.
    """

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    function: Function
    component: str
    digest: str
    read_only: bool = True
    open_world: bool = False
    hidden: bool = False

    @property
    def names(self) -> frozenset[str]:
        """What a person may call it in a grant: its name, its export path, its function's name."""
        return frozenset((self.name, self.function.path, self.function.name))
