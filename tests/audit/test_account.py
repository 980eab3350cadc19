"""What the log has of real calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_wasm.audit.file import CURRENT
from mcp_wasm.audit.reading import read
from mcp_wasm.audit.record import Record
from mcp_wasm.audit.sink import AuditOptions, folder_of
from mcp_wasm.capability.grant import Denial
from mcp_wasm.errors import (
    Busy,
    CapabilityDenied,
    GuestError,
    HostFault,
    InvalidArguments,
    McpWasmError,
    MemoryLimitExceeded,
    Trap,
    UnknownTool,
)
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.account import Caller, ended
from mcp_wasm.sandbox.redact import Redactor

Program = Callable[[str], Path]


@pytest.fixture
def runtime(home: Path, program: Program) -> Iterator[Runtime]:
    with Runtime(home=home, workers=2, audit=AuditOptions()) as running:
        running.add(program("tiny"), name="tiny")
        yield running


def calls(runtime: Runtime) -> list[Record]:
    """The records of calls; ends the runtime, so that all are there."""
    runtime.close()
    return [record for record in read(folder_of(runtime.home)) if record.event == "call"]


def test_a_call_is_written_with_what_it_was_and_cost(runtime: Runtime) -> None:
    tool = runtime.tool("tiny_add")
    runtime.call_sync("tiny_add", {"a": 1, "b": 2}, by=Caller("somebody", "cli"))
    (record,) = calls(runtime)
    assert (record.tool, record.component, record.digest) == ("tiny_add", "tiny", tool.digest)
    assert (record.client, record.transport, record.outcome) == ("somebody", "cli", "ok")
    assert record.fuel > 0
    assert record.ms > 0
    assert record.bytes == 1
    assert record.arguments is not None
    assert record.arguments.sha256 == hashlib.sha256(b'{"a":1,"b":2}').hexdigest()
    assert (record.arguments.bytes, record.arguments.text) == (13, "")


@pytest.mark.anyio
async def test_the_same_from_an_event_loop_and_of_heavy_arguments(runtime: Runtime) -> None:
    await runtime.call("tiny_add", {"a": 1, "b": 2})
    with pytest.raises(InvalidArguments):
        await runtime.call("tiny_add", {"a": "x" * 100_000, "b": 2})
    light, heavy = calls(runtime)
    assert (light.outcome, light.client, light.transport) == ("ok", "local", "library")
    assert heavy.outcome == "refused arguments"
    assert heavy.arguments is not None
    assert heavy.arguments.bytes == 100_014


@pytest.mark.anyio
async def test_a_call_that_is_given_up_is_cancelled(runtime: Runtime) -> None:
    with anyio.move_on_after(0.2):
        await runtime.call("tiny_spin", {})
    (record,) = calls(runtime)
    assert record.outcome == "cancelled"


FAILURES: list[tuple[str, dict[str, Any], dict[str, object] | None, str]] = [
    ("tiny_divide", {"a": 1, "b": 0}, None, "trap"),
    ("tiny_crash", {}, None, "trap"),
    ("tiny_spin", {}, {"fuel": 1000}, "limit:fuel"),
    ("tiny_add", {"a": 1}, None, "refused arguments"),
]


@pytest.mark.parametrize(("name", "arguments", "limits", "outcome"), FAILURES)
def test_how_a_call_failed_is_written(
    runtime: Runtime, name: str, arguments: dict[str, Any], limits: dict[str, object] | None, outcome: str
) -> None:
    with pytest.raises((GuestError, InvalidArguments)):
        runtime.call_sync(name, arguments, limits=limits)
    (record,) = calls(runtime)
    assert (record.tool, record.outcome) == (name, outcome)


def test_an_error_that_the_function_returned_is_the_tools_own(home: Path, program: Program) -> None:
    with Runtime(home=home, workers=1, audit=AuditOptions()) as running:
        running.add(program("server_tools"), name="demo")
        assert running.call_sync("demo_find", {"name": ""}).failed
        (record,) = calls(running)
    assert record.outcome == "tool error"


FAULT = HostFault("the cause is in the log only")
ERRORS: list[tuple[BaseException, str]] = [
    (MemoryLimitExceeded(1), "limit:memory"),
    (Trap("unreachable"), "trap"),
    (CapabilityDenied([Denial("network", "GET x", "no grant", "c", "d")]), "denied"),
    (UnknownTool("x"), "unknown tool"),
    (Busy("This server", 5), "busy"),
    (FAULT, f"fault:{FAULT.id}"),
    (KeyboardInterrupt(), "cancelled"),
    (ZeroDivisionError("secret"), "fault"),
    (McpWasmError("x"), "fault"),
]


@pytest.mark.parametrize(("error", "outcome"), ERRORS, ids=lambda value: str(type(value).__name__))
def test_every_end_has_a_word_and_none_its_message(error: BaseException, outcome: str) -> None:
    word, detail = ended(error)
    assert word == outcome
    assert "secret" not in detail
    assert "cause" not in detail


def test_loads_and_removals_are_written_with_the_digest(runtime: Runtime, program: Program) -> None:
    digest = runtime.remove("tiny").digest
    runtime.close()
    found = list(read(folder_of(runtime.home)))
    assert [(each.event, each.component, each.digest) for each in found] == [
        ("load", "tiny", digest),
        ("remove", "tiny", digest),
    ]


def test_a_library_writes_nothing_unless_asked(home: Path, program: Program) -> None:
    with Runtime(home=home, workers=1) as running:
        running.add(program("tiny"), name="tiny")
        running.call_sync("tiny_add", {"a": 1, "b": 2})
    assert not folder_of(home).exists()


def test_arguments_are_kept_where_a_person_asks_and_secrets_never(home: Path, program: Program) -> None:
    with Runtime(home=home, workers=1, audit=AuditOptions(arguments=200)) as running:
        running.add(program("server_tools"), name="demo")
        running.services.shared(Redactor).add("key", "hunter2hunter2")
        running.call_sync("demo_repeat", {"text": "my hunter2hunter2", "times": 1})
    text = (folder_of(home) / CURRENT).read_text(encoding="ascii")
    assert "hunter2" not in text
    (call,) = (json.loads(line) for line in text.splitlines() if '"call"' in line)
    assert call["arguments"]["text"] == '{"text":"my [secret key]","times":1}'


def test_a_home_that_cannot_be_written_is_told_before_anything_runs(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "audit").write_text("a file", encoding="utf-8")
    with pytest.raises(OSError, match="audit"):
        Runtime(home=home, audit=AuditOptions())
