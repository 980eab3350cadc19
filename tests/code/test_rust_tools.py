"""Tools of Rust, made as a model makes them, where a rustc for WebAssembly is installed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from wasmtime import component as raw

from mcp_wasm.build import confine, rust, rust_found
from mcp_wasm.build.confine import Confinement, Mechanism
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source, silent
from mcp_wasm.code.made_contract import Example, Wanted
from mcp_wasm.errors import BuildFailed, NotConfined, TestsFailed, Trap
from mcp_wasm.runtime import Runtime

Call = Callable[..., Any]
MECHANISMS = [name for name, reason in confine.mechanisms().items() if reason is None]

pytestmark = [
    pytest.mark.toolchain,
    pytest.mark.timeout(300),
    pytest.mark.skipif(rust.available() is not None, reason=f"no Rust for WebAssembly: {rust.available()}"),
    pytest.mark.skipif(confine.where_possible() is None, reason="no confinement on this machine"),
]

SOURCE = r"""//! Everything that crosses the border.
use std::collections::{BTreeMap, HashSet};
use std::error::Error;

type Answer<T> = Result<T, String>;

#[derive(Clone)]
pub struct Point { pub x: f64, pub y: f64 }
pub struct Wrapped { pub only: i8 }
pub enum Shape { Empty, Circle(f32), Rect { w: u8, h: i64 }, Named(String, Point) }
#[derive(PartialEq)]
pub enum Color { Red, DarkBlue }

/// Adds two numbers.
pub fn add(a: i32, b: i32) -> i32 { a + b }
pub fn negate(p: &Point) -> Point { Point { x: -p.x, y: -p.y } }
pub fn words(text: &str) -> Vec<String> { text.split_whitespace().map(str::to_string).collect() }
pub fn count(text: String) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for word in text.split(' ') { *counts.entry(word.to_string()).or_insert(0) += 1; }
    counts
}
pub fn area(shape: Shape) -> Answer<f64> {
    match shape {
        Shape::Empty => Err("nothing has no area".into()),
        Shape::Circle(r) => Ok(r as f64 * 3.0),
        Shape::Rect { w, h } => Ok(w as f64 * h as f64),
        Shape::Named(name, p) => Ok(name.len() as f64 + p.x),
    }
}
pub fn shapes() -> Vec<Shape> {
    vec![Shape::Empty, Shape::Circle(1.5), Shape::Rect { w: 200, h: -5 },
         Shape::Named("ä".into(), Point { x: 1.0, y: 2.0 })]
}
pub fn other(color: Color) -> Color { if color == Color::Red { Color::DarkBlue } else { Color::Red } }
pub fn sum(values: &[i16]) -> i8 { values.iter().sum::<i16>() as i8 }
pub fn parse(text: &str) -> Result<i32, Box<dyn Error>> { Ok(text.parse()?) }
pub fn check(n: u8) -> Result<(), &'static str> { if n > 3 { Err("too large") } else { Ok(()) } }
pub fn refuse(color: Color) -> Result<bool, Color> { if color == Color::Red { Err(color) } else { Ok(true) } }
pub fn nth(values: Vec<u64>, n: usize) -> u64 { values[n] }
pub fn reversed(data: Vec<u8>) -> Vec<u8> { data.into_iter().rev().collect() }
pub fn many(a: String, b: String, c: String, d: String, e: String, f: String, g: String, h: String,
    i: Option<u8>) -> String { [a, b, c, d, e, f, g, h, format!("{i:?}")].concat() }
pub fn maybe(p: Option<Point>, n: Option<Option<u8>>) -> (Option<f64>, Option<bool>, char) {
    (p.map(|p| p.x), n.map(|n| n.is_some()), 'é')
}
pub fn distinct(values: Vec<(char, bool)>) -> usize { values.into_iter().collect::<HashSet<_>>().len() }
pub fn wrap(w: Wrapped) -> Wrapped { Wrapped { only: w.only - 1 } }
pub fn pages() -> u32 { core::arch::wasm32::memory_size(0) as u32 }
pub fn nothing() {}
"""

RED, BLUE = "red", "dark-blue"
CALLS: list[tuple[str, dict[str, Any], Any]] = [
    ("add", {"a": -5, "b": 3}, -2),
    ("negate", {"p": {"x": 1.5, "y": -2}}, {"x": -1.5, "y": 2.0}),
    ("words", {"text": "a bé  c"}, ["a", "bé", "c"]),
    ("words", {"text": ""}, []),
    ("area", {"shape": {"tag": "rect", "val": {"w": 200, "h": -5}}}, -1000.0),
    ("area", {"shape": {"tag": "circle", "val": 1.5}}, 4.5),
    ("area", {"shape": {"tag": "named", "val": ["abc", {"x": 0.5, "y": 1}]}}, 3.5),
    ("other", {"color": RED}, BLUE),
    ("other", {"color": BLUE}, RED),
    ("sum", {"values": [-3, 1, 0]}, -2),
    ("parse", {"text": "42"}, 42),
    ("check", {"n": 3}, None),
    ("refuse", {"color": BLUE}, True),
    ("nth", {"values": [7, 2**60], "n": 1}, str(2**60)),
    ("reversed", {"data": [1, 2, 3]}, "AwIB"),
    ("many", {letter: letter * 2 for letter in "abcdefgh"}, "aabbccddeeffgghhNone"),
    ("maybe", {"p": {"x": 3, "y": 4}, "n": {"some": None}}, [3.0, False, "é"]),
    ("maybe", {"n": {"some": 5}}, [None, True, "é"]),
    ("maybe", {}, [None, None, "é"]),
    ("distinct", {"values": [["a", True], ["a", True], ["é", False]]}, 2),
    ("wrap", {"w": {"only": -3}}, {"only": -4}),
    ("nothing", {}, None),
]
FAILED: list[tuple[str, dict[str, Any], Any]] = [
    ("area", {"shape": {"tag": "empty"}}, "nothing has no area"),
    ("parse", {"text": "x"}, "invalid digit found in string"),
    ("check", {"n": 4}, "too large"),
    ("refuse", {"color": RED}, RED),
]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with Runtime(home=tmp_path_factory.mktemp("rust")) as runtime:
        runtime.made.create(Wanted("all", "rust", SOURCE), by="a test", client="")
        yield runtime


@pytest.fixture(scope="module")
def call(runtime: Runtime) -> Call:
    return lambda name, given: runtime.call_sync(f"all_{name}", given)


def test_every_type_comes_and_goes_as_it_is(call: Call) -> None:
    for name, given, value in CALLS:
        assert (name, call(name, given).value) == (name, value)
    for name, given, value in FAILED:
        failed = call(name, given)
        assert (name, failed.failed, failed.value) == (name, True, value)
    assert call("count", {"text": "a b a"}).value == [["a", 2], ["b", 1]]
    assert [each["tag"] for each in call("shapes", {}).value] == ["empty", "circle", "rect", "named"]
    assert call("shapes", {}).value[2:] == [
        {"tag": "rect", "val": {"w": 200, "h": -5}},
        {"tag": "named", "val": ["ä", {"x": 1.0, "y": 2.0}]},
    ]


def test_docs_are_those_of_the_source_and_nothing_is_wished_for(runtime: Runtime) -> None:
    tools = {tool.name: tool for tool in runtime.component("all").tools}
    assert "Adds two numbers." in tools["all_add"].description
    assert not runtime.component("all").needs


def test_a_panic_is_told_with_its_line(call: Call) -> None:
    with pytest.raises(Trap) as trapped:
        call("nth", {"values": [1], "n": 4})
    line = next(n for n, each in enumerate(SOURCE.split("\n"), 1) if "fn nth" in each)
    assert "the len is 1 but the index is 4" in trapped.value.report.stderr.text
    assert f"code.rs:{line}:" in trapped.value.report.stderr.text


def test_many_calls_of_one_instance_take_no_more_memory_than_a_few(runtime: Runtime) -> None:
    path = runtime.component("all").source
    with wasmtime.Engine() as engine, wasmtime.Store(engine) as store, raw.Linker(engine) as linker:
        store.set_wasi(wasmtime.WasiConfig())
        linker.add_wasip2()
        instance = linker.instantiate(store, raw.Component(engine, path.read_bytes()))

        def ask(name: str, *given: Any) -> Any:
            function = instance.get_func(store, name)
            assert function is not None
            answer = function(store, *given)
            function.post_return(store)
            return answer

        for _ in range(5):
            ask("words", "word " * 4_000)
        before = ask("pages")
        for _ in range(60):
            ask("words", "word " * 4_000)
        assert ask("pages") == before


def test_a_mistake_is_told_at_its_line_and_column_in_characters(runtime: Runtime) -> None:
    source = "pub fn f(n: u32) -> u32 {\n    /* é */ m + 1\n}\n"
    with pytest.raises(BuildFailed) as failed:
        runtime.made.create(Wanted("wrong", "rust", source), by="a test", client="")
    message = failed.value.messages[0]
    assert (message.file, message.line, message.column, message.severity) == ("code.rs", 2, 13, "error")
    assert "cannot find value `m`" in message.text


def test_tests_that_do_not_hold_make_nothing(runtime: Runtime) -> None:
    wrong = Wanted("half", "rust", "pub fn half(n: f64) -> f64 { n }", tests=(Example("", {"n": 4}, 2),))
    with pytest.raises(TestsFailed, match=r"half\({\"n\": ?4}\): expected 2, got 4"):
        runtime.made.create(wrong, by="a test", client="")


def test_a_given_world_says_the_names(runtime: Runtime) -> None:
    wit = "package t:t; interface math { half: func(amount: f64) -> f64; } world w { export math; }"
    source = "pub fn half(n: f64) -> f64 { n / 2.0 }"
    made = runtime.made.create(Wanted("halves", "rust", source, world=wit), by="a test", client="")
    assert runtime.call_sync(made.tools[0], {"amount": 5}).value == 2.5


# What a source may name at its build, and what of it a confined compiler gives.

ATTACKS = {
    "include_str": 'pub fn f() -> String { include_str!("SECRET").to_string() }',
    "include_str by a way around": 'pub fn f() -> String { include_str!("../../../../../..SECRET").into() }',
    "include_bytes": 'pub fn f() -> Vec<u8> { include_bytes!("SECRET").to_vec() }',
    "include": 'const S: &str = include!("LITERAL");\npub fn f() -> String { S.to_string() }',
    "path": '#[path = "MODULE"] mod taken;\npub fn f() -> String { taken::S.to_string() }',
    "doc": '#[doc = include_str!("SECRET")] pub fn f() -> String { stringify!(a).to_string() }',
    "env": 'pub fn f() -> String { env!("MCP_WASM_TEST_SECRET").to_string() }',
}
SECRET = "the-secret-of-a-person," * 40
"""Too long for a compiler to take it apart into numbers."""


def build(folder: Path, code: str, confined: Confinement | None) -> bytes:
    wit, files = rust.prepare(code, "code.rs")
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    source = Source("thing", folder, "code.rs", wit, rust.WORLD, texts={"code.rs": code})
    return rust.compile_source(source, None, silent, confined)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_source_reads_nothing_of_the_machine_at_its_build(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"SECRET": SECRET, "LITERAL": f'"{SECRET}"', "MODULE": f'pub const S: &str = "{SECRET}";'}
    code = ATTACKS[attack]
    monkeypatch.setenv("MCP_WASM_TEST_SECRET", SECRET)
    if attack != "env":
        for name, text in places.items():
            (tmp_path / f"{name.lower()}.rs").write_text(text, encoding="utf-8")
            code = code.replace(name, str(tmp_path / f"{name.lower()}.rs"))
    folder = tmp_path / "source"
    if attack == "env":
        # The environment is bare without confinement too: what rustc itself would have read of ours.
        bare = [
            str(rust_found.compiler().program),
            "--crate-type=lib",
            "--emit=metadata",
            "-o",
            # A file of its own: as root rustc would put one in the place of /dev/null.
            str(tmp_path / "metadata"),
            "-",
        ]
        subprocess.run(bare, input=code, text=True, check=True, capture_output=True, cwd=tmp_path)
    elif attack == "doc":
        build(folder, code, None)
    else:
        assert SECRET.encode() in build(folder, code, None)
    for mechanism in MECHANISMS:
        with pytest.raises(BuildFailed) as failed:
            build(folder, code, Confinement(mechanism))
        assert SECRET[:20] not in str(failed.value)
        assert failed.value.messages[0].line == 1


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_mechanism_leaves_the_compiler_what_it_needs(mechanism: Mechanism, tmp_path: Path) -> None:
    assert build(tmp_path / "source", 'pub fn f() -> String { "x".into() }', Confinement(mechanism))


REFUSED = {
    "a library of the machine": '#[link(name = "c", kind = "static")] extern "C" {}\npub fn f() {}',
    "a procedural macro": '#![crate_type = "proc-macro"]\nextern crate proc_macro;\n#[proc_macro] '
    "fn g(t: proc_macro::TokenStream) -> proc_macro::TokenStream { t }\npub fn f() {}",
    "a crate of nobody": "extern crate serde;\npub fn f() {}",
    "a function of the host": '#[link(wasm_import_module = "host")] extern "C" { fn steal(); }\n'
    "pub fn f() { unsafe { steal() } }",
}


@pytest.mark.parametrize("attack", REFUSED)
def test_a_source_has_the_standard_library_and_nothing_else(attack: str, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed):
        build(tmp_path / "source", REFUSED[attack], confine.require())


def test_a_build_that_does_not_end_is_ended(tmp_path: Path) -> None:
    endless = "macro_rules! more { ($($x:tt)*) => { more!($($x)* $($x)*); } }\nmore!(a);\npub fn f() {}"
    with pytest.raises(BuildFailed, match="was ended"):
        build(tmp_path / "source", endless, replace(confine.require(), seconds=1))


def test_a_source_that_nobody_vouches_for_is_not_built_without_confinement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confine, "where_possible", lambda: None)
    with pytest.raises(NotConfined):
        compile_component("rust", Source("thing", tmp_path, "code.rs", "", rust.WORLD))
