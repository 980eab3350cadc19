"""A host interface of the tests: boxes that hold bytes, and a guest that uses them."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_wasm.component import types as wit
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import hostfunc, linker
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.limits import Limits

_numbers = itertools.count()


def register(monkeypatch: pytest.MonkeyPatch, *interfaces: Interface) -> None:
    """Put ``interfaces``, all of one name, into the register."""
    module = f"test{next(_numbers)}"
    monkeypatch.setitem(
        sys.modules, f"mcp_wasm.sandbox.host.{module}", SimpleNamespace(INTERFACES=interfaces)
    )
    monkeypatch.setattr(linker, "REGISTER", {**linker.REGISTER, interfaces[0].name: module})


class Box:
    """What a handle stands for; ``closed`` collects the boxes that were let go."""

    def __init__(self, content: bytes, closed: list[bytes]) -> None:
        self.content, self._closed = content, closed

    def close(self) -> None:
        """Called when the handle is dropped or the call ends."""
        self._closed.append(self.content)


class Lid:
    """Another kind of resource."""


_BYTES = wit.List(wit.Primitive("u8"))
_U64 = wit.Primitive("u64")


def interface(closed: list[bytes], peek: Callable[[Call, Box], Any] | None = None) -> Interface:
    """``test:host/boxes``: make a box, look into one, give one away, make a lid."""

    def function(name: str, params: dict[str, wit.Type], result: wit.Type | None, run: Any) -> Any:
        signature = wit.Function(
            "test:host/boxes", name, tuple(wit.Param(n, t) for n, t in params.items()), result
        )
        return hostfunc.plain(signature, run, {"box": Box, "lid": Lid})

    functions = {
        "new": function("new", {"n": _U64}, wit.Handle(True, "box"), _new(closed)),
        "peek": function(
            "peek", {"it": wit.Handle(False, "box")}, _BYTES, peek or (lambda _call, box: box.content)
        ),
        "eat": function("eat", {"it": wit.Handle(True, "box")}, _BYTES, lambda _call, box: box.content),
        "put-lid": function("put-lid", {}, wit.Handle(True, "lid"), lambda _call: Lid()),
    }
    return Interface("test:host/boxes", ("",), functions, {"box": Box, "lid": Lid})


def _new(closed: list[bytes]) -> Callable[[Call, int], Box]:
    return lambda _call, number: Box(str(number).encode(), closed)


GUEST = """
  (import "test:host/boxes" (instance $h
    (export "box" (type $box (sub resource)))
    (export "lid" (type $lid (sub resource)))
    (export "new" (func (param "n" u64) (result (own $box))))
    (export "peek" (func (param "it" (borrow {peeked})) (result (list u8))))
    (export "eat" (func (param "it" (own $box)) (result (list u8))))
    (export "put-lid" (func (result (own $lid))))))
  (core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 64))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (global.get $next) (local.get 3)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (alias export $h "box" (type $box))
  (core func $new (canon lower (func $h "new")))
  (core func $peek (canon lower (func $h "peek") (memory $memory) (realloc $realloc)))
  (core func $eat (canon lower (func $h "eat") (memory $memory) (realloc $realloc)))
  (core func $lid (canon lower (func $h "put-lid")))
  (core func $drop (canon resource.drop $box))
  (core module $m
    (import "h" "new" (func $new (param i64) (result i32)))
    (import "h" "peek" (func $peek (param i32 i32)))
    (import "h" "eat" (func $eat (param i32 i32)))
    (import "h" "lid" (func $lid (result i32)))
    (import "h" "drop" (func $drop (param i32)))
    {code})
  (core instance $i (instantiate $m (with "h" (instance
    (export "new" (func $new)) (export "peek" (func $peek)) (export "eat" (func $eat))
    (export "lid" (func $lid)) (export "drop" (func $drop))))))
  (func (export "go") (param "times" u64) (result (list u8))
    (canon lift (core func $i "go") (memory $memory) (realloc $realloc)))
"""


def guest(home: Path, code: str, *, peeked: str = "$box", limits: Limits | None = None) -> Runtime:
    """A runtime with the guest whose core function ``go`` is ``code``; it returns where its bytes are."""
    home.mkdir(parents=True, exist_ok=True)
    text = GUEST.format(code=code, peeked=peeked)
    (home / "it.wat").write_text(f"(component {text})")
    runtime = Runtime(home=home, limits=limits)
    runtime.add(home / "it.wat")
    return runtime
