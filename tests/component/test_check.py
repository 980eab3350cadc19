"""What is accepted and what is refused: tables of cases, the schema as an oracle, and hostile values."""

from __future__ import annotations

import json
import math

import pytest

from mcp_wasm.component.check import COUNTED, SHOWN, check
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

U8, S8, U32, U64, S64, F32, F64, CHAR, TEXT, BOOL = (
    Primitive(n) for n in ("u8", "s8", "u32", "u64", "s64", "f32", "f64", "char", "string", "bool")
)
BYTES = List(U8)
POINT = Record((Field("x", U32), Field("y-z", Option(F32))))
SHAPE = Variant((Case("dot"), Case("circle", U32)))
PERMS = Flags(("read", "write"))
NESTED = Option(Option(U8))
COUNTS = List(Tuple((TEXT, U8)))


def checked(type_: Type, value: object) -> list[tuple[str, str, str]]:
    found = check(Function("", "f", (Param("v", type_),)), {"v": value})
    return [(m.pointer, m.expected, m.found) for m in found]


ACCEPTED: list[tuple[Type, object]] = [
    (BOOL, True),
    (U8, 255),
    (U8, 1.0),
    (U8, -0.0),
    (U32, 1e3),
    (S8, -128),
    (U64, 2**64 - 1),
    (U64, str(2**64 - 1)),
    (U64, 1e19),
    (U64, "007"),
    (S64, str(-(2**63))),
    (S64, -(2**63)),
    (F32, 16777217),
    (F32, 3.4028235e38),
    (F32, 3.4028235677973362e38),
    (F32, "NaN"),
    (F64, "-Infinity"),
    (F64, 1.7976931348623157e308),
    (F64, 10**308),
    (CHAR, "é"),
    (CHAR, "\U0001f600"),
    (TEXT, ""),
    (TEXT, "\0"),
    (BYTES, ""),
    (BYTES, "AAECAw=="),
    (BYTES, [0, 255, 1.0]),
    (BYTES, ()),
    (BYTES, b"\0\xff"),
    (BYTES, bytearray(b"x")),
    (List(U32), (1, 2)),
    (COUNTS, {}),
    (COUNTS, {"a": 1, "": 2}),
    (COUNTS, [["a", 1], ["a", 2]]),
    (List(COUNTS), [{"a": 1}, [["b", 2]]]),
    (Tuple((U8, TEXT)), [1, "a"]),
    (Tuple(()), []),
    (POINT, {"x": 1}),
    (POINT, {"x": 1, "y-z": None}),
    (SHAPE, {"tag": "dot"}),
    (SHAPE, {"tag": "circle", "val": 3}),
    (Enum(("a", "b")), "b"),
    (PERMS, []),
    (PERMS, ["write", "read"]),
    (Option(U8), None),
    (NESTED, None),
    (NESTED, {"some": None}),
    (NESTED, {"some": 3}),
    (Option(NESTED), {"some": {"some": 3}}),
    (Result(U8, TEXT), {"ok": 1}),
    (Result(U8, TEXT), {"err": "no"}),
    (Result(), {"ok": None}),
]


@pytest.mark.parametrize(("type_", "value"), ACCEPTED)
def test_a_value_that_fits_is_accepted(type_: Type, value: object) -> None:
    assert checked(type_, value) == []


REFUSED: list[tuple[Type, object, str, str]] = [
    (BOOL, 1, "", "true or false"),
    (U8, True, "", "an integer from 0 to 255"),
    (U8, 256, "", "an integer from 0 to 255"),
    (U8, "1", "", "an integer"),
    (U8, 1.5, "", "an integer"),
    (U8, math.inf, "", "an integer"),
    (U8, math.nan, "", "an integer"),
    (S8, -129, "", "an integer from -128 to 127"),
    (U64, 2**64, "", "an integer"),
    (U64, 2.0**64, "", "an integer"),
    (U64, str(2**64), "", "an integer"),
    (U64, "-0", "", "an integer"),
    (U64, "", "", "an integer"),
    (U64, "1\n", "", "an integer"),
    (U64, "١", "", "an integer"),
    (U64, "1" * 100_000, "", "an integer"),
    (S64, str(2**63), "", "an integer"),
    (S64, "+1", "", "an integer"),
    (F32, 3.5e38, "", "a number in the range of an f32"),
    (F32, 3.4028235677973366e38, "", "a number in the range of an f32"),
    (F32, 10**39, "", "a number"),
    (F64, 10**400, "", "a number"),
    (F64, True, "", "a number"),
    (F64, "1.5", "", "a number"),
    (F64, "inf", "", "a number"),
    # What 1e999 is after json.loads: out of range, and no wish for infinity.
    (F64, json.loads("1e999"), "", "a number"),
    (F64, math.nan, "", "a number"),
    (CHAR, "", "", "a string of one character"),
    (CHAR, "ab", "", "a string of one character"),
    (CHAR, "\ud800", "", "a string of one character"),
    (TEXT, "a\udfffb", "", "a string (without lone surrogates)"),
    (TEXT, b"a", "", "a string"),
    (BYTES, "AA=", "", "base64"),
    (BYTES, "A A=", "", "base64"),
    (BYTES, "AAEC\n", "", "base64"),
    (BYTES, "_-8=", "", "base64"),
    (BYTES, "é===", "", "base64"),
    (BYTES, "====", "", "base64"),
    (BYTES, [1, 256], "/1", "an integer from 0 to 255"),
    (BYTES, [True], "/0", "an integer"),
    (List(U32), b"\1", "", "an array"),
    (List(U32), {"0": 1}, "", "an array"),
    (List(TEXT), "abc", "", "an array"),
    (COUNTS, {"a": 256}, "/a", "an integer from 0 to 255"),
    (COUNTS, {"a/b": "x"}, "/a~1b", "an integer"),
    (COUNTS, {"\ud800": 1}, "/\\ud800", "a string (without lone surrogates)"),
    (COUNTS, {5: 1}, "/5", "a string"),
    (COUNTS, "a", "", 'an object, or an array of pairs [["key", value], …]'),
    (COUNTS, [{"a": 1}], "/0", "an array of 2 items"),
    (List(Tuple((U8, U8))), {"1": 1}, "", "an array"),
    (List(Tuple((TEXT, U8, U8))), {"a": [1, 1]}, "", "an array"),
    (Tuple((U8, U8)), [1], "", "an array of 2 items"),
    (Tuple((U8, U8)), [1, "b"], "/1", "an integer"),
    (POINT, {}, "/x", "an integer"),
    (POINT, {"x": 1, "z": 1}, "/z", "no field of that name"),
    (POINT, [1], "", 'an object with the fields "x", "y-z"'),
    (POINT, {"x": 1, 5: 1}, "/5", "no field of that name"),
    (SHAPE, "dot", "", 'an object {"tag": …, "val": …} whose tag is one of "dot", "circle"'),
    (SHAPE, {"tag": "line"}, "", "whose tag is one of"),
    (SHAPE, {"tag": ["dot"]}, "", "whose tag is one of"),
    (SHAPE, {"tag": "dot", "val": None}, "/val", 'no payload: case "dot" has none'),
    (SHAPE, {"tag": "circle"}, "/val", "an integer"),
    (SHAPE, {"tag": "dot", "extra": 1}, "/extra", "no key of that name"),
    (Enum(("a", "b")), "c", "", 'one of "a", "b"'),
    (Enum(("a", "b")), None, "", 'one of "a", "b"'),
    (PERMS, ["read", "read"], "/1", "each name once"),
    (PERMS, ["run"], "/0", 'one of "read", "write"'),
    (PERMS, [["read"]], "/0", 'one of "read", "write"'),
    (PERMS, {"read": True}, "", "an array of some of"),
    (Option(U8), "x", "", "an integer"),
    (NESTED, 3, "", 'null or an object {"some": …}'),
    (NESTED, {}, "", 'null or an object {"some": …}'),
    (NESTED, {"some": 300}, "/some", "an integer"),
    (Result(U8, TEXT), {"ok": 1, "err": "x"}, "", 'an object {"ok": …} or {"err": …}'),
    (Result(U8, TEXT), {}, "", 'an object {"ok": …} or {"err": …}'),
    (Result(None, TEXT), {"ok": 1}, "/ok", "null"),
]


@pytest.mark.parametrize(("type_", "value", "where", "expected"), REFUSED)
def test_a_value_that_does_not_fit_is_refused_at_its_place(
    type_: Type, value: object, where: str, expected: str
) -> None:
    ((pointer, phrase, found),) = checked(type_, value)
    assert pointer == f"/v{where}"
    assert phrase.startswith(expected) or expected in phrase
    assert 0 < len(found) <= 80


def test_the_arguments_are_an_object() -> None:
    (mismatch,) = check(Function("", "f", (Param("a", U8),)), [1])
    assert (mismatch.pointer, mismatch.expected) == ("", 'an object with the parameters "a"')
    assert str(mismatch) == '(the arguments): expected an object with the parameters "a", got [1]'


def test_all_mismatches_are_named_at_once() -> None:
    function = Function("", "f", (Param("a", U8), Param("b", List(POINT)), Param("c", TEXT)))
    found = check(function, {"a": -1, "b": [{"x": 1}, {"x": "1", "q/~": 0}], "C": ""})
    assert [m.pointer for m in found] == ["/a", "/b/1/x", "/b/1/q~1~0", "/c", "/C"]
    assert found[3].found == "nothing: it is required"
    assert found[4].expected == 'no parameter of that name (did you mean "c"?)'


def test_a_mismatch_shows_what_came() -> None:
    shown: list[tuple[object, str]] = [
        (None, "null"),
        (True, "true"),
        (-5, "-5"),
        ("a\nb", '"a\\nb"'),
        ([1, "x"], '[1, "x"]'),
        ([1] * 9, "an array of 9 items"),
        ([[]], "an array of 1 item"),
        ({}, "{}"),
        ({"a": 1, "b": 2}, 'an object with "a", "b"'),
        (b"abc", "3 bytes"),
        ({1}, "a Python set"),
    ]
    for value, text in shown:
        assert checked(Enum(("only",)), value)[0][2] == text


HOSTILE = [
    10**100_000,
    -(10**100_000),
    "x" * 10_000_001,
    "\ud800" * 1000,
    "\0" * 1000,
    "\\" * 1000,
    {"k" * 1_000_000: 1},
    {"\ud800\n": 1},
    {f"k{i}": i for i in range(100_000)},
    [["x" * 1000] * 8] * 100_000,
    ["x" * 1000] * 8,
    float("nan"),
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("type_", [Enum(("a",)), U64, F64, POINT, SHAPE, List(U8), NESTED], ids=str)
def test_hostile_values_are_shown_short_and_in_text_that_can_be_sent(type_: Type, value: object) -> None:
    found = check(Function("", "f", (Param("v", type_),)), {"v": value})
    assert found
    for mismatch in found:
        assert len(mismatch.found) <= 80
        assert len(mismatch.pointer) <= 200
        str(mismatch).encode()
        assert "\n" not in str(mismatch)


def test_many_mismatches_are_counted_and_not_listed() -> None:
    wide = check(Function("", "f", (Param("v", List(U8)),)), {"v": ["x"] * 50})
    assert len(wide) == SHOWN + 1
    assert wide[-1].found == "30 more that are not listed here"
    endless = check(Function("", "f", (Param("v", List(U8)),)), {"v": ["x"] * 1_000_000})
    assert endless[-1].found == f"at least {COUNTED - SHOWN} more that are not listed here"


def test_the_work_follows_the_value_and_not_the_type() -> None:
    type_: Type = U8
    for _ in range(60):
        type_ = Tuple((type_, type_))
    assert len(checked(type_, [[], []])) == 2


def test_looking_up_a_case_costs_the_same_however_many_there_are() -> None:
    names = tuple(f"case-{i}" for i in range(20_000))
    assert checked(List(Enum(names)), [names[-1]] * 100_000) == []
    variant = Variant(tuple(Case(name) for name in names))
    assert checked(List(variant), [{"tag": names[-1]}] * 100_000) == []
