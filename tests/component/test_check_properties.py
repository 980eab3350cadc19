"""What the check accepts, held against the schema as its judge: properties over random types and values."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_wasm.component import schema
from mcp_wasm.component.check import check
from mcp_wasm.component.types import (
    Function,
    List,
    Param,
    Primitive,
)
from tests.component.strategies import arguments, functions

pytestmark = pytest.mark.timeout(120)
"""A property is a hundred tests in one."""


@given(st.data())
def test_every_valid_value_is_accepted_by_check_and_by_schema(data: st.DataObject) -> None:
    function = data.draw(functions())
    given_ = data.draw(arguments(function))
    assert check(function, given_) == []
    Draft202012Validator(schema.input_schema(function)).validate(given_)
    assert check(function, json.loads(json.dumps(given_))) == []


# Line breaks are left out: Python's `$` matches before one, that of JSON Schema does not.
_WORDS = st.sampled_from(["", "a", "ok", "NaN", "12", "-12", "1.5", "AA==", "AA=", "é", "tag", "dot"])
_JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(-1e30, 1e30)
    | st.sampled_from([0, 1, 1.0, 255, 256, -1])
    | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=4,
)


def mutated(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with one part of it changed."""
    step = draw(st.sampled_from(["inside", "inside", "replace", "drop", "add"]))
    if step == "replace" or not isinstance(value, (dict, list)) or (not value and step != "add"):
        return draw(_JUNK)
    changed: Any = value.copy()
    if isinstance(changed, list):
        at: Any = draw(st.integers(0, max(0, len(changed) - 1)))
        if step == "add":
            changed.insert(at, draw(_JUNK))
            return changed
    else:
        at = draw(st.sampled_from(sorted(changed))) if changed else "a"
        if step == "add":
            changed[draw(_WORDS)] = draw(_JUNK)
            return changed
    if step == "drop":
        del changed[at]
    else:
        changed[at] = mutated(draw, changed[at])
    return changed


@st.composite
def attempts(draw: st.DrawFn) -> tuple[Function, Any]:
    function = draw(functions())
    return function, mutated(draw, draw(arguments(function)))


@given(attempts())
def test_check_and_schema_agree_on_any_value(attempt: tuple[Function, Any]) -> None:
    function, value = attempt
    accepted = Draft202012Validator(schema.input_schema(function)).is_valid(value)
    assert (check(function, value) == []) == accepted


@given(
    st.text("AZaz09+/=-_ ", max_size=9)
    | st.binary(max_size=30).map(lambda raw: base64.b64encode(raw).decode())
)
def test_the_pattern_of_base64_says_exactly_what_is_decoded(text: str) -> None:
    function = Function("", "f", (Param("v", List(Primitive("u8"))),))
    accepted = Draft202012Validator(schema.input_schema(function)).is_valid({"v": text})
    assert (check(function, {"v": text}) == []) == accepted
