"""Stubs are valid in their languages, exact, compact and bounded, whatever the tools say of themselves."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_wasm import Runtime
from mcp_wasm.build.bundled import list_bundled
from mcp_wasm.code.stubs import stubs
from mcp_wasm.component import schema
from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    Flags,
    Function,
    List,
    Option,
    Param,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)
from mcp_wasm.registry.tool import Tool
from tests.code.stub_tools import BYTES, F64, LANGUAGES, STRING, U32, U64, tool
from tests.component import strategies


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tool, ...]]:
    with Runtime(home=tmp_path_factory.mktemp("home")) as runtime:
        for each in list_bundled():
            if each.shipped is not None:
                runtime.add(each.shipped)
        yield runtime.tools


SHAPE = Variant((Case("circle", F64, "Its radius."), Case("none")), name="shape")
POINT = Record((Field("x-axis", F64), Field("label", Option(STRING), "What it is called.")), name="point")
KIND = Enum(("one", "two"), name="kind")
LONG = Enum(tuple(f"case-number-{i}" for i in range(5)), name="long-kind")

FORMS = [
    (Primitive("bool"), "bool", "boolean"),
    (U32, "int", "number"),
    (U64, "int", "number"),
    (F64, "float", "number"),
    (STRING, "str", "string"),
    (Primitive("char"), "str", "string"),
    (BYTES, "Base64", "Base64"),
    (List(STRING), "list[str]", "string[]"),
    (List(List(U32)), "list[list[int]]", "number[][]"),
    (List(Option(U32)), "list[int | None]", "Array<number | null>"),
    (Tuple((STRING, U32)), "tuple[str, int]", "[string, number]"),
    (Option(STRING), "str | None", "string | null"),
    (Option(Option(U32)), "Some | None", "{ some: number | null } | null"),
    (KIND, 'Literal["one", "two"]', '"one" | "two"'),
    (List(KIND), 'list[Literal["one", "two"]]', 'Array<"one" | "two">'),
    (Flags(("a", "b")), 'list[Literal["a", "b"]]', 'Array<"a" | "b">'),
    (POINT, "Point", "Point"),
    (SHAPE, "ShapeCircle | ShapeNone", '{ tag: "circle"; val: number } /* Its radius. */ | { tag: "none" }'),
    (List(Result(U32, None)), "list[Ok | Err]", "Array<{ ok: number } | { err: null }>"),
    (Result(U32, STRING), "int", "number"),
    (Result(None, STRING), "None", "null"),
    (None, "None", "null"),
]


@pytest.mark.parametrize(("type_", "python", "typescript"), FORMS)
def test_each_type_has_a_form_in_each_language(type_: Type | None, python: str, typescript: str) -> None:
    made = tool("give_it", result=type_)
    assert f"def give_it() -> {python}: ..." in stubs([made], "python")
    assert f"export function giveIt(): {typescript};" in stubs([made], "typescript")


def test_what_stands_before_the_functions_says_how_values_are_carried() -> None:
    for language in LANGUAGES:
        plain = stubs([tool("plain", result=STRING)], language)
        rich = stubs([tool("rich", result=Tuple((U64, F64, BYTES)))], language)
        for word in ("decimal strings", "NaN", "Base64"):
            assert word in rich
            assert word not in plain
        pairs = List(Tuple((STRING, U32)))
        assert "will do too" in stubs([tool("put", Param("counts", pairs))], language)
        assert "will do too" not in stubs([tool("get", result=pairs)], language)


def test_records_and_variants_are_defined_once_with_their_docs() -> None:
    tools = [tool("put", Param("point", POINT), result=SHAPE), tool("get", result=List(POINT))]
    text = stubs(tools, "python")
    assert text.count("Point = TypedDict(") == 1
    assert '"label": NotRequired[str | None],  # What it is called.' in text
    assert 'class ShapeCircle(TypedDict): tag: Literal["circle"]; val: float  # Its radius.' in text
    assert 'class ShapeNone(TypedDict): tag: Literal["none"]' in text
    text = stubs(tools, "typescript")
    assert 'interface Point {\n  "x-axis": number;\n  label?: string | null; // What it is called.\n}' in text


def test_what_is_only_returned_has_all_its_fields() -> None:
    text = stubs([tool("get", result=POINT)], "python")
    assert '"label": str | None,' in text
    assert "NotRequired" not in text
    assert "label: string | null;" in stubs([tool("get", result=POINT)], "typescript")


def test_a_choice_that_is_used_again_gets_a_name() -> None:
    tools = [tool(name, Param("kind", Option(LONG))) for name in ("first", "second")]
    assert stubs(tools, "python").count('LongKind = Literal["case-number-0", ') == 1
    assert "def second(kind: LongKind | None = None) -> None: ..." in stubs(tools, "python")
    assert "export function second(kind?: LongKind): null;" in stubs(tools, "typescript")
    assert "LongKind" not in stubs(tools[:1], "python")


def test_two_types_of_one_name_are_told_apart_by_their_components() -> None:
    other = Record((Field("y", U32),), name="point")
    third = Record((Field("z", U32),), name="point")
    tools = [
        tool("a", result=POINT, component="one"),
        tool("b", result=other, component="two"),
        tool("c", result=third, component="two"),
    ]
    text = stubs(tools, "python")
    assert "-> Point:" in text
    assert "def b() -> TwoPoint:" in text
    assert "def c() -> TwoPoint2:" in text


@pytest.mark.parametrize("name", ["none", "literal", "error", "base64", "typed-dict"])
def test_a_type_takes_no_name_that_means_something(name: str) -> None:
    made = tool("get", result=Record((Field("x", U32),), name=name))
    for language in LANGUAGES:
        assert "Demo" in stubs([made], language)


def test_defaults_stand_where_they_can() -> None:
    optional, needed = Param("few-words", Option(STRING)), Param("count", U32)
    last, first = tool("last", needed, optional), tool("first", optional, needed)
    assert "def last(count: int, few_words: str | None = None) -> None" in stubs([last], "python")
    assert "def first(few_words: str | None, count: int) -> None" in stubs([first], "python")
    assert "function last(count: number, fewWords?: string): null" in stubs([last], "typescript")
    assert "function first(fewWords: string | null, count: number): null" in stubs([first], "typescript")


def test_names_that_a_language_keeps_to_itself_get_an_underscore() -> None:
    made = tool("move", Param("from", U32), Param("default", U32), Param("in", U32))
    assert "def move(from_: int, default: int, in_: int)" in stubs([made], "python")
    assert "function move(from: number, default_: number, in_: number)" in stubs([made], "typescript")


def test_docs_are_the_first_paragraph_and_the_parameters() -> None:
    made = tool("add", Param("a", U32, "the first\nnumber"), docs="Add two numbers.\n\nSlowly, with care.")
    assert '    """Add two numbers.\n\n    a: the first number\n    """' in stubs([made], "python")
    assert "/** Add two numbers.\n * @param a the first number */" in stubs([made], "typescript")
    for language in LANGUAGES:
        assert "Slowly" not in stubs([made], language)
        text = stubs([replace(made, description="many words " * 500)], language)
        assert len(text) < 1500
        assert "words…" in text or "many…" in text


HOSTILE = [
    'end""" it\nimport os', "end */ it", "\u202eback", "back\\", 'quote"', "type: ignore", "\x85", "# x",
    "''' ", "\u2028line", "\\N{DASH} \\x", "*", "/", '"', "{}", "%s", "\0",
]  # fmt: skip


def parsed(text: str) -> None:
    """Fail unless ``text`` is TypeScript."""
    tree_sitter = pytest.importorskip("tree_sitter")
    typescript = pytest.importorskip("tree_sitter_typescript")
    parser = tree_sitter.Parser(tree_sitter.Language(typescript.language_typescript()))
    assert not parser.parse(text.encode()).root_node.has_error, text


@pytest.mark.parametrize("docs", HOSTILE)
def test_no_docs_can_end_the_comment_they_stand_in(docs: str) -> None:
    record = Record((Field("a", U32, docs), Field("b-c", SHAPE, docs)), name="r")
    variant = Variant((Case("a", U32, docs), Case("b", None, docs)), name="v")
    for one in (Record(record.fields[:1], "s"), record):
        made = tool("f", Param("p", one, docs), Param("q", variant, docs), result=one, docs=docs)
        module = ast.parse(stubs([made], "python"), type_comments=True)
        assert not [node for node in ast.walk(module) if isinstance(node, ast.Import)]
        function = next(node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))
        assert len(function.body) == 1
        parsed(stubs([made], "typescript"))


@settings(max_examples=20)
@given(st.lists(strategies.functions(), min_size=1, max_size=4, unique_by=lambda each: each.name))
def test_stubs_of_any_functions_are_valid(functions: list[Function]) -> None:
    tools = [
        Tool(f.name.replace("-", "_"), f.name, "", schema.input_schema(f), None, f, "any", "")
        for f in functions
    ]
    module = ast.parse(stubs(tools, "python"))
    defined = [node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    defined += [n.targets[0].id for n in module.body if isinstance(n, ast.Assign)]  # type: ignore[attr-defined]
    assert len(defined) == len(set(defined))
    parsed(stubs(tools, "typescript"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_type_checker_takes_right_calls_and_refuses_wrong_ones(
    shipped: tuple[Tool, ...], tmp_path: Path
) -> None:
    extra = tool(
        "demo_shapes", Param("shape", SHAPE), Param("point", POINT), result=List(Result(U32, STRING))
    )
    (tmp_path / "tools.pyi").write_text(stubs([*shipped, extra], "python"), encoding="utf-8")
    right = [
        'tools.units_convert(5, from_="mi", to="km")["value"] + 1.0',
        'tools.hash_digest({"tag": "text", "val": "a"})["hex"].upper()',
        'tools.hash_digest({"tag": "bytes", "val": "AA=="}, algorithm="md5")["input-bytes"] + 1',
        '[word["word"].upper() for word in tools.text_stats_top_words("a b", {"limit": 3})]',
        'tools.demo_shapes({"tag": "none"}, {"x-axis": 1.0})',
        "tools.ToolError().kind.upper()",
    ]
    wrong = [
        'tools.units_convert("5", "mi", "km")',
        'tools.hash_digest({"tag": "text", "val": 1})',
        'tools.hash_digest({"tag": "text", "val": "a"}, algorithm="md6")',
        'tools.hash_digest({"tag": "text", "val": "a"})["length"]',
        'tools.demo_shapes({"tag": "none"}, {"label": "a"})',
        "tools.text_stats_count()",
    ]
    (tmp_path / "uses.py").write_text("\n".join(["import tools", *right, *wrong]), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "uses.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = {line.partition(": ")[0] for line in done.stdout.splitlines() if ": error: " in line}
    first = 2 + len(right)
    assert told == {f"uses.py:{number}" for number in range(first, first + len(wrong))}, done.stdout


def test_stubs_are_about_a_third_of_the_schemas(shipped: tuple[Tool, ...]) -> None:
    raw = sum(
        len(json.dumps([t.name, t.description, t.input_schema, t.output_schema], separators=(",", ":")))
        for t in shipped
    )
    assert len(stubs(shipped, "python")) < 0.45 * raw
    assert len(stubs(shipped, "typescript")) < 0.45 * raw
