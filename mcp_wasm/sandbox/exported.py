"""Handles to resources of a guest's own: a text outside, the engine's handle inside.

Plans for such types work for the session whose call runs on the thread
(``serving``); outside of one nothing can be lifted or lowered.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from mcp_wasm.component import types as wit
from mcp_wasm.errors import HandlesExhausted, InvalidArguments, Mismatch
from mcp_wasm.sandbox.handles import Native, native_of, put_native
from mcp_wasm.sandbox.lift import Lift
from mcp_wasm.sandbox.scalars import Lower, Misfit


class Exported:
    """The handles of one session that were given out and are still valid, at most ``most``.

    ``text`` begins all of them; nobody can guess it.
    """

    def __init__(self, most: int) -> None:
        self.text = secrets.token_urlsafe(16)
        self._most, self._next = most, 0
        self._handles: dict[str, tuple[Native, str]] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def keep(self, native: Native, resource: str) -> str:
        """The text of a new handle to a ``resource``.

        Raises:
            HandlesExhausted: past ``most``.
        """
        if len(self._handles) >= self._most:
            raise HandlesExhausted(self._most)
        self._next += 1
        text = f"{self.text}.{self._next}"
        self._handles[text] = (native, resource)
        return text

    def resource(self, text: str) -> str | None:
        """The name of the resource that a handle is for, or None if there is no such handle."""
        found = self._handles.get(text)
        return None if found is None else found[1]

    def native(self, text: str, *, owned: bool) -> Native:
        """What a handle stands for; one that is ``owned`` by whom it is given to is valid no more."""
        return (self._handles.pop(text) if owned else self._handles[text])[0]

    def clear(self) -> None:
        """Forget all of them; their store is about to go."""
        self._handles.clear()


def refuse_twice(tool: str, found: Iterable[tuple[str, wit.Handle, str]]) -> None:
    """A handle that a call takes can stand in its arguments only once; ``found`` says where which stands.

    Raises:
        InvalidArguments: where one stands again.
    """
    given = list(found)
    taken = {text for _, type_, text in given if type_.owned}
    seen: set[str] = set()
    for at, _, text in given:
        if text in seen and text in taken:
            raise InvalidArguments(tool, [Mismatch(at, "a handle that the call does not take already", text)])
        seen.add(text)


def mismatch(handles: Exported, at: str, type_: wit.Handle, text: str) -> Mismatch | None:
    """What is wrong with a handle that was given at ``at`` for one of ``type_``, if anything is."""
    name = handles.resource(text)
    if name is None:
        return Mismatch(at, "a handle that is still valid", f"{text}, which was never given or is used up")
    if name != type_.name:
        return Mismatch(at, f"a handle to a {type_.name}", f"a handle to a {name}")
    return None


class _Now(threading.local):
    handles: Exported | None = None


_now = _Now()


@contextlib.contextmanager
def serving(handles: Exported) -> Iterator[None]:
    """Lift and lower for ``handles`` on this thread."""
    outer = _now.handles  # of a call that calls another tool on this thread
    _now.handles = handles
    try:
        yield
    finally:
        _now.handles = outer


def lifting(type_: wit.Type) -> Lift | None:
    """The plan that gives a resource out as text; None for every other type."""
    if not isinstance(type_, wit.Handle):
        return None
    name = type_.name

    def lift(slot: Any) -> str:
        assert _now.handles is not None
        return _now.handles.keep(native_of(slot), name)

    return lift


def lowering(type_: wit.Type) -> Lower | None:
    """The plan that takes the text of a handle; None for every other type."""
    if not isinstance(type_, wit.Handle):
        return None
    owned = type_.owned

    def lower(value: Any, slot: Any) -> None:
        handles = _now.handles
        if handles is None or handles.resource(value) is None:
            raise Misfit
        put_native(slot, handles.native(value, owned=owned))

    return lower
