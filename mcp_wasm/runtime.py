"""The runtime: components published, tools listed, calls made. What every front door opens on.

It owns the parts and their threads: the index, the compiled cache, the workers,
the watcher of folders. The servers, the command line and a program that imports
this package use the same object.
"""

from __future__ import annotations

import atexit
import functools
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from mcp_wasm import publish
from mcp_wasm.audit.record import Record
from mcp_wasm.audit.sink import AuditLog, AuditOptions, event, folder_of
from mcp_wasm.capability.grant import Grant, Grants
from mcp_wasm.capability.policy import EMPTY, Policy
from mcp_wasm.code import made_host
from mcp_wasm.code.contract import CODE, DIGEST, WISHES, Language, Ran, Run
from mcp_wasm.code.ports import Compiled
from mcp_wasm.code.run import COMPONENT, RUN_CODE, Runs, on_runner
from mcp_wasm.code.runtimes import Runners
from mcp_wasm.code.sessions import CodeSessions
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.invoke import Invoker
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.nested import Nested
from mcp_wasm.policy.policies import Policies
from mcp_wasm.registry import sources
from mcp_wasm.registry.folders import Folders
from mcp_wasm.registry.index import Index, ToolSetting
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox import artifacts
from mcp_wasm.sandbox.account import LIBRARY, Accounts, Caller, Entry
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.prepared import Prepared, Shelf
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.waits import OnWait

_T = TypeVar("_T")


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
    ``environ`` is what grants may refer to of the host's environment (nothing).
    ``policy`` grants beside the policy file in ``home``, which is followed.
    ``options`` are the flags by which a command finds the same home and components;
    commands that people are told get them. ``state`` says how key-value state is
    kept (in a file in ``home``). With ``audit`` every call is written down in
    ``home/audit`` (OSError if that cannot be written).
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
        environ: Mapping[str, str] | None = None,
        policy: Policy = EMPTY,
        options: Sequence[str] = (),
        state: StateOptions | None = None,
        audit: AuditOptions | None = None,
    ) -> None:
        self.home = home or default_home()
        self.limits = limits or Limits()
        self._component_limits = dict(component_limits or {})
        self.cache = artifacts.Cache(self.home / "cache", cache_bytes)
        self._index = Index(tools)
        self._children = Children()
        self.services = Services(self.home, environ, state=state, options=options)
        self.policies = Policies(self.home, policy)
        self._audit = self._audited(audit) if audit is not None and audit.enabled else None
        self._accounts = Accounts(self._audit) if self._audit is not None else None
        self.runners = Runners(self.home, self.cache, self.limits, self._children)
        self._invoker = Invoker(
            Shelf(self.cache, self._children),
            workers or max(8, 2 * (os.cpu_count() or 1)),
            self.services,
            self.runners.component,
        )
        self._code_sessions = self.services.shared(CodeSessions)
        self._runs = Runs(self._invoker, self.limits, self._compile, self._code_sessions, self._accounts)
        self.services.call_tool = Nested(self._index.target, self._granted, self._invoker, self._accounts)
        self.services.list_tools = lambda: self._index.all_tools
        self.made = made_host.new_made_tools(
            self.home,
            self._index,
            self.policies,
            self._invoker,
            self._accounts,
            (lambda component, detail: self._put(component, detail=detail), self._take),
            lambda name: self._component_limits.get(name, self.limits),
            (self.cache, self._children),
            self.runners.path,
        )
        self._folders = Folders(
            self._index, self._published, self._put, self._forget, self.made.gives_way, self.made.sync
        )
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop every running guest and join the threads. A call after this one is cancelled."""
        atexit.unregister(self.close)
        self._folders.stop()
        self._children.close()
        self.made.close()
        self._runs.close()
        self._invoker.close()
        if self._audit is not None:
            self._audit.close()  # while the values that it keeps secret are still known
        self.services.close()
        self._folders.join()

    def note(self, record: Record) -> None:
        """Write ``record`` into the audit log, where there is one; never waits and never fails."""
        if self._audit is not None:
            self._audit.write(record)

    @property
    def components(self) -> tuple[Component, ...]:
        """The published components, by name."""
        return self._index.components

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools that are shown, by name."""
        self.made.sync()
        return self._index.tools

    @property
    def denied(self) -> Mapping[tuple[str, str], int]:
        """How many attempts were denied since the start, by component and capability."""
        return dict(self.services.denials)

    @property
    def refused(self) -> Mapping[Path, ComponentRefused]:
        """The watched files that are not published, with the reason."""
        return self._folders.refused

    def tool(self, name: str) -> Tool:
        """The tool of that name.

        Raises:
            UnknownTool: with the nearest names.
        """
        return self._index.tool(name)

    def component(self, name: str) -> Component:
        """The component of that name; ``code`` stands for whatever code a model sends.

        Raises:
            CallerError: if there is none.
        """
        return COMPONENT if name == CODE else self._index.named(name)

    def inspect(self, path: Path | str, *, name: str | None = None) -> Component:
        """What ``add`` would publish; nothing is published and nothing runs."""
        return publish.publish(sources.source(Path(path)), self.cache, self.limits, self._children, name)

    def add(self, path: Path | str, *, name: str | None = None, replace: bool = True) -> Component:
        """Publish a component file, in place of the component of its name if there is one.

        Raises:
            ComponentRefused: if it is no component that can run here; without ``replace``, also
                if its name is taken.
        """
        return self._put(self._published(sources.source(Path(path)), name), replace=replace)

    def remove(self, name: str) -> Component:
        """Take a component and its tools away; calls that run go on to their end.

        Raises:
            CallerError: if there is none of that name.
        """
        self._index.named(name)
        return self._take(name)

    def put_remote(self, components: Sequence[Component]) -> None:
        """Have these components of other nodes beside the own ones, which win by name, and no others."""
        self._index.put_remote(components)

    def watch(self, folders: Sequence[Path]) -> None:
        """Publish every component in ``folders`` now, and follow their changes from now on.

        Raises:
            CallerError: if folders are watched already.
        """
        self._folders.watch(folders)

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
        allow: Collection[str] | None = None,
        approved: Sequence[Grant] = (),
        approved_for: str = "",
        on_wait: OnWait | None = None,
        by: Caller = LIBRARY,
    ) -> Outcome:
        """Call a tool from an event loop; cancelling the awaiting task stops the guest.

        ``limits`` narrows ``CALL_LIMITS`` for this call. ``client`` is who calls,
        for a fair share of the workers. ``allow`` are the kinds of grants that this
        call may use (None: all); ``approved`` is what a person granted to it beside
        the policy, to the bytes with the digest ``approved_for`` where that is said.
        ``on_wait`` gets a line a second while the call waits or runs. ``by`` is for the audit log.

        Raises:
            UnknownTool, InvalidArguments, InvalidSettings: nothing was run.
            GuestError: a limit or a trap; it carries a ``report`` of what was spent.
            HostError: our fault, or too busy.
        """
        run, entry, given = self._asked(
            self._invoker.call, name, arguments, limits, client, allow, approved, approved_for, by
        )
        waiting = functools.partial(run, on_wait=on_wait)
        return await (waiting() if self._accounts is None else self._accounts.run(entry, given, waiting))

    def call_sync(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        limits: Mapping[str, object] | None = None,
        client: str = "local",
        allow: Collection[str] | None = None,
        approved: Sequence[Grant] = (),
        approved_for: str = "",
        by: Caller = LIBRARY,
    ) -> Outcome:
        """The same from any thread; an interrupt stops the guest."""
        run, entry, given = self._asked(
            self._invoker.call_sync, name, arguments, limits, client, allow, approved, approved_for, by
        )
        return run() if self._accounts is None else self._accounts.run_sync(entry, given, run)

    async def run_code(
        self,
        run: Run,
        *,
        client: str = "local",
        allow: Collection[str] | None = None,
        approved: Sequence[Grant] = (),
        on_wait: OnWait | None = None,
        by: Caller = LIBRARY,
    ) -> Ran:
        """Run source code in a sandbox, under the grants of ``code``; the parameters are those of ``call``.

        Raises:
            InvalidArguments, InvalidSettings, CallerError: nothing was run.
            HostError: our fault, too busy, or a toolchain that is not here.
        """
        return await self._runs.run(run, client, self.code_grants(allow, approved), by, on_wait)

    def run_code_sync(
        self,
        run: Run,
        *,
        client: str = "local",
        allow: Collection[str] | None = None,
        approved: Sequence[Grant] = (),
        by: Caller = LIBRARY,
    ) -> Ran:
        """The same from any thread; an interrupt stops the guest."""
        return self._runs.run_sync(run, client, self.code_grants(allow, approved), by)

    def prepare(self, name: str) -> Future[Any]:
        """Begin to compile the component of a tool in the background; done when a call need not wait."""
        return self.ready(self._index.target(name)[1])

    def ready(self, component: Component) -> Future[Prepared]:
        """``component`` made ready, published or not, for those who run it themselves."""
        return self._invoker.prepare(component)

    def prepare_code(self, language: Language) -> Future[Any]:
        """Begin to build a language's runner, or make it ready; done when a run need not wait."""
        return self._invoker.prepare(on_runner(language))

    def _asked(  # noqa: PLR0917 - the parameters of ``call``
        self,
        call: Callable[..., _T],
        name: str,
        arguments: Any,
        limits: Mapping[str, object] | None,
        client: str,
        allow: Collection[str] | None,
        approved: Sequence[Grant],
        approved_for: str,
        by: Caller,
    ) -> tuple[Callable[..., _T], Entry, Mapping[str, Any]]:
        """The invoker's ``call`` with all that it needs, the account of it, and the arguments."""
        tool, component = self._index.target(name)
        allowed = component.limits.narrow(limits) if limits else component.limits
        stands = approved_for in ("", component.digest)
        grants = self._granted(tool, component, allow, approved if stands else ())
        given = dict(arguments) if isinstance(arguments, Mapping) else arguments  # which the check refuses
        run = functools.partial(call, tool, component, given, allowed, client, grants=grants)
        return run, Entry(by, tool.name, tool.component, tool.digest, grants), given

    def _granted(
        self, tool: Tool, component: Component, allow: Collection[str] | None, approved: Sequence[Grant] = ()
    ) -> Grants:
        kinds, about = None if allow is None else frozenset(allow), (component.digest, component.wishes)
        return self.policies.effective(component.name, *about, tool.names, kinds, approved=approved)

    def _compile(self, run: Run, request: str) -> AbstractContextManager[Compiled]:
        from mcp_wasm.code.compiled import Compiler  # toolchains, which a server without C never needs

        return Compiler(self.runners.folder, self.cache, self.limits, self._children)(run, request)

    def code_grants(self, allow: Collection[str] | None = None, approved: Sequence[Grant] = ()) -> Grants:
        """What code that a model sends may do; the parameters are those of ``call``."""
        kinds = None if allow is None else frozenset(allow)
        names = frozenset({RUN_CODE})
        return self.policies.effective(CODE, DIGEST, WISHES, names, kinds, approved=approved)

    def _audited(self, options: AuditOptions) -> AuditLog:
        from mcp_wasm.sandbox.redact import Redactor  # only with a log

        return AuditLog(folder_of(self.home), options, self.services.shared(Redactor).text)

    def _published(self, found: sources.Source, name: str | None = None) -> Component:
        component = publish.publish(found, self.cache, self.limits, self._children, name)
        own = self._component_limits.get(component.name)
        return component if own is None else replace(component, limits=own)

    def _put(self, component: Component, *, replace: bool = True, detail: str = "") -> Component:
        before = self._index.component(component.name)
        self._index.put(component, replace=replace)
        if before is not None and before.digest != component.digest:
            self._forget(before)
        self.note(event("load", component=component.name, digest=component.digest, detail=detail))
        return component

    def _take(self, name: str, detail: str = "") -> Component:
        found = self.component(name)
        self._index.remove(name)
        self._forget(found)
        self.note(event("remove", component=found.name, digest=found.digest, detail=detail))
        return found

    def _forget(self, gone: Component) -> None:
        if all(component.digest != gone.digest for component in self.components):
            self._invoker.forget(gone.runs.digest)
