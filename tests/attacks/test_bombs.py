"""Components that are small on disk: refused, or published at a cost that their size explains."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from mcp_wasm.errors import ComponentRefused
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import expansion
from mcp_wasm.sandbox.weight import is_light
from tests.attacks import bombs
from tests.attacks.guests import PROGRAMS, component
from tests.attacks.unguarded import unguarded

HONEST = PROGRAMS / "tiny.wat"


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    """A runtime that must still publish and call after the bomb."""
    with Runtime(home=home, workers=2) as made:
        yield made
        made.add(HONEST)
        assert made.call_sync("tiny_add", {"a": 20, "b": 22}).value == 42


def binary(text: str) -> bytes:
    return bytes(wat2wasm(text))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (component(""), 2),
        (bombs.multiplying(1, 5), 3 + 5),
        (bombs.multiplying(2, 10), 3 + 10 + 100),
        (bombs.by_alias(3), 3 + 2 + 4 + 8),
        (bombs.multiplying(60, 2), 2**61 + 1),
        (component("(component $a) (alias outer 0 $a (component $b)) (instance (instantiate $b))"), 3),
        (component('(component (import "i" (instance (export "f" (func)))))'), 2),
        (component('(component $c (import "f" (func $g)) (export "f" (func $g)))'), 2),
        (component('(import "t" (type $t (sub resource))) (import "m" (core module))'), 2),
    ],
)
def test_the_instances_that_a_component_makes_are_counted(text: str, made: int) -> None:
    assert expansion.instances(binary(text)) == made


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('(import "c" (component))', "imports a component"),
        ('(component (import "c" (component)))', "imports a component"),
        ('(component $c) (export "c" (component $c))', "exports a component"),
        (
            '(component $c) (instance $i (export "c" (component $c))) (alias export $i "c" (component))',
            "out of",
        ),
    ],
)
def test_components_that_are_passed_around_are_refused(
    runtime: Runtime, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "bomb.wat").write_text(component(text))
    with pytest.raises(ComponentRefused, match=says):
        runtime.add(tmp_path / "bomb.wat")


WIDE = bombs.multiplying(3, 900)


def test_a_component_of_many_instances_takes_the_memory_of_who_compiles_it(tmp_path: Path) -> None:
    (tmp_path / "bomb.wat").write_text(WIDE)
    assert len(binary(WIDE)) < 10_000
    ended = unguarded(tmp_path / "bomb.wat", "")
    assert ended.out_of_time or ended.out_of_memory, ended


@pytest.mark.parametrize(
    "text", [WIDE, bombs.multiplying(40, 2), bombs.by_alias(60)], ids=["wide", "deep", "alias"]
)
def test_a_component_of_many_instances_is_refused_before_it_is_compiled(
    runtime: Runtime, tmp_path: Path, text: str
) -> None:
    (tmp_path / "bomb.wat").write_text(text)
    with pytest.raises(ComponentRefused, match=r"make [\d,]+ instances; at most 100,000"):
        runtime.add(tmp_path / "bomb.wat")


@pytest.mark.parametrize(
    ("text", "light"),
    [
        (bombs.multiplying(9, 2), False),
        (bombs.multiplying(8, 2), True),
        (bombs.loops_over_locals(100, 100), True),
        (bombs.loops_over_locals(1000, 999), False),
        (bombs.wide_calls(10, 100), True),
        (bombs.wide_calls(900, 9000), False),
    ],
)
def test_what_takes_long_to_compile_is_not_compiled_in_the_server(text: str, light: bool) -> None:
    assert len(binary(text)) < 32 * 1024
    assert is_light(binary(text)) is light


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (bombs.nested(150), "nest more than 100 levels"),
        (bombs.nested(20_000), "nest more than 100 levels"),
        (binary(component("")) + b"\x0a\x05\xff\xff\xff\xff\x0f", "sections end early"),
        (binary(component("")) + b"\x05\x04\x01\x00\xff\x7f", "sections end early"),
        (binary(component("")) + b"\x06\x06\xff\xff\xff\xff\xff\xff", "number that is too long"),
        (binary(component("(core module)" * 1001)), "limit of 1000"),
        (binary(component("(core module $m)" + "(core instance (instantiate $m))" * 5000)), "exceeds limit"),
    ],
    ids=["nested", "deeply", "many imports", "no such component", "numbers", "modules", "instances"],
)
def test_a_binary_that_is_a_bomb_is_refused(
    runtime: Runtime, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "bomb.wasm").write_bytes(content)
    with pytest.raises(ComponentRefused, match=says):
        runtime.add(tmp_path / "bomb.wasm")


def deep_json(depth: int) -> bytes:
    return b"\x01" + b'{"worlds":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    "section",
    [
        (b"package-docs", deep_json(100_000)),
        (b"package-docs", b"\x01" + json.dumps({"docs": "x" * 5_000_000, "worlds": {}}).encode()),
        (b"package-docs", b"\x01" + b"[" * 1_000_000),
        (
            b"package-docs",
            b"\x01" + b'{"worlds":{"root":{"func_exports":{"f":{"docs":' + b"9" * 100_000 + b"}}}}}",
        ),
        (b"anything", b"\0" * 8 * 1024 * 1024),
        (b"n" * 90_000, b""),
    ],
    ids=["deep", "long", "unclosed", "a number", "8 MiB", "a long name"],
)
def test_a_custom_section_of_nonsense_does_no_harm(
    runtime: Runtime, tmp_path: Path, section: tuple[bytes, bytes]
) -> None:
    (tmp_path / "c.wasm").write_bytes(binary(component("")) + bombs.custom(*section))
    (tool,) = runtime.add(tmp_path / "c.wasm").tools
    assert len(tool.description) < 20_000
    assert runtime.call_sync("c_f", {}).value is None


DEEP_LIST = "list<" * 20_000 + "u8" + ">" * 20_000


@pytest.mark.parametrize(
    "wit",
    [
        lambda: f"package a:b; world w {{ export f: func(x: {DEEP_LIST}); }}",
        lambda: "package a:b; world w {" + "/* " * 50_000,
        lambda: (
            "package a:b; interface i {"
            + "".join(
                f"type t{n} = tuple<t{n - 1}, t{n - 1}>; " if n else "type t0 = u8; " for n in range(60)
            )
            + "} world w { export i; export f: func(); }"
        ),
        lambda: "x" * 5_000_000,
    ],
    ids=["nested types", "comments", "doubled types", "5 MB"],
)
def test_wit_beside_a_component_that_is_a_bomb_costs_that_component(
    runtime: Runtime, tmp_path: Path, wit: Callable[[], str]
) -> None:
    (tmp_path / "c.wat").write_text(component(""))
    (tmp_path / "c.wit").write_text(wit())
    try:
        runtime.add(tmp_path / "c.wat")
    except ComponentRefused as error:
        assert len(str(error)) < 2000  # noqa: PT017 - either end is well, none may hang or take the process
