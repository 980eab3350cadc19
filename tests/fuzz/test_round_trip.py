"""Values of every type go into a real component and come back in their normal form."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
    Flags,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)
from mcp_wasm.runtime import Runtime
from tests.component.strategies import PRIMITIVES, normal, types, valid
from tests.echo import MARK, arguments, echo, echo_function
from tests.fuzz.bounded import TIMEOUT, named, seeds

U8, U32, S64, U64, F32, F64, CHAR, TEXT, BOOL = (
    Primitive(name) for name in ("u8", "u32", "s64", "u64", "f32", "f64", "char", "string", "bool")
)


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    with Runtime(home=home) as made:
        yield made


class Echoes:
    """A published component that echoes values of ``types``."""

    def __init__(self, runtime: Runtime, types: Sequence[Type], name: str = "e") -> None:
        self._runtime, self._name = runtime, name
        path = runtime.home.parent / f"{name}.wat"
        path.write_text(echo(types))
        self._component = runtime.add(path)
        for index, type_ in enumerate(types):
            tool = runtime.tool(f"{name}_echo_{index}")
            assert tool.function == echo_function(type_, f"echo-{index}")

    def __call__(self, index: int, value: Any) -> Any:
        """What comes back; it must satisfy the published schema and stand in the text too."""
        name = f"{self._name}_echo_{index}"
        outcome = self._runtime.call_sync(name, arguments(value))
        described = self._runtime.tool(name).output_schema
        assert described is not None
        Draft202012Validator(described).validate({"result": outcome.value})
        assert json.dumps(json.loads(outcome.text)) == json.dumps(outcome.value)
        result: Any = outcome.value
        back, mark = result
        assert mark == MARK
        return back


def record(**fields: Type) -> Record:
    return Record(tuple(Field(name.replace("_", "-"), type_) for name, type_ in fields.items()))


def deep(type_: Type, levels: int) -> Type:
    for _ in range(levels):
        type_ = List(type_)
    return type_


def nested(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


TREE = Variant(
    (Case("leaf"), Case("tag", TEXT), Case("val", record(tag=U8, val=Option(U64))), Case("some", List(BOOL)))
)
CASES: list[tuple[Type, list[Any]]] = [
    *((Primitive(f"u{n}"), [0, 1, 2**n - 1]) for n in (8, 16, 32)),  # type: ignore[arg-type]
    *((Primitive(f"s{n}"), [0, -1, 2 ** (n - 1) - 1, -(2 ** (n - 1))]) for n in (8, 16, 32)),  # type: ignore[arg-type]
    (U64, [0, 2**53 - 1, 2**53, 2**63, 2**64 - 1, str(2**64 - 1), "007", 1e3]),
    (S64, [0, -(2**53) + 1, -(2**53), 2**63 - 1, -(2**63), str(-(2**63)), "-0", -1e3]),
    (
        F32,
        [0.0, -0.0, 0.1, 1, 2**24 + 1, 1e-45, 1.17549435e-38, 3.4028234663852886e38, -3.4028234663852886e38],
    ),
    (F32, ["NaN", "Infinity", "-Infinity", 2**-149, 16777217, 1e-60, 8.5e37]),
    (
        F64,
        [
            0.0,
            -0.0,
            0.1,
            1,
            2**53 + 1,
            5e-324,
            1.7976931348623157e308,
            "NaN",
            "Infinity",
            "-Infinity",
            10**308,
        ],
    ),
    (CHAR, ["a", "\0", "é", "\u2028", "\ud7ff", "\ue000", "\uffff", "\U0001f600", "\U0010ffff"]),
    (TEXT, ["", "\0", "a\0b", "é", "e\u0301", "\u202e", "\U0001f600" * 1000, "x" * 100_000, "\u2028", '"\\']),
    (BOOL, [True, False]),
    (List(U8), ["", "AA==", [], [0, 255, 1.0], base64.b64encode(bytes(range(256)) * 1000).decode()]),
    (List(List(U8)), [[], [""], ["AA==", [1]], [[]] * 3]),
    (List(BOOL), [[], [True, False] * 500]),
    (List(TEXT), [[], [""], ["a", "é"] * 500]),
    (List(CHAR), [[], list("aé\U0001f600") * 100]),
    (List(F32), [[], [0.1, "NaN", 1, -0.0] * 100]),
    (List(F64), [[], [0.1, -0.0, 1e308] * 100, [0.1, "NaN", 1] * 100, [1.0, 2]]),
    (List(U64), [[], list(range(1000)), [2**64 - 1, 2**53, 0], [1, "18446744073709551615", 2.0]]),
    (List(S64), [[], [-(2**63), 2**63 - 1, -1], [-1.0, "-9223372036854775808"]]),
    (List(Option(U8)), [[], [None, 0, 255]]),
    (Option(Option(U8)), [None, {"some": None}, {"some": 3}]),
    (Option(Option(Option(U8))), [None, {"some": None}, {"some": {"some": None}}, {"some": {"some": 3}}]),
    (Option(Result(Option(U8), Option(TEXT))), [None, {"ok": None}, {"ok": 1}, {"err": None}, {"err": "x"}]),
    (Result(), [{"ok": None}, {"err": None}]),
    (Result(U8), [{"ok": 1}, {"err": None}]),
    (Result(None, Result(None, TEXT)), [{"ok": None}, {"err": {"ok": None}}, {"err": {"err": "ok"}}]),
    (
        record(ok=U8, err=Option(U8), some=Option(Option(U8))),
        [{"ok": 1}, {"ok": 1, "err": None, "some": {"some": 2}}],
    ),
    (record(b=U64, a_b=U8, a=TEXT), [{"a": "x", "b": 2**60, "a-b": 1}]),
    (
        TREE,
        [
            {"tag": "leaf"},
            {"tag": "tag", "val": "val"},
            {"tag": "val", "val": {"tag": 1}},
            {"tag": "some", "val": [True]},
        ],
    ),
    (
        Variant((Case("a", U8), Case("b", F64), Case("c", S64), Case("d", F32))),
        [
            {"tag": "a", "val": 1},
            {"tag": "b", "val": -0.0},
            {"tag": "c", "val": -1},
            {"tag": "d", "val": "NaN"},
        ],
    ),
    (
        Variant(tuple(Case(f"c{n}", U8 if n % 2 else None) for n in range(300))),
        [
            {"tag": "c0"},
            {"tag": "c299", "val": 1},
            {"tag": "c256"},
        ],
    ),
    (Enum(tuple(f"e{n}" for n in range(300))), ["e0", "e255", "e256", "e299"]),
    *(
        (
            Flags(tuple(f"f{n}" for n in range(count))),
            [
                [],
                ["f0"],
                [f"f{count - 1}"],
                [f"f{n}" for n in reversed(range(count))],
            ],
        )
        for count in (1, 7, 8, 9, 16, 17, 31, 32)
    ),
    (List(Flags(("a", "b"))), [[], [["b", "a"], [], ["a"]]]),
    (Tuple((U8,)), [[1]]),
    (Tuple((U8, U64, BOOL, Tuple((F32, Tuple((CHAR,)))))), [[1, 2**63, True, [0.1, ["x"]]]]),
    (Tuple((U8,) * 40), [list(range(40))]),
    (deep(U32, 50), [[], nested(7, 50)]),
    (List(record(id=U32, tags=List(TEXT))), [[{"id": n, "tags": ["a"] * (n % 3)} for n in range(500)]]),
]


def test_the_values_on_the_edges_of_every_type_come_back_from_a_component(runtime: Runtime) -> None:
    echoes = Echoes(runtime, [type_ for type_, _ in CASES])
    for index, (type_, values) in enumerate(CASES):
        for value in values:
            assert json.dumps(echoes(index, value)) == json.dumps(normal(type_, value)), type_


def echo_all(runtime: Runtime, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(types(), min_size=1, max_size=4))
    echoes = Echoes(runtime, drawn)
    for index, type_ in enumerate(drawn):
        for value in data.draw(st.lists(valid(type_), min_size=1, max_size=4)):
            assert json.dumps(echoes(index, value)) == json.dumps(normal(type_, value))


QUICK = settings(max_examples=10, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=50, database=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(data=st.data())
def test_values_of_random_types_come_back_from_a_component(runtime: Runtime, data: st.DataObject) -> None:
    echo_all(runtime, data)


@pytest.mark.fuzz
@pytest.mark.timeout(TIMEOUT)
def test_values_of_many_random_types_come_back_from_a_component(runtime: Runtime) -> None:
    for seed in seeds():
        with named(seed):
            hypothesis.seed(seed)(LONG(given(st.data())(lambda data: echo_all(runtime, data))))()


@pytest.mark.parametrize("primitive", PRIMITIVES, ids=lambda type_: type_.primitive)
def test_a_long_list_comes_back_whole(runtime: Runtime, primitive: Primitive) -> None:
    echoes = Echoes(runtime, [List(primitive)])
    value = {"bool": True, "char": "é", "string": "é", "f32": 0.5, "f64": 0.5}.get(primitive.primitive, 7)
    back = echoes(0, [value] * 10_000)
    assert back == (base64.b64encode(b"\7" * 10_000).decode() if primitive == U8 else [value] * 10_000)
