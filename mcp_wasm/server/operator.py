"""The tools by which a model loads components, where a person allows that with ``--allow-load``.

What is loaded is marked: its name begins with ``loaded_``, which no installed
component needs, and its descriptions say so. It has no grants, cannot take the
place or the grants of anything, and lives until it is unloaded or the server
ends. A model can load only binaries that lie in folders which a person named.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from mcp_wasm.capability.command import LOADED
from mcp_wasm.errors import (
    CallerError,
    ComponentRefused,
    InvalidArguments,
    InvalidSettings,
    Mismatch,
    UnknownTool,
)
from mcp_wasm.registry.tool import Component
from mcp_wasm.server.loading import read_within
from mcp_wasm.server.text import visible

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

log = logging.getLogger(__name__)

LOAD, UNLOAD = "load_component", "unload_component"
OPERATOR = frozenset({LOAD, UNLOAD})

PREFIX = LOADED
MARK = "Loaded by a model while the server runs; no person installed it. "
"""What the description of each of its tools begins with."""

_MOST, _MOST_BYTES, _MOST_BYTES_EACH = 16, 128 * 1024 * 1024, 32 * 1024 * 1024
_LISTED = 200
"""Tools, needs and refusals that an answer lists at most."""

ANSWER_BYTES = 1024 * 1024
"""No answer of these tools is larger, so that none has to be cut."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,24}")


class Operator:
    """Loads and unloads components of ``runtime`` for models; ``folders`` are where their files may lie.

    Raises:
        InvalidSettings: for a folder that is not there.
    """

    def __init__(self, runtime: Runtime, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise InvalidSettings("allow_load", "a folder that is there", str(folder))
        self._runtime, self._folders = runtime, tuple(folder.resolve() for folder in folders)
        self._loaded: dict[str, int] = {}
        self._one = anyio.Lock()
        self._users = 0
        # Copies: what was looked at is what runs, whatever becomes of the file.
        self._copies = Path(tempfile.mkdtemp(prefix="mcp-wasm-loaded-"))
        weakref.finalize(self, shutil.rmtree, self._copies, ignore_errors=True)

    @contextlib.asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Unload everything when the server ends; it may be entered once for each client in this process."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                for name in tuple(self._loaded):
                    self._unload(name)

    def is_loaded(self, component: str) -> bool:
        """Whether the component of that name was loaded here."""
        return component in self._loaded

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The value of a call of one of the two tools.

        Raises:
            CallerError: for what cannot be loaded or unloaded.
        """
        if tool == UNLOAD:
            (name,) = _texts(tool, arguments, ("name",))
            async with self._one:
                return self._unloaded(name)
        path, name = _texts(tool, arguments, ("path", "name"))
        if not _NAME.fullmatch(name):
            expected = "at most 25 lower-case letters, digits and _, beginning with a letter"
            raise InvalidArguments(tool, [Mismatch("/name", expected, "another text")])
        async with self._one:  # looking at a binary is costly, so one at a time
            return await anyio.to_thread.run_sync(self._load, path, PREFIX + name)

    def _load(self, path: str, name: str) -> dict[str, Any]:
        self._refuse_taken(name)
        if len(self._loaded) >= _MOST:
            raise CallerError(f"{_MOST} components are loaded already. Unload one with {UNLOAD}.")
        room = _MOST_BYTES - sum(self._loaded.values())
        binary = read_within(self._folders, path, LOAD, min(room, _MOST_BYTES_EACH))
        copy = self._copies / f"{name}.wasm"
        copy.write_bytes(binary)
        self._loaded[name] = len(
            binary
        )  # before it is published, so that it is never listed without its mark
        try:
            component = self._publish(copy, name)
        except ComponentRefused as refusal:
            self._forget(name)
            raise ComponentRefused(visible(path, 200), visible(refusal.reason, 600), refusal.hint) from None
        except BaseException:
            self._forget(name)
            raise
        log.warning("Loaded %s (%s) from %s for a model", name, component.digest, ascii(path))
        return _described(component)

    def _publish(self, copy: Path, name: str) -> Component:
        looked_at = self._runtime.inspect(copy, name=name)
        if looked_at.name != name:
            raise CallerError(f"{name} is no name that a component can have; take {looked_at.name}.")
        for tool in looked_at.tools:
            with contextlib.suppress(UnknownTool):
                other = self._runtime.tool(tool.name)
                raise CallerError(f"Its tool {tool.name} would be named as one of {other.component}.")
        self._refuse_taken(name)
        return self._runtime.add(copy, name=name, replace=False)

    def _refuse_taken(self, name: str) -> None:
        policy = self._runtime.policies.policy
        if policy.problem or name in policy.entries:
            why = (
                "the policy cannot be read"
                if policy.problem
                else "a person has granted something to that name"
            )
            raise CallerError(f"{name} cannot be loaded: {why}. Take another name.")
        if any(component.name == name for component in self._runtime.components):
            raise CallerError(f"There is a component named {name} already. Take another name.")

    def _unloaded(self, name: str) -> dict[str, Any]:
        if name not in self._loaded:
            listed = ", ".join(sorted(self._loaded)) or "none"
            raise CallerError(f"{visible(name, 100)!r} was not loaded with {LOAD}. Loaded are: {listed}.")
        self._unload(name)
        return {"component": name}

    def _unload(self, name: str) -> None:
        with contextlib.suppress(CallerError):  # somebody else has taken it away
            if self._runtime.component(name).source.is_relative_to(self._copies):
                self._runtime.remove(name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        self._loaded.pop(name, None)
        (self._copies / f"{name}.wasm").unlink(missing_ok=True)


def _texts(tool: str, arguments: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [
        Mismatch(f"/{visible(key, 60)}", "no such parameter", "it") for key in arguments.keys() - set(names)
    ]
    wrong += [
        Mismatch(f"/{name}", "a string", "something else")
        for name in names
        if not isinstance(arguments.get(name), str)
    ]
    if wrong:
        raise InvalidArguments(tool, wrong)
    return tuple(arguments[name] for name in names)


def _described(component: Component) -> dict[str, Any]:
    return {
        "component": component.name,
        "digest": component.digest,
        "tools": [tool.name for tool in component.tools[:_LISTED]],
        "needs": [visible(need, 120) for need in component.needs[:_LISTED]],
        "refused": [visible(f"{each.path}: {each.reason}", 300) for each in component.refused[:_LISTED]],
    }


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}


def operator_listed() -> tuple[dict[str, Any], dict[str, Any]]:
    """Both tools as they are listed."""
    path = {**_TEXT, "description": "The .wasm file: absolute, or from a folder that the server allows."}
    name = {**_TEXT, "pattern": f"^{_NAME.pattern}$", "description": f"Its name; {PREFIX} comes before it."}
    loaded = {**_TEXT, "description": f"The component's name as {LOAD} gave it, with {PREFIX}."}
    described = {"component": _TEXT, "digest": _TEXT, "tools": _TEXTS, "needs": _TEXTS, "refused": _TEXTS}
    return (
        _listed(
            LOAD,
            "Load component",
            "Loads a WebAssembly component and publishes its functions as tools. It is granted nothing: no "
            "network, no files, no state; only a person can grant it something. It stays until "
            f"{UNLOAD} or until the server ends.",
            {"path": path, "name": name},
            described,
        ),
        _listed(
            UNLOAD,
            "Unload component",
            f"Takes a component away that {LOAD} loaded; no other can be unloaded.",
            {"name": loaded},
            {"component": _TEXT},
        ),
    )


def _listed(
    name: str, title: str, description: str, inputs: dict[str, Any], outputs: dict[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": _object(inputs),
        "outputSchema": {**_object({"result": _object(outputs)})},
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": False,
            "idempotentHint": False,
            "openWorldHint": False,
        },
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
