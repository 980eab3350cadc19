from __future__ import annotations

import pytest

from mcp_wasm.build.flat import Core, core, flattened
from mcp_wasm.component.types import (
    Case,
    Enum,
    Field,
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

BYTE, LONG, REAL, SINGLE, TEXT = (Primitive(name) for name in ("u8", "s64", "f64", "f32", "string"))

TYPES: list[tuple[Type | None, list[str]]] = [
    (None, []),
    (Primitive("bool"), ["i32"]),
    (Primitive("char"), ["i32"]),
    (LONG, ["i64"]),
    (SINGLE, ["f32"]),
    (TEXT, ["i32", "i32"]),
    (List(LONG), ["i32", "i32"]),
    (Enum(("a", "b")), ["i32"]),
    (Tuple((REAL, BYTE)), ["f64", "i32"]),
    (Record((Field("a", TEXT), Field("b", Option(LONG)))), ["i32", "i32", "i32", "i64"]),
    (Result(None, None), ["i32"]),
    (Result(REAL, TEXT), ["i32", "i64", "i32"]),
    (Result(SINGLE, BYTE), ["i32", "i32"]),
    (Variant((Case("a"), Case("b", SINGLE), Case("c", LONG))), ["i32", "i64"]),
    (Variant((Case("a", SINGLE), Case("b", REAL))), ["i32", "i64"]),
]


@pytest.mark.parametrize(("type_", "core_types"), TYPES)
def test_a_type_flattens_as_the_canonical_abi_says(type_: Type | None, core_types: list[str]) -> None:
    assert flattened(type_) == core_types


def test_sixteen_core_parameters_are_passed_as_they_are_and_one_more_in_memory() -> None:
    sixteen = tuple(Param(f"p{n}", TEXT) for n in range(8))
    assert core(Function("", "f", sixteen)) == Core(("i32",) * 16, "", in_memory=False, by_address=False)
    seventeen = (*sixteen, Param("more", LONG))
    assert core(Function("", "f", seventeen, TEXT)) == Core(("i32",), "i32", in_memory=True, by_address=True)


def test_one_core_result_is_given_as_it_is() -> None:
    assert core(Function("", "f", (), Tuple((REAL,)))).result == "f64"
    assert not core(Function("", "f", (), Tuple((REAL,)))).by_address
