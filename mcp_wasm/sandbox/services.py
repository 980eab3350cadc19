"""What host interfaces share between calls, and what they need from the layers above.

The runtime makes one and closes it. A shared part (an HTTP client, a state
store) is made when the first call asks for it, so that a server whose tools need
none of them starts without.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mcp_wasm.capability.grant import Denial
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.sandbox.report import Outcome

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

LOGGED = 1000
"""Different denials that are logged: a guest chooses what it asks for, and could ask for ever."""


class CallTool(Protocol):
    """The port through which a guest's call of another tool leaves the sandbox."""

    def __call__(self, call: Any, name: str, arguments: Mapping[str, Any], /) -> Outcome:
        """Call the published tool ``name`` on this thread, on the budget of ``call``."""


class Published(Protocol):
    """A published tool, as a guest may see it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def description(self) -> str:
        """What it does."""

    @property
    def input_schema(self) -> Mapping[str, Any]:
        """The JSON Schema of its arguments."""


def _none() -> tuple[Published, ...]:
    return ()


class Services:
    """``home`` is the folder of state, ``environ`` the host's environment (for references to it).

    ``call_tool`` calls another published tool, None where nothing else is
    published; ``list_tools`` gives them all, shown or hidden. ``state`` says where
    key-value state is kept, ``options`` are the flags of commands that people are told.
    ``guarded`` are files and folders beside ``home`` that say what guests may do, so that
    none may write there.
    """

    def __init__(
        self,
        home: Path,
        environ: Mapping[str, str] | None = None,
        call_tool: CallTool | None = None,
        state: StateOptions | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.home, self.environ, self.call_tool = home, dict(environ or {}), call_tool
        self.state, self.options = state or StateOptions(), tuple(options)
        self.guarded: tuple[Path, ...] = ()
        self.list_tools: Callable[[], Iterable[Published]] = _none
        self.denials: Counter[tuple[str, str]] = Counter()
        self._logged: set[tuple[str, str, str]] = set()
        self._shared: dict[Callable[..., Any], Any] = {}
        self._making = threading.RLock()
        self._closed = False

    def shared(self, kind: Callable[[Services], _T]) -> _T:
        """The one ``kind(self)`` of this runtime, made when it is first asked for.

        Raises:
            RuntimeError: after ``close``.
        """
        with self._making:
            if self._closed:
                raise RuntimeError("the runtime is closed")
            if kind not in self._shared:
                self._shared[kind] = kind(self)
            made: _T = self._shared[kind]
            return made

    def denied(self, denial: Denial) -> None:
        """Count one denied attempt by component and capability; what is new is logged, once."""
        kind = (denial.component, denial.capability)
        attempt = (*kind, denial.asked)
        with self._making:
            self.denials[kind] += 1
            new = not denial.quiet and attempt not in self._logged and len(self._logged) < LOGGED
            if new:
                self._logged.add(attempt)
            full = new and len(self._logged) == LOGGED
        _log.log(logging.WARNING if new else logging.DEBUG, "%s", ascii(str(denial))[1:-1])
        if full:
            _log.warning("%d different denials were logged; further ones are only counted", LOGGED)

    def close(self) -> None:
        """Close every shared part, the last one first; no call runs any more."""
        with self._making:
            self._closed = True
            made = list(self._shared.values())
            self._shared.clear()
        for part in reversed(made):
            try:
                part.close()
            except Exception:  # noqa: BLE001 - one that fails must not keep the others open
                _log.exception("closing %s failed", type(part).__name__)
