"""The runners of source code: one component a language, built or taken from the package once, then kept.

The sources of a runner are in ``guests/`` of this package. A component that the
package ships is used as it is; another is built when it is first wanted and kept
in the home, named by what it was built from, for every process of that home.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_wasm import publish
from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.errors import CallerError, McpWasmError
from mcp_wasm.registry import sources
from mcp_wasm.registry.tool import Component
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits

SHIPPED = Path(__file__).parents[1] / "bundled"

RUNNERS: Mapping[str, str] = {"python": "python", "javascript": "javascript", "typescript": "javascript"}
"""The languages whose programs are data, with the runner of each."""

_WHOLE = frozenset({"python"})
"""Runners that are compiled in one piece: half of a run was the linking of CPython's shared modules."""

_log = logging.getLogger(__name__)


class Runners:
    """The runners of a home.

    ``home`` is the runtime's folder; ``cache``, ``limits`` and ``children`` are
    what components are published with. ``progress`` is told each step of a build.
    """

    def __init__(
        self, home: Path, cache: Cache, limits: Limits, children: Children, progress: Progress = silent
    ) -> None:
        self.folder = home / "runtimes"
        self._cache, self._limits, self._children, self._progress = cache, limits, children, progress
        self._known: dict[str, Component] = {}
        self._locks = {runner: threading.Lock() for runner in RUNNERS.values()}

    def state(self, language: str) -> str:
        """``ready``, ``buildable``, or the reason why there is no runner, in words."""
        runner = _runner(language)
        if self._path(runner).is_file():
            return "ready"
        from mcp_wasm.code import runner as building  # toolchains, which a server may never need

        return building.missing(runner) or "buildable"

    def component(self, language: str) -> Component:
        """The runner of a language, built if need be, which takes half a minute the first time.

        Raises:
            CallerError: programs in that language are not run by a runner.
            BuildFailed, ToolchainMissing: it cannot be built.
            ComponentRefused: what was built is no component that can run here.
        """
        runner = _runner(language)
        with self._locks[runner]:
            if runner not in self._known:
                found = sources.source(self.path(runner))
                made = publish.publish(found, self._cache, self._limits, self._children)
                self._known[runner] = replace(made, whole=runner in _WHOLE)
            return self._known[runner]

    def path(self, language: str) -> Path:
        """The file of a runner's component, built if need be.

        Raises:
            CallerError, BuildFailed, ToolchainMissing: as ``component``.
        """
        runner = _runner(language)
        path = self._path(runner)
        if not path.is_file():
            from mcp_wasm.code import runner as building  # as above

            building.build(runner, path, self._progress)
        return path

    def warm(self, prepare: Callable[[Component], Future[Any]]) -> threading.Thread:
        """Have every runner that can be had built and, by ``prepare``, compiled, on a thread of its own.

        What cannot be had is told in the log, and again to whoever asks for it. Join the
        thread, or close ``children``, which ends what it waits for.
        """
        thread = threading.Thread(target=self._warm, args=(prepare,), name="warm runners", daemon=True)
        thread.start()
        return thread

    def _warm(self, prepare: Callable[[Component], Future[Any]]) -> None:
        for runner in dict.fromkeys(RUNNERS.values()):
            try:
                prepare(self.component(runner)).result()
            except (McpWasmError, CancelledError) as error:
                _log.info("the %s runner is not ready: %s", runner, error)

    def _path(self, runner: str) -> Path:
        shipped = SHIPPED / f"runner_{runner}.wasm"
        if shipped.is_file():
            return shipped
        from mcp_wasm.code import runner as building  # as above

        return building.built(runner, self.folder)


def _runner(language: str) -> str:
    runner = RUNNERS.get(language)
    if runner is None:
        raise CallerError(f"no runner runs {language!r}; there are {', '.join(RUNNERS)}")
    return runner
