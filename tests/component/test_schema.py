"""The schema of each type, the forms that clients insist on, and the bounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_wasm.component import schema
from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    Flags,
    Function,
    Handle,
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
)
from tests.component.strategies import PRIMITIVES, functions, normal, types, valid

U8, U64, S64, F32, TEXT = (Primitive(n) for n in ("u8", "u64", "s64", "f32", "string"))
BYTE = {"type": "integer", "minimum": 0, "maximum": 255}
NULL = {"type": "null"}
NUMBER = {"anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]}


def closed(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def tag(name: str) -> dict[str, Any]:
    return {"type": "string", "const": name}


def takes(type_: Type) -> dict[str, Any]:
    return schema.input_schema(Function("", "f", (Param("x", type_),)))


def gives(type_: Type | None) -> dict[str, Any]:
    return schema.output_schema(Function("", "f", (), type_))


def tower(height: int, part: Type = U8) -> Type:
    """A tuple of two equal tuples, ``height`` levels deep: few objects, an exponentially large tree."""
    for _ in range(height):
        part = Tuple((part, part))
    return part


SAME_BOTH_WAYS: list[tuple[Type, dict[str, Any]]] = [
    (Primitive("bool"), {"type": "boolean"}),
    (U8, BYTE),
    (Primitive("s32"), {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}),
    (F32, NUMBER),
    (Primitive("f64"), NUMBER),
    (Primitive("char"), {"type": "string", "minLength": 1, "maxLength": 1}),
    (TEXT, {"type": "string"}),
    (List(TEXT), {"type": "array", "items": {"type": "string"}}),
    (
        Tuple((U8, TEXT, U8)),
        {
            "type": "array",
            "prefixItems": [BYTE, {"type": "string"}, BYTE],
            "items": {"anyOf": [BYTE, {"type": "string"}]},
            "minItems": 3,
            "maxItems": 3,
        },
    ),
    (Tuple(()), {"type": "array", "items": NULL, "minItems": 0, "maxItems": 0}),
    (Enum(("red", "green")), {"type": "string", "enum": ["red", "green"]}),
    (
        Flags(("read", "write")),
        {"type": "array", "items": {"type": "string", "enum": ["read", "write"]}, "uniqueItems": True},
    ),
    (
        Variant((Case("dot"), Case("circle", U8))),
        {"anyOf": [closed(tag=tag("dot")), closed(tag=tag("circle"), val=BYTE)]},
    ),
    (Result(U8, TEXT), {"anyOf": [closed(ok=BYTE), closed(err={"type": "string"})]}),
    (Result(), {"anyOf": [closed(ok=NULL), closed(err=NULL)]}),
    (Option(U8), {"anyOf": [BYTE, NULL]}),
    (Option(F32), {"anyOf": [*NUMBER["anyOf"], NULL]}),
    (Option(Option(U8)), {"anyOf": [closed(some={"anyOf": [BYTE, NULL]}), NULL]}),
]


@pytest.mark.parametrize(("type_", "expected"), SAME_BOTH_WAYS, ids=lambda x: type(x).__name__)
def test_a_type_has_its_form_in_both_directions(type_: Type, expected: dict[str, Any]) -> None:
    assert takes(type_)["properties"]["x"] == expected
    # In a field, since of a function's own result only the ok side is described.
    assert gives(Record((Field("v", type_),)))["properties"]["result"] == closed(v=expected)


def test_a_64_bit_integer_is_taken_as_decimal_text_too() -> None:
    assert takes(U64)["properties"]["x"]["anyOf"] == [
        {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
        {"type": "string", "pattern": "^[0-9]{1,20}$"},
    ]
    assert takes(S64)["properties"]["x"]["anyOf"][1]["pattern"] == "^-?[0-9]{1,19}$"


@pytest.mark.parametrize(("type_", "low"), [(U64, 0), (S64, 1 - 2**53)])
def test_a_64_bit_result_says_when_it_is_text(type_: Type, low: int) -> None:
    form = gives(type_)["properties"]["result"]
    assert form["anyOf"][0] == {"type": "integer", "minimum": low, "maximum": 2**53 - 1}
    assert form["anyOf"][1]["type"] == "string"
    assert "2^53" in form["description"]


def test_pairs_that_begin_with_a_string_are_taken_as_an_object_too_and_given_as_pairs() -> None:
    pairs = List(Tuple((TEXT, U8)))
    taken = takes(pairs)["properties"]["x"]
    given = gives(pairs)["properties"]["result"]
    assert taken["anyOf"] == [{"type": "object", "additionalProperties": BYTE}, given]
    assert (given["type"], given["items"]["prefixItems"]) == ("array", [{"type": "string"}, BYTE])
    assert '[["key", value], …]' in taken["description"]
    assert takes(Option(pairs))["properties"]["x"]["anyOf"] == [*taken["anyOf"], NULL]


def test_bytes_are_taken_as_base64_or_as_an_array_and_given_as_base64() -> None:
    text, array = takes(List(U8))["properties"]["x"]["anyOf"]
    assert (text["type"], text["contentEncoding"]) == ("string", "base64")
    assert array == {"type": "array", "items": BYTE}
    form = gives(List(U8))["properties"]["result"]
    assert (form["type"], form["contentEncoding"]) == ("string", "base64")


def test_optional_fields_and_parameters_may_be_left_out_but_are_always_returned() -> None:
    record = Record((Field("a", U8), Field("b-c", Option(U8))))
    maybe = {"anyOf": [BYTE, NULL]}
    assert takes(record)["properties"]["x"] == closed(["a"], **{"a": BYTE, "b-c": maybe})
    assert gives(record)["properties"]["result"] == closed(["a", "b-c"], **{"a": BYTE, "b-c": maybe})
    assert takes(Option(U8))["required"] == []


def test_of_a_function_that_returns_a_result_only_the_ok_side_is_described() -> None:
    assert gives(Result(U8, TEXT)) == closed(result=BYTE)
    assert gives(Result(None, TEXT)) == closed(result=NULL)
    assert gives(None) == closed(result=NULL)


def test_docs_become_descriptions_where_they_belong() -> None:
    point = Record((Field("x", U8, "how far"),), "point", "A point.")
    colour = Enum(("red", "green"), "colour", "A colour.", ("as blood", ""))
    perms = Flags(("read", "write"), "perms", "", ("may look", "may change"))
    shape = Variant((Case("dot", None, "just a dot"), Case("at", point)), "shape")
    function = Function(
        "",
        "f",
        (Param("p", point, "where"), Param("c", colour), Param("m", perms), Param("s", shape)),
    )
    properties = schema.input_schema(function)["properties"]
    assert properties["p"]["description"] == "where\n\nA point."
    assert properties["p"]["properties"]["x"]["description"] == "how far"
    assert properties["c"]["description"] == "A colour.\n\n- `red`: as blood"
    assert properties["m"]["description"] == "- `read`: may look\n- `write`: may change"
    assert properties["s"]["anyOf"][0]["description"] == "just a dot"
    assert properties["s"]["anyOf"][1]["properties"]["val"]["description"] == "A point."


def test_a_schema_stays_inline_until_it_is_large() -> None:
    point = Record(tuple(Field(f"field-{i}", U64, "what it is for") for i in range(8)), "point")
    few = Function("", "f", tuple(Param(f"p{i}", point) for i in range(3)))
    many = Function("", "f", tuple(Param(f"p{i}", point, f"The point {i}.") for i in range(40)))
    assert "$ref" not in json.dumps(schema.input_schema(few))
    large = schema.input_schema(many)
    assert len(json.dumps(large)) < schema.INLINE
    ((name, definition),) = [item for item in large["$defs"].items() if item[0].startswith("point")]
    assert large["properties"]["p7"] == {"$ref": f"#/$defs/{name}", "description": "The point 7."}
    assert definition["properties"].keys() == {f"field-{i}" for i in range(8)}
    Draft202012Validator.check_schema(large)
    value = {f"field-{i}": i for i in range(8)}
    validator = Draft202012Validator(large)
    assert validator.is_valid({f"p{i}": value for i in range(40)})
    assert not validator.is_valid({f"p{i}": value for i in range(40)} | {"p3": {"field-0": 1}})


# Made in the test: printing one of the towers for a report would never end.
UNPUBLISHABLE: list[tuple[Callable[[], Function], str]] = [
    (
        lambda: Function("", "f", (Param("h", Handle(owned=True, name="file")),)),
        "parameter `h`: takes a handle",
    ),
    (
        lambda: Function("", "f", (Param("h", List(Option(Handle(owned=False)))),)),
        "parameter `h`: takes a handle to a resource",
    ),
    (
        lambda: Function("", "f", (), Result(None, Handle(owned=True))),
        "the result: returns a handle",
    ),
    (lambda: Function("", "f", (), Unsupported("stream")), "the result: returns `stream`"),
    (lambda: Function("", "f", (Param("a" * 65, U8),)), "its name is longer than 64"),
    (lambda: Function("", "f", (Param("ключ", U8),)), "its name is longer than 64"),
    (lambda: Function("", "f", (Param("r", Record((Field("b" * 65, U8),))),)), "parameter `r`: field `bbb"),
    (lambda: Function("", "f", (), Enum(())), "without cases"),
    (lambda: Function("", "f", (Param("t", tower(40)),)), "larger than 256 KiB"),
    (lambda: Function("", "f", (), tower(63)), "larger than 256 KiB"),
    (lambda: Function("", "f", (), tower(64)), "more than 64 levels"),
    (lambda: Function("", "f", (Param("t", tower(90_000)),)), "more than 64 levels"),
    (
        lambda: Function("", "f", (Param("e", Enum(tuple(f"case-{i}" for i in range(30_000)))),)),
        "larger than 256 KiB",
    ),
]


@pytest.mark.parametrize(("make", "reason"), UNPUBLISHABLE, ids=lambda x: x if isinstance(x, str) else "")
def test_what_cannot_be_published_says_where_and_why(make: Callable[[], Function], reason: str) -> None:
    function = make()
    assert reason in (schema.unpublishable(function) or "")
    with pytest.raises(schema.Unpublishable):
        schema.input_schema(function), schema.output_schema(function)


def test_a_schema_that_parsers_of_clients_could_not_read_is_not_published() -> None:
    deep: Type = U8
    for _ in range(60):
        deep = Variant((Case("more", deep),))
    reason = schema.unpublishable(Function("", "f", (Param("x", deep),)))
    assert reason == "the schema of its parameters would nest more than 100 levels deep"


def test_a_part_that_is_seen_again_deeper_counts_from_there() -> None:
    part: Type = U8
    for _ in range(39):
        part = List(part)
    deep = part
    for _ in range(25):
        deep = Option(deep)
    function = Function("", "f", (Param("x", Tuple((part, deep))),))
    assert schema.unpublishable(function) == "parameter `x`: its type nests more than 64 levels deep"


def test_types_that_share_no_objects_are_counted_alike() -> None:
    twice = Tuple((tower(3), tower(3)))
    assert takes(twice) == takes(tower(4))


def test_a_schema_is_the_callers_to_change() -> None:
    function = Function("", "f", (Param("x", Tuple((U8, U8))),))
    schema.input_schema(function)["properties"]["x"]["prefixItems"][0]["minimum"] = 7
    assert takes(Tuple((U8, U8)))["properties"]["x"]["prefixItems"] == [BYTE, BYTE]


def nodes(form: object) -> Iterator[dict[str, Any]]:
    if isinstance(form, dict):
        yield form
    for inner in form.values() if isinstance(form, dict) else form if isinstance(form, list) else ():
        yield from nodes(inner)


@given(functions())
def test_schemas_are_valid_and_have_the_forms_that_every_client_takes(function: Function) -> None:
    for form in (schema.input_schema(function), schema.output_schema(function)):
        Draft202012Validator.check_schema(form)
        assert form["type"] == "object"
        assert form.keys() <= {"type", "properties", "required", "additionalProperties", "$defs"}
        for node in nodes(form):
            assert not isinstance(node.get("type"), list)
            assert node.get("type") != "array" or isinstance(node["items"], dict)
            assert not any(isinstance(value, bool) for key, value in node.items() if key not in _BOOLEANS)


_BOOLEANS = {"additionalProperties", "uniqueItems"}


@given(st.data())
def test_what_a_function_returns_satisfies_its_schema(data: st.DataObject) -> None:
    type_ = data.draw(types().filter(lambda t: not isinstance(t, Result)))
    value = normal(type_, data.draw(valid(type_)))
    form = gives(type_)
    Draft202012Validator(form).validate({"result": value})


@pytest.mark.parametrize("type_", PRIMITIVES, ids=lambda t: t.primitive)
def test_every_primitive_has_a_form(type_: Primitive) -> None:
    assert takes(type_)["properties"]["x"]
    assert gives(type_)["properties"]["result"]
