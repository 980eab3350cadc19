"""``wasi:filesystem/types`` where a guest names a path: what it may not have is recorded, and nothing blocks.

Everything else of the interface is the engine's own. A call without storage has
an empty ``/`` (``preopens``), in which no path leads anywhere: every one that is
asked for is answered "no entry", as before there was one, and recorded. A call
with storage opens files through the engine, after a look at what is there: to
open a pipe would hold the thread past any deadline. Source: WASI 0.2,
``wasi:filesystem``.
"""

from __future__ import annotations

import ctypes
import posixpath
import re
from collections.abc import Callable
from ctypes import byref
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_wasm.capability.grant import Grants, Storage
from mcp_wasm.component import types as wit
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.handles import Native, let_go, native_of, put_native
from mcp_wasm.sandbox.host import preopens
from mcp_wasm.sandbox.host.bridge import values
from mcp_wasm.sandbox.host.holdings import Growth, Opened
from mcp_wasm.sandbox.host.interface import NATIVE, Interface, signatures
from mcp_wasm.sandbox.hostfunc import HostFunction
from mcp_wasm.sandbox.lift import lift_plan
from mcp_wasm.sandbox.lower import lower_plan
from mcp_wasm.sandbox.raw import Val, ffi, get_bytes

_NAME = "wasi:filesystem/types"
_OPEN = "[method]descriptor.open-at"

_LONGEST = 4096
"""Bytes of a path, as most systems have it."""

_SPECIAL, _REFUSED_KIND = 255, "special"
"""What the bridge says of a path that is no file and no folder, and what we call it."""


_OWN = re.compile(r"/(?:(?:python|bundled|\d)(?:/|$)|<[^/]*>$)")
"""Where componentize-py has a program's own source, and names like ``<string>`` of what has no file.

A traceback looks there for the lines of code.
"""


def _asked(call: Call, path: str, write: bool) -> None:
    """Record that a guest asked for a path that no granted folder has.

    Programs look for files that need not be there, so that reading is only
    shown when the call fails; nothing writes in passing.
    """
    full = posixpath.normpath("/" + path)
    if _OWN.match(full) and not write:
        return
    about = call.about.component
    verb = "write" if write else "read"
    if call.grants.storage:
        rule = f"{about} has only {', '.join(sorted(grant.guest for grant in call.grants.storage))}"
    else:
        rule = call.grants.waiting or f"no grant of storage to {about}"
    folder = posixpath.dirname(full)
    # A grant of everything is nothing to propose.
    wanted = Storage(Path(folder), folder, write) if folder != "/" and full.isprintable() else None
    call.deny(wanted, f"{verb} {ascii(full)[1:-1]}", rule, kind="storage", quiet=not write)


def _refused(path: int, write: bool) -> Callable[..., Any]:
    def refuse(call: Call, *arguments: Any) -> Any:
        _asked(call, arguments[path], write)
        return {"err": "no-entry"}

    return refuse


def _refused_open(
    call: Call, _self: Native, _follow: object, path: str, how: list[str], flags: list[str]
) -> Any:
    _asked(call, path, _writes(how, flags))
    return {"err": "no-entry"}


def _writes(how: list[str], flags: list[str]) -> bool:
    return bool({"create", "truncate"}.intersection(how) or {"write", "mutate-directory"}.intersection(flags))


_REFUSED = {
    _OPEN: _refused_open,
    "[method]descriptor.stat-at": _refused(2, False),
    "[method]descriptor.metadata-hash-at": _refused(2, False),
    "[method]descriptor.readlink-at": _refused(1, False),
    "[method]descriptor.set-times-at": _refused(2, True),
    "[method]descriptor.create-directory-at": _refused(1, True),
    "[method]descriptor.remove-directory-at": _refused(1, True),
    "[method]descriptor.unlink-file-at": _refused(1, True),
    "[method]descriptor.rename-at": _refused(1, True),
    "[method]descriptor.link-at": _refused(2, True),
    "[method]descriptor.symlink-at": _refused(2, True),
}

_LIST = "[method]descriptor.read-directory"
_signature = signatures(f"{_NAME}@{NATIVE}")[_OPEN]
_list_signature = signatures(f"{_NAME}@{NATIVE}")[_LIST]
_how, _flags = (lift_plan(_signature.params[index].type) for index in (3, 4))
assert isinstance(_signature.result, wit.Result)
assert isinstance(_signature.result.err, wit.Enum)
_CODES = _signature.result.err.cases
_lower_error = lower_plan(wit.Result(None, _signature.result.err))


def _open(call: Call, context: Any, arguments: Any, results: Any) -> None:
    ctypes.memset(byref(results[0]), 0, ctypes.sizeof(results[0]))
    directory = native_of(arguments[0])
    try:
        path = get_bytes(arguments[2].of.string)
        if len(path) > _LONGEST:
            _lower_error({"err": "name-too-long"}, results[0])
        elif call.state.setdefault(Opened, Opened()).is_too_much(call.state.get(Storage, ())):
            rule = f"a call may have {Opened.MOST} files and folders open at once"
            call.deny(None, "opening another file", rule, kind="storage")
            _lower_error({"err": "quota"}, results[0])
        else:
            preopens.BRIDGE.call(call, "open", arguments, 5, results[0])
            _explain(call, directory, path.decode(), arguments, results[0])
    finally:
        # It was lent for the length of this function; the engine traps a guest whose loan is not given back.
        let_go(context, directory)


def _list(call: Call, context: Any, arguments: Any, results: Any) -> None:
    ctypes.memset(byref(results[0]), 0, ctypes.sizeof(results[0]))
    directory = native_of(arguments[0])
    try:
        if call.state.setdefault(Growth, Growth()).is_too_much():
            rule = f"listing folders has taken more than {Growth.MOST:,} bytes of the server's memory"
            call.deny(None, "listing another folder", rule, kind="storage")
            _lower_error({"err": "insufficient-memory"}, results[0])
        else:
            preopens.BRIDGE.call(call, "read", arguments, 1, results[0])
            _name_error(results[0])
    finally:
        let_go(context, directory)


def _name_error(result: Any) -> str:
    """Make an error's number in a result of the bridge the interface's own; its name, ``""`` for none."""
    if result.of.result.is_ok:
        return ""
    code: int = result.of.result.val[0].of.u8
    ffi.wasmtime_component_val_delete(byref(result))
    ctypes.memset(byref(result), 0, ctypes.sizeof(result))
    name = _REFUSED_KIND if code == _SPECIAL else _CODES[code]
    _lower_error({"err": "not-permitted" if code == _SPECIAL else name}, result)
    return name


def _explain(call: Call, directory: Native, path: str, arguments: Any, result: Any) -> None:
    """Record why a path was not opened, where that was not the program's own affair."""
    error = _name_error(result)
    if not error:
        return
    write = _writes(_how(arguments[3]), _flags(arguments[4]))
    asked = f"{'write' if write else 'read'} {ascii(path)[1:-1]} in {_guests(call)}"
    if error == _REFUSED_KIND:
        rule = "it is no file and no folder, and to open a pipe or a device could wait for ever"
        call.deny(None, asked, rule, kind="storage")
    elif error == "no-entry" and _is_root(call, directory):
        _asked(call, path, write)
    elif error in {"not-permitted", "read-only", "access"}:
        _explain_refusal(call, path, asked, write)


def _guests(call: Call) -> str:
    return " or ".join(sorted(folder.guest for folder in preopens.granted(call))) or "/"


def _explain_refusal(call: Call, path: str, asked: str, write: bool) -> None:
    only_read = [folder.grant for folder in preopens.granted(call) if folder.grant and not folder.write]
    if posixpath.isabs(path) or posixpath.normpath(path).startswith(".."):
        call.deny(None, asked, "the path leads out of the granted folder", kind="storage")
    elif write and only_read:
        wanted = replace(only_read[0], write=True) if len(preopens.granted(call)) == 1 else None
        rule = f"{only_read[0].rule or 'its grant'} allows only reading"
        if only_read[0].write:  # why, was said when the call began
            wanted, rule = None, f"{only_read[0].rule or 'its grant'} is only readable in this call"
        call.deny(wanted, asked, rule, kind="storage")
    else:
        rule = "a link leads out of the granted folder, or the host's own permissions deny it"
        call.deny(None, asked, rule, kind="storage")


def _is_root(call: Call, directory: Native) -> bool:
    """Whether a descriptor is the empty ``/``."""
    if not preopens.has_root(call):
        return False
    root: Native | None = call.state.get(_is_root)
    for native, name in preopens.listed(call) if root is None else ():
        if name == "/":
            root = call.state[_is_root] = native
        else:
            let_go(call.context, native)
    if root is None:
        return False
    arguments, result = values(2), Val()
    put_native(arguments[0], directory)
    put_native(arguments[1], root)
    try:
        preopens.BRIDGE.call(call, "same", arguments, 2, result)
    finally:
        for index in range(2):
            ffi.wasmtime_component_val_delete(byref(arguments[index]))
    return bool(result.of.boolean)


def _has_storage(grants: Grants) -> bool:
    return bool(grants.storage)


def _has_none(grants: Grants) -> bool:
    return not grants.storage


INTERFACES = (
    Interface(_NAME, (NATIVE,), _REFUSED, shadow=_has_none, prepare=preopens.want_root),
    Interface(
        _NAME,
        (NATIVE,),
        {_OPEN: HostFunction(_signature, _open), _LIST: HostFunction(_list_signature, _list)},
        shadow=_has_storage,
        bridge=preopens.BRIDGED,
        prepare=preopens.want_root,
    ),
)
