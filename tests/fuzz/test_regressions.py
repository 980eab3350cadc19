"""What random input once found, each as a plain case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.component.types import List, Primitive, Tuple
from mcp_wasm.errors import ComponentRefused, InvalidArguments
from mcp_wasm.runtime import Runtime
from tests.echo import arguments, echo

GUEST = """
  (core module $m (func (export "same") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))"""
TYPES_ALONE = f"""(component
  (import "demo:p/types@1.0.0" (instance $types
    (type $point (record (field "x" u32)))
    (export "point" (type (eq $point)))))
  (import "demo:p/empty" (instance))
  (alias export $types "point" (type $point))
  {GUEST}
  (func (export "same") (param "p" $point) (result u32) (canon lift (core func $i "same"))))"""
A_RESOURCE = f"""(component
  (import "demo:p/types@1.0.0" (instance $types (export "thing" (type (sub resource)))))
  {GUEST}
  (func (export "same") (param "x" u32) (result u32) (canon lift (core func $i "same"))))"""
STATIC = f"""(component
  {GUEST}
  (type $counter' (resource (rep i32)))
  (export $counter "counter" (type $counter'))
  (func (export "[static]counter.same") (param "x" u32) (result u32) (canon lift (core func $i "same"))))"""


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    with Runtime(home=home) as made:
        yield made


def add(runtime: Runtime, folder: Path, text: str) -> None:
    (folder / "c.wat").write_text(text)
    runtime.add(folder / "c.wat")


def test_an_imported_interface_of_types_alone_needs_nothing(runtime: Runtime, tmp_path: Path) -> None:
    # What every toolchain emits for an exported interface that uses the types of another one.
    add(runtime, tmp_path, TYPES_ALONE)
    assert runtime.call_sync("c_same", {"p": {"x": 7}}).value == 7
    assert runtime.component("c").needs == ()
    assert runtime.tool("c_same").read_only


def test_an_imported_interface_with_a_resource_is_refused_by_name(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(ComponentRefused, match=r"demo:p/types@1\.0\.0, which this host does not provide"):
        add(runtime, tmp_path, A_RESOURCE)


def test_a_static_function_of_a_resource_is_a_tool_like_others(runtime: Runtime, tmp_path: Path) -> None:
    add(runtime, tmp_path, STATIC)
    (tool,) = runtime.tools
    assert runtime.call_sync(tool.name, {"x": 7}).value == 7


@pytest.mark.parametrize("encoding", ["utf8", "utf16", "latin1+utf16"])
def test_text_comes_back_whatever_encoding_the_guest_keeps_it_in(
    runtime: Runtime, tmp_path: Path, encoding: str
) -> None:
    made = echo([Tuple((Primitive("string"), List(Primitive("string")), Primitive("char")))])
    add(runtime, tmp_path, made.replace('guest "same")', f'guest "same") string-encoding={encoding}'))
    for value in (
        ["", [], "a"],
        ["é\0", ["\u0100", "x" * 5000], "\U0010ffff"],
        ["\U0001f600ÿ", ["ÿ"] * 9, "ÿ"],
    ):
        result: Any = runtime.call_sync("c_echo_0", arguments(value)).value
        assert result[0] == value


@pytest.mark.parametrize("text", ["AAAA=", "AAAA==", "AAAA====", "AA=A", "QQ==QQ==", "QQ=", "QQ==\n", "-_-_"])
def test_base64_is_taken_as_the_schema_says(runtime: Runtime, tmp_path: Path, text: str) -> None:
    add(runtime, tmp_path, echo([List(Primitive("u8"))]))
    with pytest.raises(InvalidArguments):
        runtime.call_sync("c_echo_0", arguments(text))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("u64", "-0"),
        ("s64", "00000000000000000005"),
        ("f32", float("inf")),
        ("f64", float("-inf")),
        ("f64", float("nan")),
        ("f32", 3.4028235677973366e38),
    ],
)
def test_what_check_refuses_is_not_lowered(runtime: Runtime, tmp_path: Path, name: Any, value: Any) -> None:
    add(runtime, tmp_path, echo([Primitive(name), List(Primitive(name))]))
    for index, given in enumerate((value, [value, value])):
        with pytest.raises(InvalidArguments):
            runtime.call_sync(f"c_echo_{index}", arguments(given))
