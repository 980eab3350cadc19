"""The runtime: components published, tools listed, calls made. What every front door opens on.

It owns the parts and their threads: the index, the compiled cache, the workers,
the watcher of folders. The servers, the command line and a program that imports
this package use the same object.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcp_wasm import publish
from mcp_wasm.component import names
from mcp_wasm.errors import CallerError, ComponentRefused, InvalidArguments, McpWasmError, Mismatch
from mcp_wasm.invoke import Invoker, OnWait, Target
from mcp_wasm.registry import sources
from mcp_wasm.registry.index import Index, ToolSetting
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox import artifacts, inspect
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.prepared import Shelf
from mcp_wasm.sandbox.report import Outcome

_log = logging.getLogger(__name__)
_SCAN_S = 0.5


def default_home() -> Path:
    """Where components, cache and state are kept for this user, where nothing else was said."""
    return Path.home() / ".mcp-wasm"


class Runtime:
    """Load components, list their tools, call them; use it in a ``with`` block, or ``close`` it.

    ``home`` is the folder of cache and state (default: ``~/.mcp-wasm``), shared
    safely by several processes. ``limits`` hold for every call,
    ``component_limits`` by component name in their place. ``tools`` renames or
    hides tools by name. ``workers`` is how many guests run at once (default:
    twice the CPUs, at least 8). ``cache_bytes`` bounds the compiled cache.
    """

    def __init__(
        self,
        *,
        home: Path | None = None,
        limits: Limits | None = None,
        component_limits: Mapping[str, Limits] | None = None,
        tools: Mapping[str, ToolSetting] | None = None,
        workers: int | None = None,
        cache_bytes: int = artifacts.DEFAULT_LIMIT,
    ) -> None:
        self.home = home or default_home()
        self.limits = limits or Limits()
        self._component_limits = dict(component_limits or {})
        self.cache = artifacts.Cache(self.home / "cache", cache_bytes)
        self._index = Index(tools)
        self._children = Children()
        self._invoker = Invoker(
            Shelf(self.cache, self._children), workers or max(8, 2 * (os.cpu_count() or 1))
        )
        self._refused: dict[Path, ComponentRefused] = {}
        self._watched: dict[Path, sources.Source] = {}
        self._pending: dict[Path, tuple[object, ...]] = {}
        self._owned: dict[Path, str] = {}
        self._blocked: dict[Path, str] = {}
        self._watcher: threading.Thread | None = None
        self._closing = threading.Event()
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every running guest and join the threads. A call after this one is cancelled."""
        atexit.unregister(self.close)
        self._closing.set()
        self._children.close()
        self._invoker.close()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()

    @property
    def components(self) -> tuple[Component, ...]:
        """The published components, by name."""
        return self._index.components

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools that are shown, by name."""
        return self._index.tools

    @property
    def refused(self) -> Mapping[Path, ComponentRefused]:
        """The watched files that are not published, with the reason."""
        return dict(self._refused)

    def tool(self, name: str) -> Tool:
        """The tool of that name.

        Raises:
            UnknownTool: with the nearest names.
        """
        return self._index.tool(name)

    def component(self, name: str) -> Component:
        """The component of that name.

        Raises:
            CallerError: if there is none.
        """
        found = self._index.component(name)
        if found is None:
            nearest = names.nearest(name, [component.name for component in self.components])
            hint = f" Did you mean {', '.join(nearest)}?" if nearest else ""
            raise CallerError(f"There is no component named {name!r}.{hint}")
        return found

    def inspect(self, path: Path | str, *, name: str | None = None) -> Component:
        """What ``add`` would publish; nothing is published and nothing runs."""
        return publish.publish(sources.source(Path(path)), self.cache, self.limits, self._children, name)

    def add(self, path: Path | str, *, name: str | None = None) -> Component:
        """Publish a component file, in place of the component of its name if there is one.

        Raises:
            ComponentRefused: if it is no component that can run here.
        """
        return self._put(self._published(sources.source(Path(path)), name))

    def remove(self, name: str) -> Component:
        """Take a component and its tools away; calls that run go on to their end.

        Raises:
            CallerError: if there is none of that name.
        """
        found = self.component(name)
        self._index.remove(name)
        self._forget(found)
        return found

    def watch(self, folders: Sequence[Path]) -> None:
        """Publish every component in ``folders`` now, and follow their changes from now on."""
        if self._watcher is not None:
            raise CallerError("The runtime watches folders already.")
        self._follow(folders)
        self._watcher = threading.Thread(
            target=self._watch, args=(tuple(folders),), name="mcp-wasm folders", daemon=True
        )
        self._watcher.start()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback``, on whatever thread, after the tools changed; call the result to end that."""
        return self._index.subscribe(callback)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        limits: Mapping[str, object] | None = None,
        client: str = "local",
        on_wait: OnWait | None = None,
    ) -> Outcome:
        """Call a tool from an event loop; cancelling the awaiting task stops the guest.

        ``limits`` narrows ``CALL_LIMITS`` for this call. ``client`` is who calls,
        for a fair share of the workers. ``on_wait`` gets a line about every
        second while the call is waiting or running.

        Raises:
            UnknownTool, InvalidArguments, InvalidSettings: nothing was run.
            GuestError: a limit or a trap; it carries a ``report`` of what was spent.
            HostError: our fault, or too busy.
        """
        target, allowed = self._target(name, limits)
        _bound(name, arguments, allowed)
        return await self._invoker.call(target, arguments, allowed, client, on_wait)

    def call_sync(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        limits: Mapping[str, object] | None = None,
        client: str = "local",
    ) -> Outcome:
        """The same from any thread; an interrupt stops the guest."""
        target, allowed = self._target(name, limits)
        _bound(name, arguments, allowed)
        return self._invoker.call_sync(target, arguments, allowed, client)

    def prepare(self, name: str) -> None:
        """Begin to compile the component of a tool in the background; its first call need not wait then."""
        self._invoker.prepare(self._target(name, None)[0])

    def _target(self, name: str, wanted: Mapping[str, object] | None) -> tuple[Target, Limits]:
        tool, component = self._index.target(name)
        limits = component.limits.narrow(wanted) if wanted else component.limits
        return _target(tool, component), limits

    def _published(self, found: sources.Source, name: str | None = None) -> Component:
        component = publish.publish(found, self.cache, self.limits, self._children, name)
        own = self._component_limits.get(component.name)
        return component if own is None else replace(component, limits=own)

    def _put(self, component: Component) -> Component:
        before = self._index.component(component.name)
        self._index.put(component)
        if before is not None and before.digest != component.digest:
            self._forget(before)
        return component

    def _forget(self, gone: Component) -> None:
        if all(component.digest != gone.digest for component in self.components):
            self._invoker.forget(gone.digest)

    def _watch(self, folders: Sequence[Path]) -> None:
        while not self._closing.wait(_SCAN_S):
            try:
                self._follow(folders, settled=True)
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
        for path, found in seen.items():
            known = self._watched.get(path)
            if known is not None and known.signature == found.signature:
                continue
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
            component = self._published(found)
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
        if taken is not None and taken.source != path:
            self._blocked[path] = name
            raise ComponentRefused(str(path), f"the name {name} is taken by {taken.source}")


def _as_refusal(path: Path, error: McpWasmError) -> ComponentRefused:
    return error if isinstance(error, ComponentRefused) else ComponentRefused(str(path), str(error))


def _target(tool: Tool, component: Component) -> Target:
    def read() -> bytes:
        binary = inspect.read_binary(component.source)
        if hashlib.sha256(binary).hexdigest() != component.digest:
            raise ComponentRefused(
                str(component.source), "the file has changed since it was published", "Call again"
            )
        return binary

    return Target(
        tool.name,
        tool.function,
        component=component.name,
        digest=component.digest,
        world=component.world,
        functions=[each.function for each in component.tools],
        read=read,
    )


def _bound(name: str, arguments: Mapping[str, Any], limits: Limits) -> None:
    """Refuse arguments larger than the limit, without walking more of them than that."""
    room, waiting = limits.arguments, [arguments]
    while waiting:
        value: Any = waiting.pop()
        if isinstance(value, (str, bytes, bytearray)):
            room -= len(value)
        elif isinstance(value, Mapping):
            room -= len(value)
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            room -= len(value)
            if not set(map(type, value)) <= _FLAT:
                waiting.extend(value)
        if room < 0:
            raise InvalidArguments(
                name, [Mismatch("", f"at most {limits.arguments:,} bytes of arguments", "more")]
            )


_FLAT = {int, float, bool, type(None)}
