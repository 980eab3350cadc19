from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.component.signature import written
from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    Flags,
    Handle,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Unsupported,
    Variant,
)
from tests.cli.conftest import Command

WANTS_NETWORK = """(component
  (import "wasi:http/types@0.2.3" (instance (export "f" (func))))
  (core module $m (func (export "f") (loop $l (br $l))))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))"""

USES_CLOCK = """(component
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))
  (type $t u64)
  (import "stamp" (type (eq $t)))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))"""

STREAMS = """(component
  (type $s (stream u8))
  (core module $m (func (export "f") (param i32)) (func (export "g")))
  (core instance $i (instantiate $m))
  (func (export "f") (param "s" $s) (canon lift (core func $i "f")))
  (func (export "g") (canon lift (core func $i "g"))))"""


def test_tools_are_shown_with_their_signatures(command: Command, program: Callable[[str], Path]) -> None:
    ran = command("inspect", program("tiny"))
    assert ran.code == 0
    assert "component tiny" in ran.out
    assert "add: func(a: s32, b: s32) -> s32" in ran.out
    assert 'takes {"type":"object","properties":{"a":{"type":"integer"' in ran.out
    assert 'gives {"type":"object","properties":{"result":{"type":"integer"' in ran.out
    assert "it needs nothing that must be granted" in ran.out


def test_base_imports_are_summed_up_and_types_alone_left_out(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "clock.wat"
    path.write_text(USES_CLOCK, encoding="utf-8")
    out = command("inspect", path).out
    assert ", as every program may: wasi:clocks/monotonic-clock@0.2.0\n" in out
    assert "it needs nothing that must be granted" in out


def test_the_document_has_everything(command: Command, program: Callable[[str], Path]) -> None:
    document = json.loads(command("inspect", program("tiny"), "--json", "--name", "My Tool").out)
    assert document["component"] == "my_tool"
    assert document["tools"][0]["name"] == "my_tool_add"
    assert document["tools"][0]["inputSchema"]["type"] == "object"
    assert (document["imports"], document["refused"]) == ([], None)
    assert len(document["digest"]) == 64


def test_the_world_is_printed_as_wit(command: Command, program: Callable[[str], Path]) -> None:
    out = command("inspect", program("tiny"), "--wit").out
    assert "export add: func(a: s32, b: s32) -> s32;" in out


def test_an_import_that_is_not_provided_is_named_with_its_capability(
    command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "wants.wat"
    path.write_text(WANTS_NETWORK, encoding="utf-8")
    ran = command("inspect", path)
    assert ran.code == 2
    assert "wasi:http/types@0.2.3: network, it wants to make requests over the network" in ran.out
    assert "does not provide" in ran.err
    document = json.loads(command("inspect", path, "--json").out)
    assert document["imports"][0]["capability"] == "network"
    assert "wasi:http" in document["refused"]["reason"]


NO_COMPONENT = [
    (b"\0asm\1\0\0\0", "core module"),
    (b"", "not WebAssembly"),
    (b"#!/bin/sh", "not WebAssembly"),
    (b"\0asm\x0d\0\1\0\xff\xff\xff", "damaged"),
    (None, "no such file|cannot be read"),
]


@pytest.mark.parametrize(("content", "reason"), NO_COMPONENT, ids=[r for _, r in NO_COMPONENT])
def test_what_is_no_component_is_refused_with_the_reason(
    command: Command, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "x.wasm"
    if content is not None:
        path.write_bytes(content)
    ran = command("inspect", path)
    assert ran.code == 2
    assert any(each in ran.err for each in reason.split("|"))
    assert "Traceback" not in ran.err


def test_a_component_with_streams_is_refused_and_ends_no_process(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "streams.wat"
    path.write_text(STREAMS, encoding="utf-8")
    ran = command("inspect", path)
    assert ran.code == 2
    assert "stream" in ran.err


TEXT = Primitive("string")
TYPES: list[tuple[Type | None, str]] = [
    (None, "_"),
    (TEXT, "string"),
    (List(Primitive("u8")), "list<u8>"),
    (Option(List(TEXT)), "option<list<string>>"),
    (Tuple((TEXT, Primitive("u8"))), "tuple<string, u8>"),
    (Result(), "result"),
    (Result(TEXT), "result<string>"),
    (Result(None, TEXT), "result<_, string>"),
    (Result(TEXT, TEXT), "result<string, string>"),
    (Record((Field("a", TEXT),)), "record { a: string }"),
    (Record((Field("a", TEXT),), name="point"), "point"),
    (Variant((Case("none"), Case("some", TEXT))), "variant { none, some(string) }"),
    (Enum(("a", "b")), "enum { a, b }"),
    (Flags(("a", "b")), "flags { a, b }"),
    (Handle(owned=True, name="db"), "own<db>"),
    (Handle(owned=False), "borrow<?>"),
    (Unsupported("stream"), "stream"),
]


@pytest.mark.parametrize(("type_", "text"), TYPES, ids=[text for _, text in TYPES])
def test_a_type_is_written_as_wit_writes_it(type_: Type | None, text: str) -> None:
    assert written(type_) == text
