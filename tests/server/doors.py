"""A host interface of the tests' own that needs grants: doors that open for whom a bucket was granted.

It stands where ``wasi:keyvalue/store`` would, under a version that nobody else has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability import match
from mcp_wasm.capability.grant import KeyValue, Storage
from mcp_wasm.component import types as wit
from mcp_wasm.sandbox import linker
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.hostfunc import plain

NAME = "wasi:keyvalue/store"
_MODULE = "doors of the tests"


class Doors:
    """Which doors were tried, in order, and whether each opened.

    A name that begins with ``/`` is denied as a folder of that path, one with ``quiet`` in passing.
    """

    def __init__(self) -> None:
        self.tried: list[tuple[str, bool]] = []
        string, boolean = wit.Primitive("string"), wit.Primitive("bool")
        signature = wit.Function(f"{NAME}@0.2.0-test", "open", (wit.Param("name", string),), boolean)
        run = plain(signature, self._open, {})
        self.interfaces = (Interface(NAME, ("0.2.0-test",), {"open": run}),)

    def _open(self, call: Call, name: str) -> bool:
        decision = match.bucket(call.grants, call.about.component, name, False)
        opened = decision.grant is not None
        self.tried.append((name, opened))
        if not opened:
            wanted = Storage(Path(name), name) if name.startswith("/") else KeyValue(name)
            call.deny(wanted, f"open {name}", decision.rule, quiet=name.startswith("quiet"))
        return opened


def hang(monkeypatch: pytest.MonkeyPatch) -> Doors:
    """Doors in every runtime of this test."""
    doors, module = Doors(), linker._module

    def found(name: str) -> Any:
        return doors.interfaces if name == _MODULE else module(name)

    monkeypatch.setattr(linker, "REGISTER", {**linker.REGISTER, NAME: _MODULE})
    monkeypatch.setattr(linker, "_module", found)
    return doors
