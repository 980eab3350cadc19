"""Whether a call may begin, for what its client may use; and what is written of calls that may not.

A call past its client's budget is answered with an error in the call's own result,
not with status 429: a model has to read it, and clients make a broken connection
of that status. (The guard answers 429 to what is no honest use at all.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from mcp_wasm.audit.sink import event
from mcp_wasm.component import names
from mcp_wasm.errors import UnknownTool
from mcp_wasm.registry.tool import Tool
from mcp_wasm.sandbox.report import Report
from mcp_wasm.server.access import Budget
from mcp_wasm.server.peer import Peer
from mcp_wasm.server.rates import Rates

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

_FREE = Budget()
_NAME = 200


class Admitted:
    """A call that may run; ``spent`` adds up the fuel of its runs, which the last ``leave`` charges."""

    __slots__ = ("_fuel", "_leave", "_stays")

    def __init__(self, leave: Callable[[int], None] | None) -> None:
        self._leave, self._fuel, self._stays = leave, 0, 1

    def stay(self) -> None:
        """Work goes on that may outlast the call: there is one ``leave`` more to come."""
        self._stays += 1

    def spent(self, report: Report | None) -> None:
        """Another run ended, at the cost in ``report``."""
        self._fuel += report.fuel if report is not None else 0

    def leave(self) -> None:
        """The call has ended, or what stayed."""
        self._stays -= 1
        if not self._stays and self._leave is not None:
            self._leave(self._fuel)


class Admission:
    """Admits the calls of ``runtime``; use it from one thread (the event loop's)."""

    def __init__(self, runtime: Runtime, rates: Rates | None = None) -> None:
        self._runtime, self._rates = runtime, rates or Rates()

    def enter(self, peer: Peer, name: str) -> Admitted | str:
        """Begin a call of the tool ``name``; or why it cannot begin, in words for the model."""
        if peer.identity is None:
            return Admitted(None)
        found = self._rates.enter(peer.identity.key, peer.identity.budget)
        if isinstance(found, str):
            self._refused(peer, name, "too many")
            return found
        return Admitted(found.leave)

    def tool(self, peer: Peer, name: str) -> Tool:
        """The tool of that name. One that is hidden, or that this client may not call, is not there.

        Raises:
            UnknownTool: with the nearest names of those that are.
        """
        there = False
        with suppress(UnknownTool):
            tool = self._runtime.tool(name)
            there = True
            if not tool.hidden and peer.may(tool.name):
                return tool
        self._refused(peer, name, "denied" if there else "unknown tool")
        shown = [tool.name for tool in self._runtime.tools if peer.may(tool.name)]
        raise UnknownTool(name, names.nearest(name, shown))

    def _refused(self, peer: Peer, name: str, outcome: str) -> None:
        # Cut here, since it waits in memory: a client may have sent megabytes for a name.
        tool = name[:_NAME]
        self._runtime.note(
            event("call", client=peer.name, transport=peer.transport, tool=tool, outcome=outcome)
        )


def capped(peer: Peer, wanted: Mapping[str, object]) -> dict[str, object]:
    """The limits that a call wants, none above what its client's token allows."""
    allowed = (peer.identity.budget if peer.identity is not None else _FREE).limits
    found: dict[str, object] = {**allowed, **wanted}
    for name, most in allowed.items():
        value = found[name]
        # What is no number stays, to be refused by name.
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > most:
            found[name] = most
    return found
