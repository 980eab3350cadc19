"""Names and docs of WIT on the world of a binary, with the real wasm-tools."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.component import docs
from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    Flags,
    Function,
    Handle,
    Import,
    List,
    Option,
    Param,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    World,
)
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.inspect import inspect
from tests.component.wit_tools import printed, run

WIT = """
/// Package.
package demo:t@1.0.0;

/// Operations.
interface ops {
  /// A point.
  record point {
    /// how far right
    x: u32,
    y: option<f32>,
  }
  type spot = point;
  /// A shape.
  variant shape {
    /// just a dot
    dot,
    circle(point),
  }
  /// A colour.
  enum colour {
    /// warm
    red,
    green,
  }
  flags perms {
    /// may look
    read,
    write,
  }
  resource counter { next: func() -> u32; }
  /// The area.
  ///
  /// - `s`: of what
  /// - `max-size`: at most
  area: func(s: shape, max-size: u32, c: colour, p: perms, q: spot, l: list<point>)
    -> result<tuple<u32, point>, string>;
}
interface other { use ops.{point}; %list: func(p: point) -> result; }
interface wish { f: func(n: u32); }
world small {
  export add: func(a: s32, b: s32) -> s32;
}
/// The world.
world w {
  import wish;
  export ops;
  export other;
  export inline: interface {
    /// Inside.
    f: func();
  }
  /// Adds two.
  /// @param a the first
  export add: func(a: s32, b: s32) -> s32;
}
"""
U32, S32 = Primitive("u32"), Primitive("s32")
OPS = "demo:t/ops@1.0.0"


def point() -> Type:
    return Record((Field("x", U32), Field("y", Option(Primitive("f32")))))


def binary_world() -> World:
    """The world ``w`` as an engine reads it: no names, no docs, nothing shared."""
    shape = Variant((Case("dot"), Case("circle", point())))
    area = Function(
        OPS,
        "area",
        (
            Param("s", shape),
            Param("max-size", U32),
            Param("c", Enum(("red", "green"))),
            Param("p", Flags(("read", "write"))),
            Param("q", point()),
            Param("l", List(point())),
        ),
        Result(Tuple((U32, point())), Primitive("string")),
    )
    return World(
        (
            Import(
                "demo:t/wish@1.0.0", "interface", (Function("demo:t/wish@1.0.0", "f", (Param("n", U32),)),)
            ),
        ),
        (
            area,
            Function(OPS, "[method]counter.next", (Param("self", Handle(owned=False)),), U32),
            Function("demo:t/other@1.0.0", "list", (Param("p", point()),), Result()),
            Function("inline", "f", ()),
            Function("", "add", (Param("a", S32), Param("b", S32)), S32),
        ),
    )


@pytest.fixture
def wit(tmp_path: Path) -> Path:
    path = tmp_path / "t.wit"
    path.write_text(WIT, encoding="utf-8")
    return path


@pytest.fixture
def resolve(wit: Path) -> dict[str, Any]:
    return printed(wit)


def exports(world: World) -> dict[str, Function]:
    return {function.path: function for function in world.exports}


def test_names_and_docs_of_wit_are_put_on_the_binarys_types(resolve: dict[str, Any]) -> None:
    world = docs.apply(binary_world(), resolve)
    assert world == binary_world()
    assert world.docs == "The world."
    area = exports(world)[f"{OPS}#area"]
    assert area.docs == "The area."
    assert [param.docs for param in area.params] == ["of what", "at most", "", "", "", ""]
    shape, _, colour, perms, spot, points = (param.type for param in area.params)
    assert isinstance(shape, Variant)
    assert (shape.name, shape.docs) == ("shape", "A shape.")
    assert [case.docs for case in shape.cases] == ["just a dot", ""]
    circle = shape.cases[1].type
    assert isinstance(circle, Record)
    assert (circle.name, circle.docs, circle.fields[0].docs) == ("point", "A point.", "how far right")
    assert isinstance(colour, Enum)
    assert (colour.name, colour.docs, colour.case_docs) == ("colour", "A colour.", ("warm", ""))
    assert isinstance(perms, Flags)
    assert (perms.name, perms.flag_docs) == ("perms", ("may look", ""))
    assert isinstance(spot, Record)
    assert (spot.name, spot.docs) == ("spot", "A point.")
    assert isinstance(points, List)
    assert isinstance(points.element, Record)
    assert points.element.name == "point"
    assert isinstance(area.result, Result)
    assert isinstance(area.result.ok, Tuple)
    assert isinstance(area.result.ok.elements[1], Record)
    assert area.result.ok.elements[1].docs == "A point."


def test_world_functions_inline_interfaces_and_handles_are_found(resolve: dict[str, Any]) -> None:
    found = exports(docs.apply(binary_world(), resolve))
    assert (found["add"].docs, found["add"].params[0].docs) == ("Adds two.", "the first")
    assert found["inline#f"].docs == "Inside."
    handle = found[f"{OPS}#[method]counter.next"].params[0].type
    assert isinstance(handle, Handle)
    assert handle.name == "counter"
    used = found["demo:t/other@1.0.0#list"].params[0].type
    assert isinstance(used, Record)
    assert used.name == "point"


def test_a_world_can_be_chosen_by_name(resolve: dict[str, Any]) -> None:
    for name in ("small", "demo:t/small", "demo:t@1.0.0/small"):
        assert exports(docs.apply(binary_world(), resolve, name=name))["add"].docs == ""
    assert exports(docs.apply(binary_world(), resolve, name="w"))["add"].docs == "Adds two."
    assert repr(docs.apply(binary_world(), resolve, name="none")) == repr(binary_world())


def test_wit_of_another_version_of_the_package_serves(wit: Path) -> None:
    wit.write_text(WIT.replace("demo:t@1.0.0", "demo:t@1.0.1"), encoding="utf-8")
    assert exports(docs.apply(binary_world(), printed(wit)))[f"{OPS}#area"].docs == "The area."


def test_where_wit_and_binary_differ_the_binary_is_right(wit: Path) -> None:
    wit.write_text(
        WIT.replace("x: u32,", "z: u32,").replace("enum colour {", "enum colour { blue,"), encoding="utf-8"
    )
    world = docs.apply(binary_world(), printed(wit))
    assert world == binary_world()
    area = exports(world)[f"{OPS}#area"]
    assert area.docs == "The area."
    assert repr(area.params[2].type) == repr(Enum(("red", "green")))
    assert repr(area.params[4].type) == repr(point())


def test_a_component_built_from_wit_and_its_wit_tell_the_same(wit: Path, tmp_path: Path) -> None:
    core, binary = tmp_path / "core.wasm", tmp_path / "t.wasm"
    run("component", "embed", str(wit), "--world", "w", "--dummy", "-o", str(core))
    run("component", "new", str(core), "-o", str(binary))
    children = Children()
    seen = inspect(binary.read_bytes(), "t.wasm", children)
    children.close()
    assert {f.path for f in seen.world.exports} == {f.path for f in binary_world().exports}
    assert seen.resolve is not None
    own = docs.apply(seen.world, seen.resolve)
    area = exports(own)[f"{OPS}#area"]
    assert isinstance(area.params[0].type, Variant)
    assert (area.params[0].type.name, area.docs) == ("shape", "")
    beside = exports(docs.apply(own, printed(wit)))[f"{OPS}#area"]
    assert isinstance(beside.params[0].type, Variant)
    assert (beside.params[0].type.docs, beside.docs) == ("A shape.", "The area.")


def test_types_that_refer_to_each_other_in_circles_end(resolve: dict[str, Any]) -> None:
    for index, entry in enumerate(resolve["types"]):
        entry["kind"] = {"type": (index + 1) % len(resolve["types"])}
    assert docs.apply(binary_world(), resolve) == binary_world()


def test_types_that_share_parts_are_walked_once(resolve: dict[str, Any]) -> None:
    shared: Type = U32
    types: list[dict[str, Any]] = []
    for index in range(60):
        shared = Tuple((shared, shared))
        part: object = index - 1 if index else "u32"
        types.append({"name": f"t{index}", "kind": {"tuple": {"types": [part, part]}}})
    resolve["types"] = types
    add = resolve["worlds"][1]["exports"]["add"]["function"]
    add["params"], add["result"] = [{"name": "a", "type": 59}], None
    world = World((), (Function("", "add", (Param("a", shared),)),))
    (found,) = docs.apply(world, resolve, name="w").exports
    named = found.params[0].type
    assert isinstance(named, Tuple)
    assert named.name == "t59"
    assert named.elements[0] is named.elements[1]


_JSON = st.recursive(
    st.none() | st.integers(-2, 30) | st.sampled_from(["", "u32", "add", "ops", "point"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "kind", "type", "types", "record", "fields", "docs", "id", "interface"]),
            inner,
        )
    ),
    max_leaves=6,
)


@given(st.data())
def test_a_damaged_resolve_changes_nothing_but_names_and_docs(data: st.DataObject) -> None:
    resolve = json.loads(_RESOLVE)
    place: Any = resolve
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, Mapping) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 4)) == 0:
            place[key] = data.draw(_JSON)
            break
        place = place[key]
    assert docs.apply(binary_world(), resolve) == binary_world()


def _resolved() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.wit"
        path.write_text(WIT, encoding="utf-8")
        return json.dumps(printed(path))


_RESOLVE = _resolved()
