"""Following folders: every component file in them is published, and so is every change.

Folders are polled. A file is looked at when two scans in a row see it unchanged,
so that half a copy is never read. It refuses to know what publishing is: that is
given to it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mcp_wasm.errors import CallerError, ComponentRefused, McpWasmError
from mcp_wasm.registry import sources
from mcp_wasm.registry.index import Index
from mcp_wasm.registry.tool import Component

_log = logging.getLogger(__name__)
_SCAN_S = 0.5


class Folders:
    """Keeps an index as the watched folders are, on a thread of its own.

    ``publish`` inspects a file (raising ``McpWasmError`` for one that cannot be
    published), ``put`` adds or replaces its component, ``forget`` is told of one
    that went away. ``gives_way`` says of a component of the index that one from a
    folder may take its name; ``also`` is done at every look.
    """

    def __init__(  # noqa: PLR0917 - the parts of one runtime
        self,
        index: Index,
        publish: Callable[[sources.Source], Component],
        put: Callable[[Component], Component],
        forget: Callable[[Component], None],
        gives_way: Callable[[Component], bool] = lambda _component: False,
        also: Callable[[], None] = lambda: None,
    ) -> None:
        self._index, self._publish, self._put, self._forget = index, publish, put, forget
        self._gives_way, self._also = gives_way, also
        self._refused: dict[Path, ComponentRefused] = {}
        self._watched: dict[Path, sources.Source] = {}
        self._pending: dict[Path, tuple[object, ...]] = {}
        self._owned: dict[Path, str] = {}
        self._blocked: dict[Path, str] = {}
        self._watcher: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def refused(self) -> Mapping[Path, ComponentRefused]:
        """The watched files that are not published, with the reason."""
        return dict(self._refused)

    def watch(self, folders: Sequence[Path]) -> None:
        """Publish what ``folders`` hold now, and follow them until ``stop``.

        Raises:
            CallerError: if folders are watched already.
        """
        if self._watcher is not None:
            raise CallerError("The runtime watches folders already.")
        self._follow(folders)
        watcher = threading.Thread(
            target=self._watch, args=(tuple(folders),), name="mcp-wasm folders", daemon=True
        )
        watcher.start()
        self._watcher = watcher  # only now, since another thread may join it

    def stop(self) -> None:
        """Begin no further scan."""
        self._closing.set()

    def join(self) -> None:
        """Wait for the thread after ``stop``."""
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()

    def _watch(self, folders: Sequence[Path]) -> None:
        while not self._closing.wait(_SCAN_S):
            try:
                self._follow(folders, settled=True)
                self._also()
            except Exception:  # noqa: BLE001 - the watcher's top: one bad scan must not end all later ones
                _log.exception("looking at the folders failed")

    def _follow(self, folders: Sequence[Path], *, settled: bool = False) -> None:
        """Bring the index up to what the folders hold; with ``settled``, only files that no longer change."""
        seen = sources.scan(folders)
        for path in self._watched.keys() - seen.keys():
            self._drop(path)
        for path, name in tuple(self._blocked.items()):
            if self._index.component(name) is None:
                self._watched.pop(path, None)  # the name is free now: look at the file again
        watched = {path: known.signature for path, known in self._watched.items()}
        changed = [item for item in seen.items() if watched.get(item[0]) != item[1].signature]
        # Of two that want one name, the one whose file is called so has it, also after a restart.
        for path, found in sorted(changed, key=lambda item: not sources.has_own_name(item[1])):
            if self._closing.is_set():
                return
            if settled and self._pending.get(path) != found.signature:
                self._pending[path] = found.signature
                continue
            self._pending.pop(path, None)
            self._take(path, found)

    def _drop(self, path: Path) -> None:
        self._watched.pop(path, None)
        self._refused.pop(path, None)
        self._blocked.pop(path, None)
        self._release(path, self._owned.pop(path, None))

    def _release(self, path: Path, name: str | None) -> None:
        """Take away the component ``name`` if it is still the one that came from ``path``."""
        found = None if name is None else self._index.component(name)
        if found is not None and found.source == path and self._index.remove(found.name) is not None:
            self._forget(found)

    def _take(self, path: Path, found: sources.Source) -> None:
        self._watched[path] = found
        self._refused.pop(path, None)
        self._blocked.pop(path, None)
        before = self._owned.pop(path, None)
        try:
            component = self._publish(found)
            self._claim(path, component.name)
        except McpWasmError as error:
            self._refused[path] = _as_refusal(path, error)
            _log.warning("not published: %s", error)
            self._release(path, before)
            return
        except Exception:  # noqa: BLE001 - a file that surprises us must not hide the other files
            self._refused[path] = ComponentRefused(str(path), "looking at it failed; the log has the details")
            _log.exception("looking at %s failed", path)
            self._release(path, before)
            return
        if before != component.name:
            self._release(path, before)
        self._owned[path] = component.name
        self._put(component)
        _log.info(
            "published %s from %s: %s", component.name, path, ", ".join(t.name for t in component.tools)
        )

    def _claim(self, path: Path, name: str) -> None:
        taken = self._index.component(name)
        if taken is None or taken.remote is not None:  # what is here goes before what other nodes have
            return
        if taken.source != path and not self._gives_way(taken):
            self._blocked[path] = name
            raise ComponentRefused(str(path), f"the name {name} is taken by {taken.source}")


def _as_refusal(path: Path, error: McpWasmError) -> ComponentRefused:
    return error if isinstance(error, ComponentRefused) else ComponentRefused(str(path), str(error))
