"""Whatever stands for arguments, a call ends in a result, a refusal with reasons, or the guest's failure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_wasm.component.types import Enum, Field, Flags, List, Option, Primitive, Record, Result, Tuple, Type
from mcp_wasm.errors import InvalidArguments, InvalidSettings, LimitExceeded
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import lower
from mcp_wasm.sandbox.limits import CALL_LIMITS
from tests.echo import arguments, echo
from tests.fuzz.bounded import TIMEOUT, named, seeds
from tests.fuzz.published import call
from tests.fuzz.strategies import JUNK, near_arguments

TEXT, U8, S64, F64 = (Primitive("string"), Primitive("u8"), Primitive("s64"), Primitive("f64"))
TYPES: list[Type] = [
    Record((Field("text", TEXT), Field("may", Option(S64)), Field("kind", Enum(("one", "two"))))),
    List(Result(F64, Option(Flags(("r", "w"))))),
    Tuple((List(U8), Primitive("char"), Primitive("bool"), Primitive("f32"))),
]


@pytest.fixture
def runtime(home: Path, tmp_path: Path) -> Iterator[Runtime]:
    (tmp_path / "e.wat").write_text(echo(TYPES))
    (tmp_path / "tiny.wat").write_text((Path(__file__).parents[1] / "programs/tiny.wat").read_text())
    with Runtime(home=home) as made:
        made.add(tmp_path / "e.wat")
        made.add(tmp_path / "tiny.wat")
        yield made


def call_with_anything(runtime: Runtime, data: st.DataObject) -> None:
    tool = data.draw(st.sampled_from([tool for tool in runtime.tools if not tool.name.endswith("spin")]))
    call(runtime, tool, data.draw(near_arguments(tool.function) | JUNK))


def narrow_with_anything(runtime: Runtime, data: st.DataObject) -> None:
    limits = data.draw(st.dictionaries(st.sampled_from([*CALL_LIMITS, "", "deadLine", "instances"]), JUNK))
    try:
        runtime.call_sync("tiny_add", {"a": 1, "b": 2}, limits=limits)
    except (InvalidSettings, LimitExceeded):
        return  # refused, or so small that even this call reached it


PROPERTIES = [call_with_anything, narrow_with_anything]
QUICK = settings(max_examples=80, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=300, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_no_arguments_and_no_limits_are_a_fault_of_ours(runtime: Runtime, holds: Any) -> None:
    QUICK(given(st.data())(lambda data: holds(runtime, data)))()


@pytest.mark.fuzz
@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_no_arguments_and_no_limits_of_many_are_a_fault_of_ours(runtime: Runtime, holds: Any) -> None:
    for seed in seeds():
        with named(seed):
            hypothesis.seed(seed)(LONG(given(st.data())(lambda data: holds(runtime, data))))()


class Kind(StrEnum):
    ONE = "one"


class Number(IntEnum):
    SEVEN = 7


class Degrees(float):
    pass


PYTHON_VALUES: list[tuple[int, Any, Any]] = [
    (
        0,
        OrderedDict(text=Kind.ONE, may=Number.SEVEN, kind=Kind.ONE),
        {"text": "one", "may": 7, "kind": "one"},
    ),
    (1, ({"ok": Degrees(1.5)}, OrderedDict(err=())), [{"ok": 1.5}, {"err": []}]),
    (2, (bytearray(b"a"), Kind.ONE[:1], True, Degrees(0.5)), ["YQ==", "o", True, 0.5]),
    (2, (b"a", "o", False, Number.SEVEN), ["YQ==", "o", False, 7.0]),
    (2, [[Number.SEVEN], "o", False, 7], ["Bw==", "o", False, 7.0]),
]


@pytest.mark.parametrize(("index", "value", "back"), PYTHON_VALUES)
def test_a_python_caller_may_give_subclasses_of_what_json_has(
    runtime: Runtime, index: int, value: Any, back: Any
) -> None:
    given: Any = runtime.call_sync(f"e_echo_{index}", arguments(value)).value
    assert given[0] == back


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), 1j, b"\xff", MappingProxyType({}), {None: 1}, {(): 1}, range(3)]
)
def test_what_json_has_not_is_refused_with_a_reason(runtime: Runtime, value: Any) -> None:
    for given_ in (arguments(value), value):
        with pytest.raises(InvalidArguments):
            runtime.call_sync("e_echo_0", given_)


def test_fields_left_out_over_and_over_do_not_take_the_memory(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Record(tuple(Field(f"{'a' * 60}-b{n}", Option(U8)) for n in range(100)))
    (tmp_path / "bomb.wat").write_text(echo([List(row)]))
    runtime.add(tmp_path / "bomb.wat")
    # The real number takes seconds to reach.
    monkeypatch.setattr(lower, "LEFT_OUT", 1000)
    given: Any = runtime.call_sync("bomb_echo_0", arguments([{}] * 10)).value
    assert given[0] == [{field.name: None for field in row.fields}] * 10
    with pytest.raises(InvalidArguments, match="optional fields left out"):
        runtime.call_sync("bomb_echo_0", arguments([{}] * 20))
