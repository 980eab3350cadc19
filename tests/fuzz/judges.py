"""Who says what a function accepts, and what becomes of a value on its way in and out.

Nothing runs in a guest here: values are lowered into the engine's form and lifted
out of it again, which takes microseconds.
"""

from __future__ import annotations

import json
import math
from ctypes import byref
from typing import Any, cast

from jsonschema import Draft202012Validator

from mcp_wasm.component import schema
from mcp_wasm.component.check import SHOWN, check
from mcp_wasm.component.types import Function, Option, Param, Result, Type
from mcp_wasm.component.values import F32_LIMIT
from mcp_wasm.errors import InvalidArguments
from mcp_wasm.sandbox.instance import Arguments
from mcp_wasm.sandbox.lift import lift_plan
from mcp_wasm.sandbox.lower import lower_plan
from mcp_wasm.sandbox.prepared import Plan
from mcp_wasm.sandbox.raw import Val, ffi
from tests.component.strategies import normal


def part(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points to."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def beyond_schemas(value: Any) -> bool:
    """Whether a schema has no words for what is wrong with ``value`` (or this validator has not)."""
    match value:
        case float():
            return math.isnan(value) or abs(value) >= F32_LIMIT
        case int():
            return abs(value) >= F32_LIMIT
        case str():
            # A pattern's `$` is the end of the text in ECMA 262 and before a last newline in Python.
            digits = value.removeprefix("-").isdecimal()
            return digits or value.endswith("\n") or any("\ud800" <= char <= "\udfff" for char in value)
        case _:
            return False


class Judges:
    """Who decides over the arguments of a function: the check, the plans that lower, the schema."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self._schema = Draft202012Validator(schema.input_schema(function))
        params = tuple((p.name, isinstance(p.type, Option), lower_plan(p.type)) for p in function.params)
        names = frozenset(p.name for p in function.params)
        self._plan = Plan(function, cast(Any, None), params, names, None, fails=False, lasting=False)

    def agree(self, arguments: Any) -> bool:
        """What all of them say; fails if one says something else, save what a schema cannot say."""
        mismatches = check(self.function, arguments)
        assert self._lowers(arguments) == (not mismatches), (mismatches, arguments)
        described = self._schema.is_valid(arguments)
        if mismatches and described:
            unsaid = [m for m in mismatches[:SHOWN] if not beyond_schemas(part(arguments, m.pointer))]
            assert not unsaid, (unsaid, arguments)
        else:
            assert described == (not mismatches), (described, mismatches, arguments)
        return not mismatches

    def _lowers(self, arguments: Any) -> bool:
        try:
            Arguments("f", self._plan, arguments).free()
        except InvalidArguments:
            return False
        return True


def judges_of(type_: Type) -> Judges:
    """The judges of a function with one parameter ``x``."""
    return Judges(Function("", "f", (Param("x", type_),), type_))


def through(type_: Type, value: Any) -> Any:
    """``value`` lowered into one component value and lifted out of the same."""
    slot = Val()
    try:
        lower_plan(type_)(value, slot)
        return lift_plan(type_)(slot)
    finally:
        ffi.wasmtime_component_val_delete(byref(slot))


class Echo:
    """Values of one type, lowered and lifted again."""

    def __init__(self, type_: Type) -> None:
        self._type = type_
        self._lower, self._lift = lower_plan(type_), lift_plan(type_)
        function = Function("", "f", (Param("x", type_),), type_)
        self._schema = Draft202012Validator(schema.output_schema(function))
        self._function = function

    def __call__(self, value: Any) -> Any:
        slot = Val()
        try:
            self._lower(value, slot)
            return self._lift(slot)
        finally:
            ffi.wasmtime_component_val_delete(byref(slot))

    def assert_normal(self, value: Any) -> None:
        back = self(value)
        # As text, since True == 1 == 1.0 and 0.0 == -0.0; the order of keys counts too.
        assert json.dumps(back) == json.dumps(normal(self._type, value))
        if not isinstance(self._type, Result):
            # Of a function's own result the schema describes the ok side alone.
            self._schema.validate({"result": back})
        assert not check(self._function, {"x": back}), "what is returned must be accepted again"
        assert json.dumps(self(back)) == json.dumps(back)
