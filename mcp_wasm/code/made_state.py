"""Which versions of made tools are current, in this process and on disk, and what of them the index shows.

A session's version stands before the kept one of its name, until it is kept or
its session ends. All methods are called with ``lock`` held, save ``sync``.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.code import made_rules as rules
from mcp_wasm.code.made_contract import Edition
from mcp_wasm.code.made_store import Store, end_session
from mcp_wasm.component import names
from mcp_wasm.errors import CallerError, McpWasmError
from mcp_wasm.policy.policies import Policies
from mcp_wasm.registry.index import Index
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox.report import Outcome

if TYPE_CHECKING:
    from mcp_wasm.code.made_component import Maker

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Host:
    """What made tools need of a runtime.

    ``put`` and ``take`` publish a component and take one away, with a detail for the
    audit log; ``prepare`` makes one
    ready to run, ``call`` calls for a client, within its limits, a tool of one that is not published.
    ``maker`` gives what makes components; the first time it loads the modules for that.
    ``runner`` gives the component that runs a language, and may have to build it;
    ``runtimes`` is a folder for what toolchains keep.
    """

    index: Index
    policies: Policies
    put: Callable[[Component, str], Component]
    take: Callable[[str, str], Component]
    prepare: Callable[[Component], Future[Any]]
    call: Callable[[str, Mapping[str, object], Tool, Component, Mapping[str, Any]], Outcome]
    maker: Callable[[], Maker]
    runner: Callable[[str], Path]
    runtimes: Path


class State:
    """The made tools as they are now: ``kept`` by people, and this process's ``own``, by name.

    ``built`` is what runs in place of scripts, by their digests.
    """

    def __init__(self, home: Path, host: Host) -> None:
        self.store, self.host, self.lock = Store(home), host, threading.RLock()
        self.kept: dict[str, Edition] = {}
        self.own: dict[str, Edition] = {}
        self.built: dict[str, Component] = {}
        self.following = False
        self._session: tuple[Path, int] | None = None
        self._closed = False

    def sync(self) -> bool:
        """Bring what is published up to what is kept, and whether that changed: one ``stat`` if not."""
        if not self.following or self._closed or not self.store.changed():
            return False
        with self.lock:
            kept = self.store.kept()
            for name in sorted(self.kept.keys() | kept.keys()):
                self._follow(name, kept.get(name))
            for name in [name for name, mine in self.own.items() if not self.folder(mine).is_dir()]:
                del self.own[name]  # a person took it away
                self.show(name)
            return True

    def current(self, name: str) -> Edition | None:
        """What counts under a name in this process."""
        return self.own.get(name) or self.kept.get(name)

    def all(self) -> list[Edition]:
        """What counts under each name in this process."""
        found = (self.current(name) for name in sorted(self.kept.keys() | self.own.keys()))
        return [each for each in found if each is not None]

    def others(self, name: str = "") -> list[Edition]:
        """What is in sessions of other processes and not kept, or of it what has that name."""
        mine = {(each.name, each.digest) for each in (*self.own.values(), *self.kept.values())}
        found = (each for each in self.store.unkept() if not name or each.name == name)
        return [each for each in found if (each.name, each.digest) not in mine]

    def visible(self, name: str, client: str | None, digest: str = "") -> Edition:
        """The tool ``name`` as ``client`` (None: a person) may look at it, of several that of ``digest``.

        What is current here comes first; the beginning of a digest will do.

        Raises:
            CallerError: there is none of that name for it.
        """
        current = self.current(name)
        seen = current is not None and (client is None or current.kept_by or current.client == client)
        others = self.others(name) if client is None and (digest or not seen) else []
        meant = [each for each in others if digest and each.digest.startswith(digest)]
        if current is not None and seen and (not meant or current.digest.startswith(digest)):
            return current
        others = meant or others
        if len({each.digest for each in others}) > 1:
            told = ", ".join(f"{each.digest[:12]} by {each.created_by}" for each in others[:5])
            raise CallerError(f"Several servers have a tool named {name}: {told}. Say which digest is meant.")
        if others:
            return others[0]
        nearest = names.nearest(name, [each.name for each in self.all()])
        hint = f" Did you mean {', '.join(nearest)}?" if nearest else ""
        raise CallerError(f"There is no made tool named {name[:100]!r}.{hint}")

    def refuse(self, name: str, client: str) -> None:
        """Refuse what ``client`` may not create or replace under ``name``.

        Raises:
            CallerError: with the reason.
        """
        if self._closed:
            raise CallerError("The runtime is closed.")
        self.refuse_installed(name)
        policy, current = self.host.policies.policy, self.current(name)
        if current is not None:
            rules.refuse_others(current, client, policy)
        else:
            rules.refuse_granted(name, policy)
            if self.store.has(name):
                raise CallerError(f"{name} is kept already, but cannot be used. Take another name.")
        rules.refuse_too_many(name, client, self.kept, self.own)
        rules.refuse_too_large(self.store.size(self._session[0] if self._session else None))

    def refuse_installed(self, name: str) -> None:
        """Refuse the name of a component that was not made here."""
        there = self.host.index.component(name)
        if there is not None and not self.is_made(there):
            raise CallerError(f"There is a component named {name} already. Take another name.")

    def next(self, name: str) -> tuple[int, str]:
        """The number of the next version, and the digest of the kept one that it will stand before."""
        kept, own = self.kept.get(name), self.own.get(name)
        last = max((each.version for each in (kept, own) if each is not None), default=0)
        return last + 1, kept.digest if kept is not None else ""

    def session(self) -> Path:
        """The folder of this process's session, made when it is first wanted."""
        if self._session is None:
            with self.store.writing():
                self._session = self.store.begin_session()
        return self._session[0]

    def session_of(self, edition: Edition) -> Path | None:
        """The session in which an unkept version lies, None for a kept one."""
        if edition.kept_by:
            return None
        if self._session is not None and self.own.get(edition.name) is edition:
            return self._session[0]
        return self.store.session_of(edition)

    def history(self, edition: Edition) -> dict[int, Path]:
        """A version and those before it, with their folders."""
        return self.store.history(edition.name, self.session_of(edition))

    def folder(self, edition: Edition) -> Path:
        """Where a version lies."""
        return self.store.path(edition, self.session_of(edition))

    def put(self, staged: Path, edition: Edition, detail: str) -> None:
        """A version that was staged in the session counts from now on."""
        self.store.place(self.session(), staged, edition)
        self.own[edition.name] = edition
        self.show(edition.name, detail)

    def show(self, name: str, detail: str = "") -> None:
        """Have the index show what counts under ``name``; ``detail`` tells the audit log why."""
        there = self.host.index.component(name)
        if there is not None and not self.is_made(there):
            _log.warning("The made tool %s is hidden by the component of that name", name)
            return
        edition = self.current(name)
        if edition is not None:
            try:
                component = self.host.maker().component(edition, self.folder(edition))
                self.host.put(replace(component, built=self.built.get(edition.digest)), detail)
                return
            except McpWasmError as error:
                _log.error("The made tool %s is left out: %s", name, error)
        if there is not None:
            with contextlib.suppress(CallerError):  # somebody else was faster
                self.host.take(name, detail)

    def drop(self, name: str) -> None:
        """Take this process's own version away."""
        mine = self.own.pop(name, None)
        if mine is not None and self._session is not None:
            self.store.discard(mine, self._session[0], told=False)

    def is_made(self, component: Component) -> bool:
        """Whether a component was made here."""
        return component.source.is_relative_to(self.store.folder)

    def close(self) -> None:
        """Take the session away."""
        self._closed = True
        self.own.clear()
        if self._session is not None:
            end_session(*self._session)
            self._session = None

    def _follow(self, name: str, kept: Edition | None) -> None:
        before = self.kept.get(name)
        if kept is None:
            self.kept.pop(name, None)
        else:
            self.kept[name] = kept
            mine = self.own.get(name)
            if mine is not None and mine.digest == kept.digest:
                self.drop(name)  # a person kept it from another process
        if before != kept:
            self.show(name)
