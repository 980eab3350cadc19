"""Type hints to WIT types, and docstrings to docs."""

from __future__ import annotations

import pytest

from mcp_wasm.build.signature import python, wit
from mcp_wasm.build.signature.model import Parameter
from mcp_wasm.component.schema import input_schema, output_schema
from mcp_wasm.component.types import Enum, Flags, Primitive, Record, Type, Variant
from tests.build.signature.conftest import ReadBack
from tests.build.signature.programs import PYTHON

IMPORTS = """
import collections.abc, datetime, decimal, enum, pathlib, typing, uuid
import typing as t
from dataclasses import dataclass
"""

TYPES = {
    "int": "s64",
    "float": "f64",
    "bool": "bool",
    "str": "string",
    "bytes": "list<u8>",
    "list[int]": "list<s64>",
    "typing.List[int]": "list<s64>",
    "t.List[int]": "list<s64>",
    "typing.Sequence[str]": "list<string>",
    "collections.abc.Iterable[str]": "list<string>",
    "set[str]": "list<string>",
    "frozenset[str]": "list<string>",
    "tuple[int, str]": "tuple<s64, string>",
    "tuple[int, ...]": "list<s64>",
    "typing.Tuple[int]": "tuple<s64>",
    "dict[str, int]": "list<tuple<string, s64>>",
    "typing.Mapping[str, list[bytes]]": "list<tuple<string, list<list<u8>>>>",
    "typing.Optional[int]": "option<s64>",
    "int | None": "option<s64>",
    "None | int": "option<s64>",
    "typing.Union[int, None]": "option<s64>",
    "typing.Optional[typing.Optional[int]]": "option<s64>",
    "int | float": "f64",
    "typing.Union[float, int, None]": "option<f64>",
    "list[int | None]": "list<option<s64>>",
    "'int'": "s64",
    "'list[int]'": "list<s64>",
    "list['int']": "list<s64>",
    "typing.Annotated[int, 'how many']": "s64",
    "datetime.datetime": "string",
    "datetime.date": "string",
    "datetime.time": "string",
    "decimal.Decimal": "string",
    "uuid.UUID": "string",
    "pathlib.Path": "string",
    "typing.Final[int]": "s64",
}


def taken(annotation: str, before: str = "") -> Type:
    """The type of a parameter with that annotation."""
    source = f"{IMPORTS}{before}\ndef f(x: {annotation}) -> None: ...\n"
    return python.signature(source, file="f.py").functions[0].parameters[0].type


@pytest.mark.parametrize("annotation", TYPES)
def test_a_type_hint_is_a_wit_type(annotation: str) -> None:
    assert wit.reference(taken(annotation)) == TYPES[annotation]


def test_a_result_may_be_an_iterator_and_is_a_list() -> None:
    source = f"{IMPORTS}\ndef f() -> typing.Iterator[int]:\n    yield 1\n"
    assert wit.reference(python.signature(source).functions[0].result) == "list<s64>"
    generator = source.replace("Iterator[int]", "Generator[int, None, None]")
    assert wit.reference(python.signature(generator).functions[0].result) == "list<s64>"


def test_a_literal_is_an_enum_and_a_union_a_variant_with_a_case_for_each_type() -> None:
    assert taken("typing.Literal['a', 'b', 'a']") == Enum(("a", "b"))
    assert taken("typing.Literal['a'] | typing.Literal['b']") == Enum(("a", "b"))
    assert taken("typing.Literal['dark_blue', 'Light Blue']") == Enum(("dark-blue", "light-blue"))
    union = taken("int | str | list[int] | None")
    assert wit.reference(union) == "option<f-x>"
    variant = taken("int | str | list[int]")
    assert isinstance(variant, Variant)
    assert [(case.name, wit.reference(case.type)) for case in variant.cases] == [
        ("int", "s64"),
        ("str", "string"),
        ("list", "list<s64>"),
    ]
    lists = taken("typing.Union[list[int], list[str]]")
    assert isinstance(lists, Variant)
    assert [case.name for case in lists.cases] == ["list-int", "list-str"]
    mixed = taken("typing.Literal['auto'] | int")
    assert isinstance(mixed, Variant)
    assert mixed.cases[1].type == Enum(("auto",))
    assert [case.name for case in mixed.cases] == ["int", "literal"]


@pytest.mark.parametrize(
    ("before", "annotation", "expected"),
    [
        ("A = list[int]", "A", "list<s64>"),
        ("A: typing.TypeAlias = list[int]", "A", "list<s64>"),
        ("A = typing.NewType('A', int)", "A", "s64"),
        ("A = typing.Optional[int]\nB = A", "B", "option<s64>"),
        ("A = int | None", "A | None", "option<s64>"),
        ("A = typing.Literal['x', 'y']", "A", "a"),
        ("A = typing.Literal['x', 'y']", "A | None", "option<a>"),
        ("A = int | str", "list[A]", "list<a>"),
        ("A = int | str", "A | None", "option<a>"),
        ("A = int | str", "A | bytes | None", "option<f-x>"),
        ("try:\n    A = int\nexcept ImportError:\n    pass", "A", "s64"),
    ],
)
def test_an_alias_is_what_it_stands_for_and_gives_its_name(
    before: str, annotation: str, expected: str
) -> None:
    assert wit.reference(taken(annotation, before)) == expected


def test_an_enum_class_has_its_values_as_cases_where_they_are_fit() -> None:
    before = (
        "class A(enum.Enum):\n    ONE = 'first-one'\n    TWO = 2\n    THREE = '3'\n    ALSO = 'first-one'"
    )
    assert taken("A", before) == Enum(("first-one", "two", "three"))
    doc = '"""What.\n\n    Attributes:\n        B: of b\n    """'
    text = f'class A(str, enum.Enum):\n    {doc}\n    B = "b"\n    C = "c"'
    documented = taken("A", text)
    assert isinstance(documented, Enum)
    assert (documented.docs, documented.case_docs) == ("What.", ("of b", ""))


def test_flags_are_the_members_of_one_bit() -> None:
    before = (
        "class A(enum.IntFlag):\n    R = 1\n    W = enum.auto()\n    X = 1 << 3\n    RW = R | W\n    NO = 0"
    )
    assert taken("A", before) == Flags(("r", "w", "x"))


def test_dataclasses_named_tuples_and_typed_dicts_are_records() -> None:
    expected = "a: s64, b: option<string>"

    def fields(before: str) -> str:
        record = taken("A", before)
        assert isinstance(record, Record)
        return ", ".join(f"{each.name}: {wit.reference(each.type)}" for each in record.fields)

    assert fields("@dataclass\nclass A:\n    a: int\n    b: str = ''") == expected
    assert fields("@dataclass(frozen=True)\nclass A:\n    a: int\n    b: str | None = None") == expected
    assert fields("class A(typing.NamedTuple):\n    a: int\n    b: str = ''") == expected
    assert fields("class A(typing.TypedDict):\n    a: int\n    b: typing.NotRequired[str]") == expected
    partial = "class A(typing.TypedDict, total=False):\n    a: typing.Required[int]\n    b: str"
    assert fields(partial) == expected
    base = "@dataclass\nclass B:\n    a: int\n    z: typing.ClassVar[int] = 1\n"
    assert fields(f"{base}@dataclass\nclass A(B):\n    b: str = ''") == expected


def test_a_default_makes_an_option_and_is_told() -> None:
    source = (
        "def f(a: int, b: int = 3, *, c: str | None = None, d: float = -0.5, e: list[int] = []) -> None:\n"
        '    """F.\n\n    Args:\n        b: Of b.\n    """\n'
    )
    assert python.signature(source).functions[0].parameters == (
        Parameter("a", "a", Primitive("s64")),
        Parameter("b", "b", taken("int | None"), True, "Of b. Default: 3."),
        Parameter("c", "c", taken("str | None"), True),
        Parameter("d", "d", taken("float | None"), True, "Default: -0.5."),
        Parameter("e", "e", taken("list[int] | None"), True),
    )


def test_annotated_describes_a_parameter_and_a_field() -> None:
    source = (
        "from typing import Annotated\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n"
        "    x: Annotated[int, 'how many']\n"
        "def f(a: Annotated[int, Field(description='of a')], b: A, c: Annotated[int, 5, 'of c'])"
        " -> None: ...\n"
    )
    a, b, c = python.signature(source).functions[0].parameters
    assert (a.docs, c.docs) == ("of a", "of c")
    assert isinstance(b.type, Record)
    assert b.type.fields[0].docs == "how many"


def test_all_public_functions_with_complete_hints_are_published_or_those_that_are_named() -> None:
    assert [f.code_name for f in python.signature(PYTHON).functions] == [
        "total", "split", "scale", "nothing", "choose", "shape", "raw", "said",
    ]  # fmt: skip
    named = python.signature(PYTHON, functions=["split", "total"], world="w")
    assert [(f.code_name, f.name, f.line) for f in named.functions] == [
        ("split", "split", 86),
        ("total", "total", 69),
    ]


def test_of_two_functions_with_one_name_the_last_counts() -> None:
    source = "def f(x: int) -> int: ...\ndef f(x: str) -> str: ...\n"
    assert wit.reference(python.signature(source).functions[0].result) == "string"


def test_the_wit_text_of_a_source_is_read_back_as_the_same_schemas(read_back: ReadBack) -> None:
    signature = python.signature(PYTHON, world="orders")
    back = read_back(signature)
    assert list(back) == [each.name for each in signature.functions]
    for each in signature.functions:
        assert input_schema(back[each.name]) == input_schema(each.function), each.name
        assert output_schema(back[each.name]) == output_schema(each.function), each.name
        assert back[each.name].docs == each.docs


def test_names_that_are_words_of_wit_are_escaped(read_back: ReadBack) -> None:
    source = (
        "from dataclasses import dataclass\nfrom typing import Literal\n"
        "@dataclass\nclass Record:\n    type: int\n    from_: str\n"
        "@dataclass\nclass List:\n    func: Record\n"
        "def export(world: List, import_: Literal['use', 'as'], map: Record) -> Record: ...\n"
        "def record(x1: int, x_2: int, HTTPServer: int) -> int: ...\n"
    )
    signature = python.signature(source, world="package")
    back = read_back(signature)
    assert signature.world == "package-tool"
    for each in signature.functions:
        assert back[each.name].params == each.function.params
        assert back[each.name].result == each.function.result
    assert [p.name for p in signature.functions[1].parameters] == ["x1", "x-2", "http-server"]


def test_the_source_is_never_run() -> None:
    source = "raise SystemExit(3)\nimport nowhere\nopen('/nothing')\ndef f(x: int) -> int: ...\n"
    assert python.signature(source).functions[0].name == "f"
