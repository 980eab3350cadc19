"""What has no WIT type is refused with the line, the column, the reason, and what to write instead."""

from __future__ import annotations

import pytest

from mcp_wasm.build.signature import python
from mcp_wasm.build.signature.parts import MOST
from mcp_wasm.build.signature.python import MOST_FUNCTIONS
from mcp_wasm.build.signature.python_scope import LARGEST
from mcp_wasm.errors import SignatureRefused

HEAD = "import typing, enum, dataclasses, datetime, collections\nfrom dataclasses import dataclass\n"

REFUSED = [
    ("", 1, 1, "no public function", "def add"),
    ("x = 1", 1, 1, "no public function", "def add"),
    ("def _f(x: int) -> int: ...", 1, 1, "no public function", "def add"),
    ("def f(x) -> int: ...", 3, 7, "parameter `x` of `f` has no type", "x: str"),
    ("def f(x: int): ...", 3, 1, "`f` has no result type", "-> None"),
    ("def f(x: int, *, y) -> int: ...", 3, 18, "parameter `y` of `f` has no type", "y: str"),
    ("def f(*args: int) -> int: ...", 3, 8, "`*args`", "list[T]"),
    ("def f(**kw: int) -> int: ...", 3, 9, "`**kw`", "dict[str, T]"),
    ("def f(x: typing.Any) -> int: ...", 3, 10, "`typing.Any` can be anything", "Use int"),
    ("def f(x: object) -> int: ...", 3, 10, "`object` can be anything", "Use int"),
    ("def f(x: int) -> dict: ...", 3, 18, "`dict` does not say what is in it", "dict[str, int]"),
    ("def f(x: list) -> int: ...", 3, 10, "`list` does not say what is in it", "list[str]"),
    ("def f(x: tuple) -> int: ...", 3, 10, "`tuple` does not say what is in it", "tuple[str, int]"),
    ("def f(x: list[dict]) -> int: ...", 3, 15, "`dict` does not say", "dict[str, int]"),
    ("def f(x: dict[str, typing.Any]) -> int: ...", 3, 20, "can be anything", "Use int"),
    ("def f(x: dict[str]) -> int: ...", 3, 10, "keys and values", "dict[K, V]"),
    ("def f(x: list[int, str]) -> int: ...", 3, 10, "needs one type", "list[T]"),
    ("def f(x: tuple[()]) -> int: ...", 3, 10, "empty tuple", "Leave it out"),
    ("def f(x: None) -> int: ...", 3, 10, "None alone", "Optional"),
    ("def f(x: typing.Optional[None]) -> int: ...", 3, 10, "None alone", "Optional"),
    ("def f(x: typing.Iterator[int]) -> int: ...", 3, 10, "cannot be given", "list[T]"),
    ("def f(x: complex) -> int: ...", 3, 10, "`complex` has no WIT type", "tuple[float"),
    ("def f(x: datetime.timedelta) -> int: ...", 3, 10, "no WIT type", "float, for seconds"),
    ("def f(x: typing.Callable[[int], int]) -> int: ...", 3, 10, "no WIT type", "cannot be sent"),
    ("def f(x: Optional[int]) -> int: ...", 3, 10, "not defined", "from typing import Optional"),
    ("def f(x: Nothing) -> int: ...", 3, 10, "`Nothing` is not defined", "Define it"),
    ("def f(x: 'a b') -> int: ...", 3, 10, "'a b' is no type", "Use int"),
    ("def f(x: 3) -> int: ...", 3, 10, "`3` is no type", "Use int"),
    ("def f(x: typing.Literal[1, 2]) -> int: ...", 3, 25, "`1` in Literal is no string", "such as int"),
    ("def f(x: typing.Literal['1st']) -> int: ...", 3, 10, "'1st' cannot be the name", "letter"),
    ("def f(x: typing.Literal['a b', 'a_b']) -> int: ...", 3, 10, "both `a-b`", "Rename"),
    ("def f(x: typing.Literal['ä']) -> int: ...", 3, 10, "'ä' cannot be the name", "letter"),
    ("def f(a_b: int, aB: int) -> int: ...", 3, 17, "two parameters of `f` are `a-b`", "Rename"),
    ("def f(größe: int) -> int: ...", 3, 7, "`größe` cannot be a name", "ASCII"),
    ("def größe(x: int) -> int: ...", 3, 1, "`größe` cannot be a name", "ASCII"),
    ("def a_b() -> None: ...\ndef aB() -> None: ...", 4, 1, "both `a-b`", "Rename"),
    ("T = typing.TypeVar('T')\ndef f(x: T) -> int: ...", 4, 10, "call of typing.TypeVar", "type variable"),
    (
        "A = collections.namedtuple('A', 'x')\ndef f(x: A) -> int: ...",
        4, 10, "is made by a call", "NamedTuple",
    ),
    ("class A:\n    x: int\ndef f(x: A) -> int: ...", 3, 1, "without declared fields", "@dataclass"),
    ("class A: ...\ndef f(x: A) -> int: ...", 3, 1, "without declared fields", "dataclass"),
    ("class A(enum.Enum): ...\ndef f(x: A) -> int: ...", 3, 1, "no members", "RED"),
    ("class A(enum.Enum):\n    a = 'x-y'\n    b = 'x_y'\ndef f(x: A) -> int: ...", 5, 5, "`x-y`", "Rename"),
    ("class A(enum.IntFlag):\n    a = g()\ndef f(x: A) -> int: ...", 4, 5, "cannot be read", "auto()"),
    ("@dataclass\nclass A: ...\ndef f(x: A) -> int: ...", 4, 1, "no fields", "fields"),
    ("@dataclass\nclass A:\n    n: 'A'\ndef f(x: A) -> int: ...", 5, 8, "contains itself", "flat list"),
    ("@dataclass\nclass A:\n    n: 'list[A] | None'\ndef f(x: A) -> int: ...", 5, 8, "itself", "flat"),
    ("A = list['A']\ndef f(x: A) -> int: ...", 3, 10, "contains itself", "flat list"),
    (
        "@dataclass\nclass A:\n    x: dataclasses.InitVar[int]\ndef f(x: A) -> int: ...",
        5, 5, "InitVar", "field",
    ),
    (
        "@dataclass\nclass A:\n    x: int = dataclasses.field(init=False)\ndef f(x: A) -> int: ...",
        5, 5, "init=False", "compute",
    ),
    (
        "@dataclass\nclass A(Exception):\n    x: int\ndef f(x: A) -> int: ...",
        4, 1, "base class Exception", "none",
    ),
    (
        "@dataclass\nclass A:\n    a_b: int\n    aB: int\ndef f(x: A) -> int: ...",
        6, 5, "two fields", "Rename",
    ),
    ("class O:\n    class I: ...\ndef f(x: O.I) -> int: ...", 5, 10, "`O.I` has no WIT type", "Use int"),
    (
        "if typing.TYPE_CHECKING:\n    from pandas import D\ndef f(x: D) -> int: ...",
        5, 10, "type checkers", "outside",
    ),
    ("import pandas\ndef f(x: pandas.DataFrame) -> int: ...", 4, 10, "`pandas.DataFrame` has no", "Use int"),
    ("def f(x: int | (str, int)) -> int: ...", 3, 16, "is no type", "Use int"),
    ("def f(x: int) -> int:\n  return (", 4, 10, "SyntaxError: '(' was never closed", ""),
    ("def f(x: int) -> int: ...\0", 1, 1, "null bytes", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "line", "column", "reason", "hint"), REFUSED)
def test_what_cannot_be_typed_is_refused(source: str, line: int, column: int, reason: str, hint: str) -> None:
    with pytest.raises(SignatureRefused) as refusal:
        python.signature(HEAD + source, file="tool.py")
    refused = refusal.value
    assert reason in refused.reason
    assert hint in refused.hint
    assert (refused.file, refused.line, refused.column) == ("tool.py", line, column)
    assert str(refused).startswith(f"tool.py:{line}:{column}: ")


def test_a_named_function_must_be_there_public_and_typed() -> None:
    source = "def f(x: int) -> int: ...\ndef _g(x: int) -> int: ...\ndef h(x): ...\n"
    for name, reason in (("nope", "no function `nope`"), ("_g", "private"), ("h", "has no type")):
        with pytest.raises(SignatureRefused, match=reason):
            python.signature(source, functions=["f", name])
    assert len(python.signature(source, functions=["f", "f"]).functions) == 1


def test_a_function_that_is_not_published_may_take_anything() -> None:
    source = "from typing import Any\ndef f(x: int) -> int: ...\ndef g(x: Any) -> int: ...\n"
    assert len(python.signature(source, functions=["f"]).functions) == 1
    with pytest.raises(SignatureRefused, match="anything"):
        python.signature(source)


def test_a_source_and_its_types_have_a_largest_size() -> None:
    rest = "def f(x: int) -> int: ...\n"
    python.signature(rest + "#" * (LARGEST - len(rest)))
    with pytest.raises(SignatureRefused, match="larger than 512 KiB"):
        python.signature(rest + "#" * (LARGEST - len(rest) + 1))
    functions = [f"def f{n}() -> None: ...\n" for n in range(MOST_FUNCTIONS + 1)]
    assert len(python.signature("".join(functions[1:])).functions) == MOST_FUNCTIONS
    with pytest.raises(SignatureRefused, match="more than 100 public functions"):
        python.signature("".join(functions))
    doubled = "".join(f"A{n + 1} = tuple[A{n}, A{n}]\n" for n in range(14))
    with pytest.raises(SignatureRefused, match=f"more than {MOST} parts"):
        python.signature(f"A0 = int\n{doubled}def f(x: A14) -> int: ...\n")
    assert python.signature(f"A0 = int\n{doubled}def f(x: A5) -> int: ...\n").functions


def test_records_that_grow_with_each_level_are_refused_by_the_size_of_their_schema() -> None:
    fields = "from dataclasses import dataclass\n@dataclass\nclass A0:\n    x: int\n"
    for n in range(20):
        fields += f"@dataclass\nclass A{n + 1}:\n    a: A{n}\n    b: A{n}\n"
    with pytest.raises(SignatureRefused, match="would be larger than 256 KiB"):
        python.signature(f"{fields}def f(x: A20) -> int: ...\n")
    assert python.signature(f"{fields}def f(x: A5) -> int: ...\n").functions


HOSTILE = {
    "parentheses": "(" * 50_000,
    "lists": "x = " + "[" * 90 + "]" * 90,
    "minus": "x = " + "-" * 100_000 + "1",
    "attributes": "def f(x: a" + ".b" * 50_000 + ") -> int: ...",
    "sums": "x = " + "1+" * 100_000 + "1",
    "unions": "def f(x: " + "int | " * 40_000 + "int) -> int: ...",
    "literals": "import typing\ndef f(x: typing.Literal[" + "'a'," * 60_000 + "]) -> int: ...",
    "subscripts": "def f(x: " + "list[" * 90 + "int" + "]" * 90 + ") -> int: ...",
    "quoted": 'def f(x: "' + "(" * 5_000 + '") -> int: ...',
    "aliases": "A = B\nB = A\ndef f(x: A | int | str) -> int: ...",
    "calls": "def f(x: f" + "()" * 50_000 + ") -> int: ...",
    "a digit": "x = " + "9" * 100_000,
    "bases": "class A(A): ...\ndef f(x: A) -> int: ...",
    "mutual bases": "class B: ...\nclass A(B): ...\nclass B(A): ...\ndef f(x: A) -> int: ...",
    "surrogates": "def f(x: '\ud800') -> int: ...",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_hostile_sources_are_refused_and_no_more(source: str) -> None:
    with pytest.raises(SignatureRefused):
        python.signature(source)
