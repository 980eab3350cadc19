"""Types of TypeScript and JSDoc to WIT types, and comments to docs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mcp_wasm.build.signature import typescript, wit
from mcp_wasm.component.schema import input_schema, output_schema
from mcp_wasm.component.types import Enum, Option, Record, Variant
from tests.build.signature.conftest import ReadBack
from tests.build.signature.programs import JAVASCRIPT, TYPESCRIPT

NUMBER, STRING = {"kind": "number"}, {"kind": "string"}

TYPES = {
    "number": "f64",
    "bigint": "s64",
    "string": "string",
    "boolean": "bool",
    "Uint8Array": "list<u8>",
    "Date": "string",
    "number[]": "list<f64>",
    "readonly number[]": "list<f64>",
    "Array<number>": "list<f64>",
    "ReadonlyArray<Array<string>>": "list<list<string>>",
    "Set<string>": "list<string>",
    "[number, string]": "tuple<f64, string>",
    "[x: number, y: string]": "tuple<f64, string>",
    "Record<string, number>": "list<tuple<string, f64>>",
    "{ [key: string]: number }": "list<tuple<string, f64>>",
    "Map<bigint, boolean>": "list<tuple<s64, bool>>",
    "number | null": "option<f64>",
    "undefined | number": "option<f64>",
    "(number | null)[]": "list<option<f64>>",
    "null | undefined | string": "option<string>",
    '"a" | "b"': "f-x",
    '"a" | "b" | null': "option<f-x>",
    '"a" | string': "string",
    "true | false": "bool",
    "{ a: number }": "f-x",
    "Readonly<{ a: number }>": "f-x",
    "string | number": "f-x",
}


def taken(type_: str, before: str = "") -> tuple[object, object]:
    """The type of a parameter of that type, and its shape."""
    source = f"{before}\nexport function f(x: {type_}): void {{}}\n"
    function = typescript.signature(source).functions[0]
    return function.parameters[0].type, function.shapes["params"][0]


@pytest.mark.parametrize("type_", TYPES)
def test_a_type_is_a_wit_type(type_: str) -> None:
    source = f"export function f(x: {type_}): void {{}}\n"
    assert wit.reference(typescript.signature(source).functions[0].parameters[0].type) == TYPES[type_]


@pytest.mark.parametrize("type_", sorted(set(TYPES) - {"undefined | number", "null | undefined | string"}))
def test_jsdoc_takes_the_same_types(type_: str) -> None:
    source = f"/** @param {{{type_}}} x\n * @returns {{void}} */\nfunction f(x) {{}}\n"
    assert wit.reference(typescript.signature(source).functions[0].parameters[0].type) == TYPES[type_]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("?number", "option<f64>"),
        ("!number", "f64"),
        ("number=", "option<f64>"),
        ("Array.<string>", "list<string>"),
        ("Object<string, number>", "list<tuple<string, f64>>"),
        ("Object.<string, number>", "list<tuple<string, f64>>"),
    ],
)
def test_jsdoc_has_forms_of_its_own(written: str, expected: str) -> None:
    source = f"/**\n * @param {{{written}}} x\n * @returns {{void}}\n */\nfunction f(x) {{}}\n"
    assert wit.reference(typescript.signature(source).functions[0].parameters[0].type) == expected


def test_a_property_in_common_makes_a_variant_of_objects() -> None:
    before = 'interface A { kind: "a"; x: number }\ntype B = { y: string; kind: "b" };\n'
    type_, shape = taken('A | B | { kind: "c" }', before)
    assert isinstance(type_, Variant)
    assert [(case.name, wit.reference(case.type)) for case in type_.cases] == [
        ("a", "a"),
        ("b", "b"),
        ("c", "_"),
    ]
    assert shape == {
        "kind": "variant",
        "tag": "kind",
        "cases": [
            ["a", "a", {"kind": "record", "fields": [["x", "x", NUMBER]]}],
            ["b", "b", {"kind": "record", "fields": [["y", "y", STRING]]}],
            ["c", "c", None],
        ],
    }
    outcome, shape = taken("{ ok: true; value: number } | { ok: false; error: string }")
    assert isinstance(outcome, Variant)
    assert [case.name for case in outcome.cases] == ["true", "false"]
    assert isinstance(shape, dict)
    assert [case[1] for case in shape["cases"]] == [True, False]


def test_a_union_of_types_that_differ_when_the_code_runs_is_a_variant() -> None:
    type_, shape = taken("string | bigint | number[] | { a: number }")
    assert isinstance(type_, Variant)
    assert [case.name for case in type_.cases] == ["string", "bigint", "array", "object"]
    assert isinstance(shape, dict)
    assert [case[:2] for case in shape["cases"]][:2] == [["string", "string"], ["bigint", "bigint"]]


def test_an_enum_has_its_texts_as_cases_where_they_are_fit_and_keeps_its_values() -> None:
    type_, shape = taken("E", 'enum E { A = "first-one", B = 2, C, D = "4" }')
    assert type_ == Enum(("first-one", "b", "c", "d"))
    values = [["first-one", "first-one"], ["b", 2], ["c", 3], ["d", "4"]]
    assert shape == {"kind": "enum", "values": values}
    assert taken('"dark blue" | "Light"')[1] == {
        "kind": "enum",
        "values": [["dark-blue", "dark blue"], ["light", "Light"]],
    }


@pytest.mark.parametrize(
    ("before", "type_", "expected"),
    [
        ("type A = number[];", "A", "list<f64>"),
        ('type A = "x" | "y";', "A", "a"),
        ('type A = "x" | "y";', "A | null", "option<a>"),
        ("type A = number | null;", "A[]", "list<option<f64>>"),
        ("type A = string | number;\ntype B = A | boolean;", "B", "b"),
        ("export type A = { x: number };", "A[]", "list<a>"),
        ("export interface HTTPItem { x: number }", "HTTPItem", "http-item"),
    ],
)
def test_an_alias_is_what_it_stands_for_and_gives_its_name(before: str, type_: str, expected: str) -> None:
    source = f"{before}\nexport function f(x: {type_}): void {{}}\n"
    assert wit.reference(typescript.signature(source).functions[0].parameters[0].type) == expected


def test_names_of_fields_are_kept_for_the_code() -> None:
    type_, shape = taken('{ userId: string; user_name?: number; "a b": null | string }')
    assert isinstance(type_, Record)
    assert [each.name for each in type_.fields] == ["user-id", "user-name", "a-b"]
    assert shape == {
        "kind": "record",
        "fields": [
            ["user-id", "userId", STRING],
            ["user-name", "user_name", {"kind": "option", "of": NUMBER, "none": "undefined"}],
            ["a-b", "a b", {"kind": "option", "of": STRING, "none": "null"}],
        ],
    }


def test_exported_functions_are_published_by_the_names_that_are_exported() -> None:
    names = [(each.code_name, each.name) for each in typescript.signature(TYPESCRIPT).functions]
    assert names == [
        ("area", "area"), ("items", "items"), ("convert", "convert"), ("nothing", "nothing"),
    ]  # fmt: skip
    typed = TYPESCRIPT.replace("limit = 3", "limit: number = 3")
    assert [each.code_name for each in typescript.signature(typed).functions][-1] == "sum"
    named = typescript.signature(TYPESCRIPT, functions=["items", "area"], world="w")
    assert [each.name for each in named.functions] == ["items", "area"]


def test_without_exports_all_functions_of_the_top_level_are_taken() -> None:
    signature = typescript.signature(JAVASCRIPT, file="code.js")
    assert [(each.code_name, each.line) for each in signature.functions] == [("cut", 20), ("move", 31)]


def test_comments_are_docs() -> None:
    area = typescript.signature(TYPESCRIPT).functions[0]
    assert area.docs == "The area of a shape.\nReturns: the area"
    assert [each.docs for each in area.parameters] == ["What to measure.", 'How. Default: "fast".']
    shape = area.parameters[0].type
    assert isinstance(shape, Variant)
    square = shape.cases[1].type
    assert isinstance(square, Record)
    assert (square.docs, square.fields[0].docs) == ("A square.", "How long a side is.")
    cut, move = typescript.signature(JAVASCRIPT).functions
    assert cut.docs == "Cuts a text.\n\nIt does so slowly.\nReturns: The parts."
    assert [each.docs for each in cut.parameters] == [
        "The text.", "How to cut.", "Where to cut.", 'Which. Default: "a".',
    ]  # fmt: skip
    assert [each.default for each in cut.parameters] == [False, False, True, True]
    options, where = cut.parameters[1].type, move.parameters[0].type
    assert isinstance(options, Record)
    assert isinstance(where, Record)
    assert [each.docs for each in options.fields] == ["How many.", "What comes before."]
    assert [(each.name, isinstance(each.type, Option)) for each in where.fields] == [
        ("x", False),
        ("y", True),
    ]


@pytest.mark.parametrize("interface", ["", "api"])
@pytest.mark.parametrize("source", [TYPESCRIPT, JAVASCRIPT], ids=["typescript", "javascript"])
def test_the_wit_text_of_a_source_is_read_back_as_the_same_schemas(
    source: str, interface: str, read_back: ReadBack
) -> None:
    signature = typescript.signature(source, world="shapes")
    back = read_back(signature, interface)
    assert list(back) == [each.name for each in signature.functions]
    for each in signature.functions:
        assert back[each.name].params == each.function.params
        assert back[each.name].result == each.function.result
        if not interface:
            assert input_schema(back[each.name]) == input_schema(each.function)
            assert output_schema(back[each.name]) == output_schema(each.function)


def test_shapes_are_plain_json() -> None:
    for source in (TYPESCRIPT, JAVASCRIPT):
        for each in typescript.signature(source).functions:
            assert json.loads(json.dumps(each.shapes)) == each.shapes
            assert len(each.shapes["params"]) == len(each.parameters)


def test_the_parser_is_loaded_on_first_use_only() -> None:
    program = (
        "import sys\nfrom mcp_wasm.build.signature import typescript\n"
        "assert 'tree_sitter' not in sys.modules\n"
        "typescript.signature('export function f(): void {}')\nassert 'tree_sitter' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
