"""A world survives being written and read, and damaged data is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.component.encode import world_from_json, world_to_json
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
    Unsupported,
    Variant,
    World,
)
from tests.component.strategies import functions

POINT = Record(
    (Field("x", Primitive("u32"), "the x"), Field("y", Option(Primitive("f32")))), "point", "A point."
)
EVERYTHING = World(
    (
        Import("wasi:http/types@0.2.3", "interface", (Function("wasi:http/types@0.2.3", "f", ()),)),
        Import("log", "function"),
        Import("m", "module"),
    ),
    (
        Function(
            "demo:t/ops@1.0.0",
            "all",
            (
                Param("p", POINT, "where"),
                Param("l", List(POINT, "points", "Points.")),
                Param("t", Tuple((POINT, Primitive("char")), "pair", "A pair.")),
                Param("v", Variant((Case("a"), Case("b", POINT, "the b")), "v", "V.")),
                Param("e", Enum(("red", "green"), "colour", "Colours.", ("warm", ""))),
                Param("f", Flags(("r", "w"), "perms", "Perms.", ("look", "change"))),
                Param("o", Option(Option(POINT), "maybe", "Maybe.")),
                Param("h", Handle(owned=True, name="file")),
                Param("s", Unsupported("stream")),
            ),
            Result(None, Primitive("string"), "outcome", "What came of it."),
            "Does it all.",
        ),
        Function("", "none", ()),
    ),
    "A world.",
)


def written(world: World) -> Any:
    return json.loads(json.dumps(world_to_json(world)))


def same(one: object, other: object) -> bool:
    """Equal with names and docs, which take no part in the equality of types."""
    return one == other and repr(one) == repr(other)


def test_a_world_comes_back_with_names_and_docs() -> None:
    assert same(world_from_json(written(EVERYTHING)), EVERYTHING)


@given(st.lists(functions(), max_size=4))
def test_any_world_comes_back(exports: list[Function]) -> None:
    world = World((), tuple(exports))
    assert same(world_from_json(written(world)), world)


def test_types_that_share_parts_stay_small() -> None:
    type_: Type = POINT
    for _ in range(60):
        type_ = Tuple((type_, type_))
    data = written(World((), (Function("", "f", (Param("x", type_),)),)))
    assert len(json.dumps(data)) < 5000
    assert written(world_from_json(data)) == data


def test_a_type_deeper_than_any_binary_has_is_refused() -> None:
    type_: Type = POINT
    for _ in range(300):
        type_ = List(type_)
    with pytest.raises(ValueError, match="200 levels"):
        world_to_json(World((), (Function("", "f", (), type_),)))


DAMAGED: list[tuple[str, Any]] = [
    ("no object", []),
    ("nothing", None),
    ("empty", {}),
    ("another version", written(EVERYTHING) | {"version": 2}),
    ("a version that only equals", written(EVERYTHING) | {"version": True}),
    ("a key too many", written(EVERYTHING) | {"more": 1}),
    ("types of another form", written(EVERYTHING) | {"types": {}}),
    ("an unknown type", written(EVERYTHING) | {"types": [["map", "", ""]]}),
    ("an unknown primitive", written(EVERYTHING) | {"types": [["primitive", "u128"]]}),
    ("a type of itself", written(World((), ())) | {"types": [["list", "", "", 0]]}),
    ("a type from the end", written(World((), ())) | {"types": [["primitive", "u8"], ["list", "", "", -1]]}),
    ("an unknown kind of import", written(World((), ())) | {"imports": [["x", "y", []]]}),
    ("a kind of import that no set takes", written(World((), ())) | {"imports": [["x", [], []]]}),
    ("docs that are no text", written(World((), ())) | {"docs": 1}),
    ("a lone surrogate", written(World((), ())) | {"docs": "\ud800"}),
    ("a short function", written(World((), ())) | {"exports": [["", "f"]]}),
]


@pytest.mark.parametrize("data", [data for _, data in DAMAGED], ids=[name for name, _ in DAMAGED])
def test_damaged_data_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        world_from_json(data)


def parts(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(path for key, value in inner for path in parts(value, (*at, key)))]


WHOLE = written(EVERYTHING)


@given(st.sampled_from(parts(WHOLE)[1:]), st.sampled_from([None, -1, 10**6, "x", [], {}, [[]], 1.5, True]))
def test_one_damaged_part_is_refused_or_gives_a_world(path: tuple[Any, ...], value: Any) -> None:
    data = json.loads(json.dumps(WHOLE))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        world = world_from_json(data)
    except ValueError:
        return
    assert same(world_from_json(written(world)), world)
