"""A component made ready to run: compiled or loaded, linked, its plans compiled.

Everything here is shared by all calls of the component and never changes; what
belongs to one call is in ``instance``.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import wasmtime
from wasmtime import WasmtimeError, component
from wasmtime.component import Linker

from mcp_wasm.capability.grant import NOTHING, Grants
from mcp_wasm.component import handles
from mcp_wasm.component import types as wit
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.sandbox import exported
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.compile import CompileFailed, Job, compile_all
from mcp_wasm.sandbox.engine import engine, engine_key
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.lift import Lift, lift_plan
from mcp_wasm.sandbox.linker import active, interfaces, linker
from mcp_wasm.sandbox.lower import lower_plan
from mcp_wasm.sandbox.scalars import Lower
from mcp_wasm.sandbox.unbundle import Skeleton, unbundle


@dataclass(frozen=True, slots=True)
class Plan:
    """How one function is called: where it is, how arguments go in and the result comes out.

    ``fails`` is whether the function's result is a ``result``, whose error side
    is the call's failure; ``lasting`` whether it takes or gives handles, so that
    its calls belong to a session.
    """

    function: wit.Function
    index: component.ExportIndex
    params: tuple[tuple[str, bool, Lower], ...]
    names: frozenset[str]
    lift: Lift | None
    fails: bool
    lasting: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A component that can be instantiated: ``plans`` by full export path, host ``interfaces`` it imports."""

    digest: str
    component: component.Component
    modules: dict[str, wasmtime.Module]
    plans: dict[str, Plan]
    needs_wasi: bool
    interfaces: tuple[Interface, ...]
    _linkers: dict[tuple[Interface, ...], Linker] = field(default_factory=dict)
    _linking: threading.Lock = field(default_factory=threading.Lock)

    def linker(self, grants: Grants) -> Linker:
        """The linker for a call with these grants: some of them replace parts of base WASI."""
        wanted = active(self.interfaces, grants)
        found = self._linkers.get(wanted)
        if found is None:
            with self._linking:
                found = self._linkers.get(wanted) or linker(self.modules, wanted)
                self._linkers[wanted] = found
        return found


class Shelf:
    """Loads and compiles components through a cache; core modules are shared by their digest."""

    def __init__(self, cache: Cache, children: Children) -> None:
        self._cache, self._children = cache, children
        self._modules: weakref.WeakValueDictionary[str, wasmtime.Module] = weakref.WeakValueDictionary()
        self._compiling: dict[str, threading.Lock] = {}
        self._seats = threading.Semaphore(max(2, os.cpu_count() or 1))

    def prepare(
        self,
        digest: str,
        world: wit.World,
        functions: list[wit.Function],
        read: Callable[[], bytes],
        *,
        whole: bool = False,
    ) -> Prepared:
        """The component ``digest``, whose bytes ``read`` gives where it is not in the cache.

        Shared modules are checked and linked by the names of all their exports in
        every instance; CPython has thousands, which takes longer than a small program.
        What is instantiated more often than compiled is better compiled ``whole``.

        Raises:
            ComponentRefused: if the engine refuses to compile it.
        """
        loaded = self._load(digest, whole)
        if loaded is None:
            skeleton = Skeleton(read()) if whole else unbundle(read(), self._children)
            with self._alone(skeleton, whole):
                loaded = self._load(digest, whole) or self._compile(digest, skeleton, whole)
        compiled, modules = loaded
        plans = {function.path: _plan(compiled, function) for function in functions}
        needs_wasi = any(item.name.startswith("wasi:") for item in world.imports)
        prepared = Prepared(digest, compiled, modules, plans, needs_wasi, interfaces(world.imports))
        prepared.linker(NOTHING)
        return prepared

    @contextlib.contextmanager
    def _alone(self, skeleton: Skeleton, whole: bool) -> Iterator[None]:
        """Hold what two compiles must not do at once: a shared module, and more heavy ones than CPUs.

        A component without shared modules waits for nobody: most compile in
        milliseconds, and a heavy one must not hold up the others.
        """
        with contextlib.ExitStack() as held:
            for digest in sorted({part.digest for part in skeleton.parts}):
                held.enter_context(self._compiling.setdefault(digest, threading.Lock()))
            if skeleton.parts or whole:
                held.enter_context(self._seats)
            yield

    def is_compiled(self, digest: str) -> bool:
        """Whether ``prepare`` will only load."""
        return (self._cache.folder / _name("parts", digest)).exists()

    def _load(
        self, digest: str, whole: bool
    ) -> tuple[component.Component, dict[str, wasmtime.Module]] | None:
        listed = b"{}" if whole else self._cache.read(_name("parts", digest))
        path = self._cache.path(_name(_kind(whole), digest))
        if listed is None or path is None:
            return None
        modules: dict[str, wasmtime.Module] = {}
        for name, part in json.loads(listed).items():
            module = self._module(part)
            if module is None:
                return None
            modules[name] = module
        try:
            return component.Component.deserialize_file(engine(), str(path)), modules
        except WasmtimeError:
            self._cache.remove(path.name)
            return None

    def _module(self, digest: str) -> wasmtime.Module | None:
        module = self._modules.get(digest)
        if module is None:
            path = self._cache.path(_name("module", digest))
            if path is None:
                return None
            try:
                module = wasmtime.Module.deserialize_file(engine(), str(path))
            except WasmtimeError:
                self._cache.remove(path.name)
                return None
            module = self._modules.setdefault(digest, module)
        return module

    def _compile(
        self, digest: str, skeleton: Skeleton, whole: bool
    ) -> tuple[component.Component, dict[str, wasmtime.Module]]:
        missing = {part.digest: part.binary for part in skeleton.parts if self._module(part.digest) is None}
        jobs = [Job("component", skeleton.binary), *(Job("module", binary) for binary in missing.values())]
        try:
            artifacts = compile_all(jobs, self._children)
        except CompileFailed as error:
            raise ComponentRefused(digest[:12], f"the engine refuses it: {error}") from None
        self._cache.write(_name(_kind(whole), digest), artifacts[0])
        for part, artifact in zip(missing, artifacts[1:], strict=True):
            self._cache.write(_name("module", part), artifact)
        if not whole:
            parts = {part.import_name: part.digest for part in skeleton.parts}
            self._cache.write(_name("parts", digest), json.dumps(parts).encode())
        loaded = self._load(digest, whole)
        if loaded is not None:
            return loaded
        # The cache is too small for its own newest entries: run from memory.
        modules = {}
        by_digest = dict(zip(missing, artifacts[1:], strict=True))
        for each in skeleton.parts:
            kept = self._module(each.digest)
            modules[each.import_name] = kept or wasmtime.Module.deserialize(engine(), by_digest[each.digest])
        return component.Component.deserialize(engine(), artifacts[0]), modules


def _kind(whole: bool) -> str:
    return "whole" if whole else "component"


def _name(kind: str, digest: str) -> str:
    return f"{kind}-{digest}-{engine_key()}"


def _plan(compiled: component.Component, function: wit.Function) -> Plan:
    parent = compiled.get_export_index(function.interface) if function.interface else None
    index = compiled.get_export_index(function.name, parent)
    if index is None:
        raise ComponentRefused(function.path, "the component does not export it")
    result, fails = function.result, isinstance(function.result, wit.Result)
    lasting = handles.carries(function)
    lift, lower = (exported.lifting, exported.lowering) if lasting else (None, None)
    return Plan(
        function,
        index,
        tuple((p.name, isinstance(p.type, wit.Option), lower_plan(p.type, lower)) for p in function.params),
        frozenset(p.name for p in function.params),
        None if result is None else lift_plan(result, lift),
        fails,
        lasting,
    )
