"""The types of Rust as WIT, and what has none, with its place and what to write instead."""

from __future__ import annotations

import pytest

from mcp_wasm.build import rust as toolchain
from mcp_wasm.build.signature import rust
from mcp_wasm.build.signature.compiled import MOST_FUNCTIONS
from mcp_wasm.component.types import (
    Enum,
    Field,
    Function,
    List,
    Option,
    Param,
    Primitive,
    Record,
    Result,
    Variant,
)
from mcp_wasm.component.types import Tuple as Pair
from mcp_wasm.errors import SignatureRefused
from tests.build.signature.conftest import ReadBack

TEXT, BYTE = Primitive("string"), Primitive("u8")
SOURCE = """//! Not the docs of a function.
use std::collections::HashMap;
use std::error::Error;
type Res<T> = Result<T, String>;
type Row = Vec<f32>;
/// A point.
#[derive(Clone)]
pub struct Point {
    /// Across.
    pub x: f64,
    r#type: Option<char>,
}
pub(crate) enum Shape { Empty, Circle(f32), Rect { w: u8, h: i64 }, Pair(String, Point) }
enum Color { Red, DarkBlue }
mod inner { pub fn hidden() {} }
"""

TYPES = [
    ("a: i8, b: i16, c: i32, d: i64", [Primitive(each) for each in ("s8", "s16", "s32", "s64")]),
    ("a: u8, b: u16, c: u32, d: u64", [Primitive(each) for each in ("u8", "u16", "u32", "u64")]),
    ("a: isize, b: usize, c: f32, d: f64", [Primitive(each) for each in ("s32", "u32", "f32", "f64")]),
    ("a: bool, b: char, mut c: String, d: &str", [Primitive("bool"), Primitive("char"), TEXT, TEXT]),
    ("a: &[u8], b: Vec<String>, c: Row", [List(BYTE), List(TEXT), List(Primitive("f32"))]),
    ("a: std::collections::VecDeque<u8>, b: BTreeSet<u8>", [List(BYTE), List(BYTE)]),
    ("a: HashMap<String, u8>, b: &Vec<u8>", [List(Pair((TEXT, BYTE))), List(BYTE)]),
    ("a: Option<Option<u8>>, b: (u8, String)", [Option(Option(BYTE)), Pair((BYTE, TEXT))]),
    ("a: Res<(u8,)>, b: Result<(), u8>", [Result(Pair((BYTE,)), TEXT), Result(None, BYTE)]),
    ("a: Color", [Enum(("red", "dark-blue"), "color")]),
]


@pytest.mark.parametrize(("parameters", "types"), TYPES)
def test_a_type_of_rust_is_a_type_of_wit(parameters: str, types: list[object]) -> None:
    found = rust.read(f"{SOURCE}pub fn f({parameters}) {{}}")
    assert [each.type for each in found.functions[0].parameters] == types


def test_structs_and_enums_carry_their_docs_and_are_read_back_by_the_engine(read_back: ReadBack) -> None:
    source = (
        SOURCE
        + "/// Draws it.\n///\n/// Slowly.\npub fn draw(shape: &Shape, at: Point) -> Res<Color> { todo!() }"
    )
    found = rust.read(source)
    back = read_back(found.signature)["draw"]
    assert back == found.functions[0].function
    assert back.docs == "Draws it.\n\nSlowly."
    shape, point = (param.type for param in back.params)
    assert isinstance(point, Record)
    assert (point.docs, point.fields[0].docs) == ("A point.", "Across.")
    assert [field.name for field in point.fields] == ["x", "type"]
    assert isinstance(shape, Variant)
    assert [case.name for case in shape.cases] == ["empty", "circle", "rect", "pair"]
    rect = Record((Field("w", BYTE), Field("h", Primitive("s64"))))
    assert shape.cases[2].type == rect


RESULTS = [
    ("", None),
    ("-> ()", None),
    ("-> &'static str", TEXT),
    ("-> Result<u8, &'static str>", Result(BYTE, TEXT)),
    ("-> Result<(), Box<dyn Error>>", Result(None, TEXT)),
    ("-> Result<u8, Box<dyn std::error::Error + Send + Sync>>", Result(BYTE, TEXT)),
    ("-> Result<u8, Color>", Result(BYTE, Enum(("red", "dark-blue")))),
]


@pytest.mark.parametrize(("result", "type_"), RESULTS)
def test_a_result_is_what_the_function_says(result: str, type_: object) -> None:
    assert rust.read(f"{SOURCE}pub fn f() {result} {{}}").functions[0].function.result == type_


def test_only_public_functions_of_the_top_level_are_published() -> None:
    source = (
        "fn a() {}\npub(crate) fn b() {}\npub fn _c() {}\nimpl S { pub fn d() {} }\npub fn wordCount() {}"
    )
    assert [each.name for each in rust.read(source).functions] == ["word-count"]


def f(type_: str) -> str:
    """A function that takes that type, which begins at the column 13."""
    return f"pub fn f(x: {type_}) {{}}"


REFUSED = [
    ("", 1, 1, "no function", "pub fn add"),
    ("fn f() {}", 1, 1, "no function", "pub fn add"),
    ("pub fn f( {", 1, 1, "SyntaxError", ""),
    ("pub fn f<T>(x: T) {}", 1, 8, "`f` is generic", "without type parameters"),
    ("pub async fn f() {}", 1, 14, "`f` is async", "plain function"),
    ("pub unsafe fn f() {}", 1, 15, "`f` is unsafe", "plain function"),
    ("pub fn f((a, b): (u8, u8)) {}", 1, 10, "has no name", "take it apart inside"),
    ("/* é */ pub fn größe() {}", 1, 16, "`größe` cannot be a name", "ASCII"),
    ("pub fn a_b() {}\npub fn aB() {}", 2, 8, "two functions are `a-b`", "Rename"),
    ("pub fn f(a_b: u8, aB: u8) {}", 1, 19, "two parameters are `a-b`", "Rename"),
    (f("i128"), 1, 13, "128 bits", "String"),
    (f("Box<u8>"), 1, 13, "`Box<u8>` has no type in WIT", "numbers"),
    (f("[u8; 4]"), 1, 13, "has no type in WIT", "Vec"),
    (f("&mut Vec<u8>"), 1, 13, "is borrowed", "owned"),
    (f("Option<&str>"), 1, 20, "is borrowed", "owned"),
    (f("Vec<()>"), 1, 17, "holds nothing", "bool"),
    (f("Result<u8>"), 1, 13, "does not say its error", "Result<T, String>"),
    (f("impl Fn(u8)"), 1, 13, "has no type in WIT", "numbers"),
    (f("S<u8>") + "\nstruct S<T> { a: T }", 1, 13, "`S` is generic", "without parameters"),
    (f("S") + "\nstruct S { a: Vec<S> }", 2, 19, "`S` holds itself", "number"),
    (f("S") + "\nstruct S(u8);", 2, 1, "have no names", "Name them"),
    (f("S") + "\nstruct S {}", 2, 1, "has no fields", "one"),
    (f("E") + "\nenum E {}", 2, 1, "has no cases", "one"),
    (f("E") + "\nenum E { Ab(u8), aB, a_b }", 2, 22, "two cases are `a-b`", "Rename"),
    (f("inner::S"), 1, 13, "has no type in WIT", "structs"),
    ("pub fn f<'a>(x: &'a str) -> &'a str { x }", 1, 8, "is generic", ""),
    ("pub fn f(x: &str) -> &str { x }", 1, 22, "is borrowed", "owned"),
    (f("Vec<" * 70 + "u8" + ">" * 70), 1, 273, "nest deeper than 64", "flatter"),
]


@pytest.mark.parametrize(("source", "line", "column", "reason", "hint"), REFUSED)
def test_what_has_no_type_is_refused_at_its_place(
    source: str, line: int, column: int, reason: str, hint: str
) -> None:
    with pytest.raises(SignatureRefused) as refused:
        rust.read(source)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert reason in refused.value.reason
    assert hint in refused.value.hint


def test_as_many_functions_are_read_as_may_be_and_no_more() -> None:
    many = "".join(f"pub fn f{n}() {{}}\n" for n in range(MOST_FUNCTIONS))
    assert len(rust.read(many).functions) == MOST_FUNCTIONS
    with pytest.raises(SignatureRefused, match=f"more than {MOST_FUNCTIONS} functions"):
        rust.read(f"{many}pub fn more() {{}}")


def test_types_that_double_are_refused_before_anything_is_written_out() -> None:
    structs = "".join(f"struct S{n} {{ a: S{n + 1}, b: S{n + 1} }}\n" for n in range(20))
    with pytest.raises(SignatureRefused, match="smaller"):
        rust.read(f"{structs}struct S20 {{ a: u8 }}\n{f('S0')}")


def test_the_glue_stands_behind_the_source_whose_lines_stay() -> None:
    source = "pub fn half(n: f64, of: &str) -> f64 { n / 2.0 }"
    wit, files = toolchain.prepare(source, "half.rs")
    assert "export half: func(n: f64, of: string) -> f64;" in wit
    assert files["half.rs"].split("\n")[0] == source
    glue = files["exported_glue.rs"]
    assert "fn exported0(p0: f64, p1: i32, p2: i32) -> f64" in glue
    assert "crate::half(a0, &a1)" in glue
    assert "cabi_post" not in glue


WORLD = (Function("local:t/math@1.0.0", "half", (Param("amount", Primitive("f64")),), Primitive("f64")),)


def test_a_given_world_names_exports_and_has_to_fit_the_code() -> None:
    _, files = toolchain.prepare("pub fn half(n: f64) -> f64 { n }\npub fn more() {}", "code.rs", WORLD)
    assert '#[export_name = "local:t/math@1.0.0#half"]' in files["exported_glue.rs"]
    assert "more" not in files["exported_glue.rs"]
    with pytest.raises(
        SignatureRefused, match=r"code.rs:2:1: the world wants func\(f64\) -> f64, and `half` is"
    ):
        toolchain.prepare("\npub fn half(n: f32) -> f64 { 0.0 }", "code.rs", WORLD)
    with pytest.raises(SignatureRefused, match="the code has no such function"):
        toolchain.prepare("pub fn other() {}", "code.rs", WORLD)
