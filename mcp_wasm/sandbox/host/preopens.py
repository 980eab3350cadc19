"""Which folders a call has: the granted ones, an empty ``/``, and what host interfaces hide for themselves.

``wasi:filesystem/preopens`` is the engine's own, except in a call for which a
host interface has hidden a folder (``hide``): then the hidden ones are left out
of what the guest is told. Source: WASI 0.2, ``wasi:filesystem``.
"""

from __future__ import annotations

import logging
import os
import tempfile
from ctypes import byref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.capability.grant import Grants, Storage
from mcp_wasm.sandbox import folders, quota
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.handles import Native, let_go, native_of
from mcp_wasm.sandbox.host.bridge import Bridge, values
from mcp_wasm.sandbox.host.interface import NATIVE, Interface
from mcp_wasm.sandbox.raw import Val, ffi, get_text

_log = logging.getLogger(__name__)

BRIDGE = Bridge("files_bridge.wat")
BRIDGED = (2, 1)
"""How many core instances and memories the bridge adds to a store."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder as the engine opens it for a call; ``grant`` is None where no person granted it."""

    host: str
    guest: str
    write: bool
    grant: Storage | None = None


class Nowhere:
    """An empty folder in which nobody can make anything: it was removed as soon as it was opened.

    A guest without storage has it as ``/``, so that what it looks for is asked
    for at all: language runtimes say "no such file" by themselves where a
    program has no folder.
    """

    def __init__(self, _services: object = None) -> None:
        made = tempfile.mkdtemp(prefix="mcp-wasm-")
        self._descriptor = folders.open_folder(Path(os.path.realpath(made)))
        self.path = folders.path_of(self._descriptor, Path(made))
        self._left = Path(made) if self.path == made else None
        if self._left is None:
            Path(made).rmdir()

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._descriptor)
        if self._left is not None:
            self._left.rmdir()


def hide(call: Call, folder: Path, guest: str) -> None:
    """Have ``folder`` opened for ``call``, to write, as ``guest``, of which the guest is not told.

    To be called from an interface's ``prepare``, in a call with a grant of the
    network; without one the engine's own list would name it.
    """
    call.state.setdefault(hide, {})[guest] = Folder(str(folder), guest, write=True)


def has_root(call: Call) -> bool:
    """Whether the call's ``/`` is the empty folder."""
    return call.state.get(Nowhere) is True


def want_root(call: Call) -> None:
    """Give ``call`` an empty ``/`` where no person granted one; for an interface's ``prepare``."""
    if all(grant.guest != "/" for grant in call.grants.storage):
        call.state[Nowhere] = True


def opened(call: Call) -> list[Folder]:
    """The folders of ``call``, opened and watched until it ends.

    A granted folder that cannot be used as it is written is left out, and one
    whose quota is used up is only readable; both are recorded as denials.
    """
    found = [folder for grant in call.grants.storage if (folder := _granted(call, grant)) is not None]
    call.state[opened] = tuple(found)
    if has_root(call):
        try:
            found.append(Folder(call.services.shared(Nowhere).path, "/", write=False))
        except OSError as error:
            # The guest can do without: then its own runtime says "no such file", and nothing is recorded.
            call.state[Nowhere] = False
            _log.warning("no empty folder could be made, so no path that is asked for is known: %s", error)
    return found + list(call.state.get(hide, {}).values())


def granted(call: Call) -> tuple[Folder, ...]:
    """The granted folders that ``call`` has."""
    found: tuple[Folder, ...] = call.state.get(opened, ())
    return found


def _granted(call: Call, grant: Storage) -> Folder | None:
    asked = f"{'write' if grant.write else 'read'} {grant.guest}"
    try:
        descriptor = folders.open_folder(grant.folder)
    except folders.Unusable as error:
        call.deny(None, asked, f"{grant.rule or 'its grant'} cannot be used: {error}", kind="storage")
        return None
    call.at_end(lambda: os.close(descriptor))
    call.state.setdefault(Storage, []).append(descriptor)
    rule = _not_writable(call, grant, descriptor) if grant.write else ""
    if rule:
        call.deny(None, asked, rule, kind="storage")
    return Folder(folders.path_of(descriptor, grant.folder), grant.guest, grant.write and not rule, grant)


def _not_writable(call: Call, grant: Storage, descriptor: int) -> str:
    """Why a folder that may be written is only readable for this call; else it is watched."""
    where = grant.rule or "its grant"
    if _says_what_is_found(grant, call.services.home):
        home = os.path.realpath(call.services.home)
        return f"{where} is only readable: the state of this server, its grants included, lies in {home}"
    for each in call.services.guarded:
        if _says_what_is_found(grant, each):
            return f"{where} is only readable: {each} lies there, which says what guests may do"
    if grant.quota is None:
        return ""
    try:
        over = quota.excess(folders.measure(descriptor, grant.quota), grant.quota)
        watched = quota.Watched(call, grant, grant.quota, os.dup(descriptor))
    except OSError as error:
        return f"{where} is only readable: its folder cannot be measured ({error.strerror})"
    if over:
        os.close(watched.descriptor)
        return f"{where} is only readable: {over}, and its quota is {grant.quota:,} bytes"
    quotas = call.services.shared(quota.Quotas)
    quotas.begin(watched)
    call.at_end(lambda: quotas.end(watched))
    return ""


def _says_what_is_found(grant: Storage, path: Path) -> bool:
    """Whether who may write in the folder of ``grant`` could change what ``path`` is, or what lies in it."""
    folder = str(grant.folder)
    return _lies_in(folder, os.path.realpath(path)) or any(
        _lies_in(entry, folder) for entry in folders.looked_up(path)
    )


def _lies_in(path: str, folder: str) -> bool:
    # Texts, since every call with a folder to write comes here; both are absolute and without `..`.
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def listed(call: Call) -> list[tuple[Native, str]]:
    """The folders of the store of ``call`` with new handles to them; each is to be passed on or let go."""
    result = Val()
    BRIDGE.call(call, "list", values(1), 0, result)
    vector = result.of.list
    pairs = [vector.data[index].of.tuple.data for index in range(vector.size)]
    found = [(native_of(pair[0]), get_text(pair[1].of.string)) for pair in pairs]
    ffi.wasmtime_component_val_delete(byref(result))
    return found


def _get_directories(call: Call) -> list[list[Any]]:
    hidden, kept = call.state.get(hide, {}), []
    for native, name in listed(call):
        if name in hidden:
            let_go(call.context, native)
        else:
            kept.append([native, name])
    return kept


def _may_hide(grants: Grants) -> bool:
    return bool(grants.network)


INTERFACES = (
    Interface(
        "wasi:filesystem/preopens",
        (NATIVE,),
        {"get-directories": _get_directories},
        shadow=_may_hide,
        bridge=BRIDGED,
    ),
)
