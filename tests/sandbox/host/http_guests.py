"""The guest of ``fetch.wat`` and a runtime for it, as tests of ``wasi:http`` use them."""

from __future__ import annotations

import base64
import contextlib
import gc
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import Grant, Network
from mcp_wasm.component import types as wit
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.host import http_state
from mcp_wasm.sandbox.host.interface import signatures
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.network.client import Client
from mcp_wasm.sandbox.report import Report

PROGRAM = Path(__file__).parents[2] / "programs" / "fetch.wat"


def _codes() -> tuple[str, ...]:
    handled = signatures("wasi:http/outgoing-handler@0.2.12")["handle"].result
    assert isinstance(handled, wit.Result)
    assert isinstance(handled.err, wit.Variant)
    return tuple(case.name for case in handled.err.cases)


CODES = _codes()
"""The cases of ``error-code``, by number."""
_NAMES = {
    "headers": ("invalid-syntax", "forbidden", "immutable"),
    **dict.fromkeys(("finish", "handle", "answer"), CODES),
}
"""What the numbers of errors stand for, by the step that failed."""


@dataclass
class Got:
    """What ``fetch`` gave: an answer, or where it failed (``stage``) and the error's case (``code``)."""

    report: Report
    status: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()
    body: bytes = b""
    stage: str = ""
    code: str = ""

    def header(self, name: str) -> list[bytes]:
        """The values of a header."""
        return [value for each, value in self.headers if each.lower() == name.lower()]


class Guest:
    """``fetch.wat``, called under ``grants``."""

    def __init__(self, runtime: Runtime, grants: tuple[Grant, ...]) -> None:
        self.runtime, self.grants = runtime, grants

    def call(self, name: str, **arguments: Any) -> Any:
        """Call any function; its result and its report."""
        limits = arguments.pop("limits", None)
        done = self.runtime.call_sync(
            f"fetch_{name}", arguments, approved=self.grants, **({"limits": limits} if limits else {})
        )
        return done.value, done.report

    def fetch(  # noqa: PLR0917 - as a request is written
        self,
        authority: str,
        path: str = "/",
        method: str = "GET",
        headers: tuple[tuple[str, bytes], ...] = (),
        body: bytes | None = None,
        scheme: str = "http",
        first_byte: int = 0,
        **limits: float,
    ) -> Got:
        """Make one request."""
        value, report = self.call(
            "fetch",
            method=method,
            scheme=scheme,
            authority=authority,
            path=path,
            headers=[[name, base64.b64encode(value).decode()] for name, value in headers],
            body=None if body is None else base64.b64encode(body).decode(),
            **{"first-byte": first_byte},
            limits=limits,
        )
        if isinstance(value[0], str):
            stage, number = value
            names = _NAMES.get(stage, ("",))
            return Got(report, stage=stage, code=names[number])
        status, entries, content = value
        decoded = tuple((name, base64.b64decode(each)) for name, each in entries)
        return Got(report, status, decoded, base64.b64decode(content))


def grant(port: int, *methods: str, **more: Any) -> Network:
    """A grant of the loopback server at ``port``."""
    return Network(
        more.pop("hosts", ("127.0.0.1",)),
        more.pop("schemes", ("http",)),
        (port,),
        methods or ("GET",),
        **{"private": True, **more},
    )


def example(host: str = "example.com") -> Network:
    """A grant of a public host."""
    return Network((host,), ("http",), (), ("GET",))


@contextlib.contextmanager
def guest(
    home: Path,
    *grants: Grant,
    client: Client | None = None,
    monkeypatch: pytest.MonkeyPatch | None = None,
    limits: Limits | None = None,
) -> Iterator[Guest]:
    """The guest in a runtime of its own, whose network is ``client`` where one is given."""
    if client is not None:
        assert monkeypatch is not None
        monkeypatch.setattr(http_state, "network", lambda _services: client)
    with Runtime(home=home, limits=limits) as runtime:
        runtime.add(PROGRAM)
        yield Guest(runtime, grants)


@dataclass(frozen=True)
class Held:
    """What a process holds that a call must give back."""

    descriptors: int
    threads: frozenset[str]
    spools: frozenset[str]


def gives_back(before: Held) -> None:
    """Fail if the process does not come to hold what it held before; sockets and workers take a moment."""
    guard = time.monotonic() + 15
    while held() != before and time.monotonic() < guard:
        threading.Event().wait(0.002)
    assert held() == before


def held() -> Held:
    """What this process holds now."""
    gc.collect()  # what an earlier test left must not go while this one looks
    return Held(
        len(list(Path("/proc/self/fd").iterdir())),
        frozenset(thread.name for thread in threading.enumerate() if "mcp-wasm" in thread.name),
        frozenset(path.name for path in Path(tempfile.gettempdir()).glob(f"mcp-wasm-spool-{os.getpid()}-*")),
    )
