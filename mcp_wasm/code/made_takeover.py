"""What was compiled of kept tools takes over from the runner, on a thread beside everything else.

No call waits for it or fails: a component takes over when it is ready to run. It
stands behind the same tools, and people's grants stay, since it has the digest of
the source that they were given to.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

from mcp_wasm.build.toolchain import Progress
from mcp_wasm.code.contract import WISHES
from mcp_wasm.code.made_compile import Compiling, failure, is_compiled
from mcp_wasm.code.made_contract import Edition
from mcp_wasm.code.made_state import State
from mcp_wasm.errors import BuildFailed, Cancelled, McpWasmError
from mcp_wasm.registry.tool import Component

_log = logging.getLogger(__name__)


class Takeovers:
    """Compiles the kept tools of ``state`` once ``begin`` was called, and whatever is asked for by name."""

    def __init__(self, state: State) -> None:
        self._state, self._compiling = state, Compiling(state.host.runner, state.host.runtimes)
        self._failed: dict[str, str] = {}
        self._now = ""
        self._thread: threading.Thread | None = None
        self._begun = self._closed = False

    def begin(self) -> None:
        """From now on compile what is kept."""
        self._begun = True
        self.look()

    def look(self) -> None:
        """See whether there is something to compile."""
        with self._state.lock:
            if not self._begun or self._closed or self._thread is not None or self._next() is None:
                return
            self._thread = threading.Thread(target=self._work, name="mcp-wasm made tools", daemon=True)
            self._thread.start()

    def of(self, edition: Edition, shown: Component | None) -> str:
        """On what a version runs, and whether that is to change: see ``Made.compiled``; holding the lock."""
        if edition.binary is not None or (shown is not None and shown.built is not None):
            return "component"
        if self._now == edition.digest:
            return "compiling"
        reason = self._failed.get(edition.digest) or failure(self._state.folder(edition))
        if reason:
            return f"failed: {reason}"
        if self._begun and edition.kept_by:
            return "compiling"
        # A command, which runs no tool often enough, tells what a server does.
        return "component" if is_compiled(self._state.folder(edition)) else "runner"

    def compile(self, edition: Edition, progress: Progress) -> Path:
        """The component file of a version, compiled if need be, also where that failed before.

        Raises:
            BuildFailed: it cannot be compiled, with the reason.
        """
        self._failed.pop(edition.digest, None)
        with self._state.lock:
            folder = self._state.folder(edition)
        return self._compiling.compile(folder, edition.language, progress, again=True)

    def close(self) -> None:
        """End what compiles, and wait for the thread."""
        self._closed = True
        self._compiling.close()
        if self._thread is not None:
            self._thread.join()

    def _next(self) -> Edition | None:
        for edition in self._state.kept.values():
            if edition.binary is None and not {edition.digest} & (
                self._state.built.keys() | self._failed.keys()
            ):
                return edition
        return None

    def _work(self) -> None:
        while True:
            with self._state.lock:
                edition = None if self._closed else self._next()
                if edition is None:
                    self._thread, self._now = None, ""
                    return
                self._now = edition.digest
                folder = self._state.store.path(edition, None)
            try:
                self._take_over(edition, self._compiling.compile(folder, edition.language))
            except Cancelled:
                continue
            except McpWasmError as error:
                if self._closed:
                    continue
                self._fail(edition, str(error))
            except Exception:  # noqa: BLE001 - the thread's top: one tool must not keep the others from it
                _log.exception("compiling the made tool %s failed", edition.name)
                self._fail(edition, "an internal error; the log of the server has the details")

    def _fail(self, edition: Edition, reason: str) -> None:
        _log.warning("The made tool %s stays on its runner: %s", edition.name, reason)
        self._failed[edition.digest] = reason

    def _take_over(self, edition: Edition, path: Path) -> None:
        host = self._state.host
        built = host.maker().built(edition, path)
        shown = host.maker().component(edition, path.parent.parent)
        different = _difference(shown, built)
        if different:
            raise BuildFailed(edition.name, different)
        host.prepare(replace(shown, built=built)).result()
        with self._state.lock:
            if self._closed:
                return
            self._state.built[edition.digest] = built
            current = self._state.current(edition.name)
            if current is not None and current.digest == edition.digest:
                self._state.show(edition.name, f"compiled to {built.digest[:12]}, which runs in its place")


def _difference(shown: Component, built: Component) -> str:
    """In what a compiled component is not what the script is, in words; ``""`` where in nothing."""
    # The runner inside may import tools for code that only mentions them; grants go by the source.
    more = built.wishes - shown.wishes - WISHES
    if more:
        return f"the compiled component asks for more than the source does: {', '.join(sorted(more))}"
    mine, other = (
        {tool.function.name: (tool.function.params, tool.function.result) for tool in each.tools}
        for each in (shown, built)
    )
    for name in mine.keys() | other.keys():
        if mine.get(name) != other.get(name):
            return f"the compiled component has `{name}` in another form than the source"
    return ""
