"""The section ``package-docs``: read from real binaries, put on a world, and damaged on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.component.docs import apply_package_docs, package_docs
from mcp_wasm.component.types import Enum, Field, Function, Param, Primitive, Record, World
from tests.component.wit_tools import run

HEADER = b"\0asm\x0d\0\x01\0"
U32 = Primitive("u32")
DOCS: dict[str, Any] = {
    "docs": "Package.",
    "worlds": {
        "other": {"docs": "Another."},
        "w": {"docs": "The world.", "func_exports": {"add": {"docs": "Adds.\n- `a`: the first"}}},
    },
    "interfaces": {
        "ops": {
            "funcs": {"area": {"docs": "The area."}},
            "types": {
                "point": {"docs": "A point.", "items": {"x": "how far"}},
                "colour": {"items": {"red": "warm"}},
            },
        }
    },
}


def leb(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + leb(rest) if rest else bytes([low])


def section(payload: bytes, name: bytes = b"package-docs") -> bytes:
    body = leb(len(name)) + name + payload
    return b"\0" + leb(len(body)) + body


def test_the_docs_of_a_package_written_by_wasm_tools_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.wit").write_text(
        "package a:b;\ninterface ops {\n  /// The area.\n  area: func();\n}\n"
        "world w {\n  /// Adds.\n  export add: func();\n}\n",
        encoding="utf-8",
    )
    out = tmp_path / "t.wasm"
    run("component", "wit", str(tmp_path / "t.wit"), "--wasm", "-o", str(out))
    assert package_docs(out.read_bytes()) == {
        "worlds": {"w": {"func_exports": {"add": {"docs": "Adds."}}}},
        "interfaces": {"ops": {"funcs": {"area": {"docs": "The area."}}}},
    }


@pytest.mark.parametrize("version", [b"\0", b"\1"])
def test_both_versions_of_the_section_are_read_wherever_it_stands(version: bytes) -> None:
    wanted = section(version + json.dumps(DOCS).encode())
    assert package_docs(HEADER + wanted) == DOCS
    assert package_docs(HEADER + section(b"x", b"name") + b"\x07\x03abc" + wanted + section(b"y")) == DOCS


def test_a_damaged_section_does_not_hide_a_good_one() -> None:
    good = section(b"\1" + json.dumps(DOCS).encode())
    assert package_docs(HEADER + section(b"\1{") + good) == DOCS


MALFORMED = [
    b"",
    b"\0asm",
    b"\0asm\x01\0\0\0" + section(b"\1{}"),
    HEADER,
    HEADER + b"\0",
    HEADER + b"\0\xff\xff\xff\xff\xff\x0f",
    HEADER + b"\0\xff\xff\xff\xff\x7f",
    HEADER + b"\0\x80\x80\x80\x80\x80",
    HEADER + b"\0\x05\xff\xff\xff\xff\x0fx",
    HEADER + b"\0\x0d\x0cpackage-docs",
    HEADER + section(b""),
    HEADER + section(b"\2{}"),
    HEADER + section(b"\1"),
    HEADER + section(b"\1[]"),
    HEADER + section(b"\1\xff\xfe"),
    HEADER + section(b"\1{\0"),
    HEADER + section(b"\1" + b"[" * 900_000),
    HEADER + section(b'\1{"a":' * 1) + b"\1",
    HEADER + section(b'\1{"n":' + b"9" * 900_000 + b"}"),
    HEADER + section(b"\1{}")[:-1],
    # All there but for what comes after the JSON: a cut file is no file.
    HEADER + b"\0" + leb(90) + leb(12) + b"package-docs" + b"\1{}",
    HEADER + section(b'\1{"docs":"' + b"x" * 2_000_000 + b'"}'),
]


@pytest.mark.parametrize("binary", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_malformed_has_no_docs(binary: bytes) -> None:
    assert package_docs(binary) is None


def test_of_millions_of_sections_the_first_are_walked() -> None:
    assert package_docs(HEADER + b"\x01\0" * 20_000_000) is None
    assert package_docs(HEADER + b"\x01\0" * 100_000 + section(b"\1{}")) is None
    assert package_docs(HEADER + section(b"\1{") * 20_000) is None


@given(st.binary(max_size=200))
def test_random_bytes_have_no_docs_and_raise_nothing(tail: bytes) -> None:
    package_docs(tail)
    package_docs(HEADER + tail)


@given(st.data())
def test_a_cut_or_changed_binary_raises_nothing(data: st.DataObject) -> None:
    binary = bytearray(HEADER + section(b"name", b"other") + section(b"\1" + json.dumps(DOCS).encode()))
    binary[data.draw(st.integers(0, len(binary) - 1))] = data.draw(st.integers(0, 255))
    found = package_docs(bytes(binary[: data.draw(st.integers(0, len(binary)))]))
    if found is not None:
        apply_package_docs(WORLD, found)


POINT = Record((Field("x", U32),), "point")
WORLD = World(
    (),
    (
        Function("", "add", (Param("a", U32),), U32),
        Function(
            "demo:t/ops@1.0.0", "area", (Param("p", POINT), Param("c", Enum(("red", "green"), "colour")))
        ),
        Function("demo:t/other@1.0.0", "area", (Param("p", POINT),)),
    ),
)


def test_docs_are_put_on_functions_and_named_types() -> None:
    world = apply_package_docs(WORLD, DOCS)
    assert world == WORLD
    assert world.docs == "The world."
    add, area, other = world.exports
    assert (add.docs, add.params[0].docs) == ("Adds.", "the first")
    assert area.docs == "The area."
    point, colour = (param.type for param in area.params)
    assert isinstance(point, Record)
    assert (point.docs, point.fields[0].docs) == ("A point.", "how far")
    assert isinstance(colour, Enum)
    assert colour.case_docs == ("warm", "")
    assert repr(other) == repr(WORLD.exports[2])


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"worlds": []},
        {"worlds": {"w": 1}, "interfaces": {"ops": []}},
        {"worlds": {"w": {"func_exports": {"add": {"docs": 5}}}}},
        {"interfaces": {"ops": {"funcs": {"area": "x"}, "types": {"point": {"items": ["x"]}}}}},
    ],
)
def test_docs_of_another_form_change_nothing(found: dict[str, Any]) -> None:
    assert repr(apply_package_docs(WORLD, found)) == repr(WORLD)
