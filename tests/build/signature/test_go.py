"""The types of Go as WIT, and what has none, with its place and what to write instead."""

from __future__ import annotations

import pytest

from mcp_wasm.build import go as toolchain
from mcp_wasm.build.signature import go
from mcp_wasm.component.types import Enum, Function, List, Option, Param, Primitive, Record, Result
from mcp_wasm.component.types import Tuple as Pair
from mcp_wasm.errors import SignatureRefused
from tests.build.signature.conftest import ReadBack

TEXT, BYTE = Primitive("string"), Primitive("u8")
SOURCE = """package main

import "fmt"

// Point is a point.
type Point struct {
	// Across.
	X, Y float64
	Label *string `json:"the_label,omitempty"` // What it says.
}

type (
	// Color is a colour.
	Color string
	Level uint8
	Names []string
)

const (
	Red      Color = "red"
	DarkBlue Color = "dark blue"
	untyped        = 3
)

const (
	LevelLow Level = iota
	LevelHigh
)
"""

TYPES = [
    ("a int8, b int16, c int32, d int64", [Primitive(each) for each in ("s8", "s16", "s32", "s64")]),
    ("a uint8, b uint16, c uint32, d uint64", [Primitive(each) for each in ("u8", "u16", "u32", "u64")]),
    ("a int, b uint, c float32, d float64", [Primitive(each) for each in ("s64", "u64", "f32", "f64")]),
    ("a bool, b rune, c string", [Primitive("bool"), Primitive("char"), TEXT]),
    ("a, b byte", [BYTE, BYTE]),
    ("a []byte, b [][]string, c Names", [List(BYTE), List(List(TEXT)), List(TEXT)]),
    (
        "a map[string]uint8, b *string, c **uint8",
        [List(Pair((TEXT, BYTE))), Option(TEXT), Option(Option(BYTE))],
    ),
    ("a Color, b Level", [Enum(("red", "dark-blue")), Enum(("low", "high"))]),
]


@pytest.mark.parametrize(("parameters", "types"), TYPES)
def test_a_type_of_go_is_a_type_of_wit(parameters: str, types: list[object]) -> None:
    found = go.read(f"{SOURCE}\nfunc F({parameters}) {{}}")
    assert [each.type for each in found.functions[0].parameters] == types


def test_structs_and_enums_carry_their_docs_and_are_read_back_by_the_engine(read_back: ReadBack) -> None:
    found = go.read(
        SOURCE
        + "\n// Paint paints.\n// Slowly.\nfunc Paint(p Point, c Color) (Level, error) { return 0, nil }"
    )
    back = read_back(found.signature)["paint"]
    assert back == found.functions[0].function
    assert back.docs == "Paint paints.\nSlowly."
    point, color = (param.type for param in back.params)
    assert isinstance(point, Record)
    assert isinstance(color, Enum)
    assert (point.docs, color.docs) == ("Point is a point.", "Color is a colour.")
    assert [field.name for field in point.fields] == ["x", "y", "the-label"]
    assert [field.docs for field in point.fields] == ["Across.", "Across.", "What it says."]


RESULTS = [
    ("", None),
    ("int", Primitive("s64")),
    ("error", Result(None, TEXT)),
    ("(string, error)", Result(TEXT, TEXT)),
    ("(n uint8, err error)", Result(BYTE, TEXT)),
    ("(text string)", TEXT),
]


@pytest.mark.parametrize(("result", "type_"), RESULTS)
def test_a_last_error_is_the_err_of_a_result(result: str, type_: object) -> None:
    assert go.read(f"package main\nfunc F() {result} {{}}").functions[0].function.result == type_


def test_functions_with_capitals_are_published_or_all_where_there_are_none() -> None:
    small = "package main\nfunc init() {}\nfunc main() {}\nfunc wordCount() {}\nfunc _hidden() {}\n"
    assert [each.code_name for each in go.read(small).functions] == ["wordCount"]
    assert go.read(small).has_main
    methods = "type T struct{}\nfunc (t T) Method() {}\n"
    assert [each.name for each in go.read(f"{small}{methods}func Shout() {{}}").functions] == ["shout"]


def f(type_: str) -> str:
    """A function that takes that type, which begins at the line 2, column 10."""
    return f"package main\nfunc F(x {type_}) {{}}"


REFUSED = [
    ("", 1, 1, "no package clause", "package main"),
    ("package tool\nfunc F() {}", 1, 1, "the package is `tool`", "package main"),
    ("package main\nfunc main() {}", 1, 1, "no function", "func Add"),
    ("package main\nfunc F( {", 2, 1, "SyntaxError", ""),
    ("package main\nfunc F[T any](x T) {}", 2, 6, "`F` is generic", "type parameters"),
    ("package main\nfunc F(x ...int) {}", 2, 8, "any number of arguments", "slice"),
    ("package main\nfunc F(int) {}", 2, 8, "has no name", "Give it one"),
    ("package main\nfunc F() (int, int) { return 1, 2 }", 2, 10, "gives 2 values", "struct"),
    ("package main\n/* é */ func Größe() {}", 2, 14, "`Größe` cannot be a name", "ASCII"),
    ("package main\nfunc Ab() {}\nfunc A_B() {}\nfunc A__B() {}", 4, 6, "two functions are `a-b`", "Rename"),
    (f("any"), 2, 10, "`any` has no type in WIT", "numbers"),
    (f("error"), 2, 10, "`error` has no type in WIT", "last result"),
    (f("time.Time"), 2, 10, "`time.Time` has no type in WIT", "ISO time"),
    (f("chan int"), 2, 10, "is no value", "numbers"),
    (f("func(int)"), 2, 10, "is no value", "numbers"),
    (f("struct{ A int }"), 2, 10, "without a name", "type"),
    (f("[4]int"), 2, 10, "has no type in WIT", "slices"),
    (f("map[float64]int"), 2, 14, "is no key", "string"),
    (f("T") + "\ntype T struct { a int }", 3, 17, "`a` is private", "capital"),
    (f("T") + "\ntype T struct { Other }", 3, 17, "embeds another type", "name"),
    (f("T") + "\ntype T struct { A *T }", 3, 20, "`T` holds itself", "number"),
    (f("T") + "\ntype T struct {}", 3, 6, "has no fields", "one"),
    (f("T") + '\ntype T struct { A int `json:"-"` }', 3, 17, "left out of JSON", "too"),
    (f("T[int]") + "\ntype T[X any] struct { A X }", 2, 10, "has no type in WIT", "structs"),
    (f("[]" * 70 + "int"), 2, 140, "nest deeper than 64", "flatter"),
]


@pytest.mark.parametrize(("source", "line", "column", "reason", "hint"), REFUSED)
def test_what_has_no_type_is_refused_at_its_place(
    source: str, line: int, column: int, reason: str, hint: str
) -> None:
    with pytest.raises(SignatureRefused) as refused:
        go.read(source)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert reason in refused.value.reason
    assert hint in refused.value.hint


def test_the_glue_is_a_file_of_its_own_and_has_a_main_where_the_source_has_none() -> None:
    source = SOURCE + "\nfunc Half(n float64, c Color) float64 { return n / 2 }\n"
    wit, files = toolchain.prepare(source, "half.go")
    assert "export half: func(n: f64, c: color) -> f64;" in wit
    assert files["half.go"] == source
    glue = files["exported_glue.go"]
    assert "//go:wasmexport half\nfunc exportedGlue0(p0 float64, p1 uint32) float64" in glue
    assert "exportedwit.Enum[Color](Red, DarkBlue)" in glue
    assert "func main() {}" in glue
    _, files = toolchain.prepare(source + "func main() {}\n", "half.go")
    assert "func main() {}" not in files["exported_glue.go"]


def test_a_given_world_names_exports_and_has_to_fit_the_code() -> None:
    world = (Function("local:t/math@1.0.0", "half", (Param("n", Primitive("f64")),), Primitive("f64")),)
    _, files = toolchain.prepare("package main\nfunc Half(n float64) float64 { return n }", "code.go", world)
    assert "//go:wasmexport local:t/math@1.0.0#half" in files["exported_glue.go"]
    with pytest.raises(
        SignatureRefused, match=r"code.go:2:1: the world wants func\(f64\) -> f64, and `Half` is"
    ):
        toolchain.prepare("package main\nfunc Half(n int) float64 { return 0 }", "code.go", world)
