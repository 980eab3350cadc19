"""Calls of typed functions in Python: arguments by their type hints, results back as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.build.signature.python import signature
from mcp_wasm.component.script import form
from mcp_wasm.runtime import Runtime

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(600)]

CODE = """
from __future__ import annotations
import asyncio
import datetime as dt
import decimal
import pathlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from typing import Annotated, Literal, NamedTuple, NotRequired, Optional, TypedDict

class Color(Enum):
    RED = "red"
    DARK_BLUE = "Dark Blue"
    ONE = 1

class Rights(Flag):
    READ = auto()
    WRITE = auto()

@dataclass
class Point:
    x: int
    y: float = 2.5
    tags: list[str] = field(default_factory=list)

class Options(TypedDict):
    size: int
    dry_run: NotRequired[bool]

class Pair(NamedTuple):
    left: int
    right: str = "z"

Shape = int | str | Point | list[int] | Literal["round", "Square One"]

def same_int(v: int) -> int:
    assert type(v) is int
    return v
def same_float(v: float) -> float:
    assert type(v) is float
    return v
def same_bool(v: bool) -> bool: return v
def same_str(v: str) -> str: return v
def same_bytes(v: bytes) -> bytes:
    assert type(v) is bytes
    return v
def same_list(v: list[int]) -> list[int]: return v
def same_set(v: set[int]) -> set[int]:
    assert type(v) is set
    return v
def same_dict(v: dict[str, list[int]]) -> dict[str, list[int]]:
    assert type(v) is dict
    return v
def same_tuple(v: tuple[int, str]) -> tuple[int, str]:
    assert type(v) is tuple
    return v
def same_many(v: tuple[int, ...]) -> tuple[int, ...]:
    assert type(v) is tuple
    return v
def same_option(v: Optional[int]) -> Optional[int]: return v
def same_color(v: Color) -> Color:
    assert type(v) is Color
    return v
def same_rights(v: Rights) -> Rights:
    assert type(v) is Rights
    return v
def same_point(v: Point) -> Point:
    assert type(v) is Point
    return v
def same_options(v: Options) -> Options: return v
def same_pair(v: Pair) -> Pair:
    assert type(v) is Pair
    return v
def same_literal(v: Literal["a", "Big One"]) -> Literal["a", "Big One"]:
    assert v in ("a", "Big One")
    return v
def same_shape(v: Shape) -> Shape: return v
def same_points(v: list[Point] | None) -> list[Point] | None: return v
def same_datetime(v: dt.datetime) -> dt.datetime:
    assert type(v) is dt.datetime
    return v
def same_date(v: dt.date) -> dt.date:
    assert type(v) is dt.date
    return v
def same_decimal(v: decimal.Decimal) -> decimal.Decimal:
    assert type(v) is decimal.Decimal
    return v
def same_uuid(v: uuid.UUID) -> uuid.UUID:
    assert type(v) is uuid.UUID
    return v
def same_path(v: pathlib.Path) -> pathlib.Path:
    assert isinstance(v, pathlib.Path)
    return v
def same_annotated(v: Annotated[int, "a number"]) -> int: return v
def with_default(v: int = 7) -> int: return v
def nothing(v: int) -> None: return None
def counting(v: int) -> Iterator[int]:
    for n in range(v):
        yield n
async def waiting(v: int) -> int:
    await asyncio.sleep(0.001)
    return v
def wrong_type(v: int) -> int: return str(v)
def wrong_part(v: int) -> list[Point]: return [Point(1), Point("x")]
def wrong_option(v: int) -> Options: return {"dry_run": True}
def fails(v: int) -> int:
    raise ValueError(f"no {v}")
"""

FULL = {"x": 2, "y": 1.0, "tags": ["t"]}
SAME: tuple[tuple[str, object, object], ...] = (
    ("int", 5, 5),
    ("int", "9007199254740993", "9007199254740993"),
    ("int", -3, -3),
    ("float", 1.5, 1.5),
    ("float", 2, 2.0),
    ("float", "NaN", "NaN"),
    ("float", "-Infinity", "-Infinity"),
    ("bool", True, True),
    ("str", "é😀", "é😀"),
    ("bytes", "aGkA", "aGkA"),
    ("list", [3, 1], [3, 1]),
    ("list", [], []),
    ("set", [3, 1, 3], [1, 3]),
    ("dict", [["a", [1]], ["b", []]], [["a", [1]], ["b", []]]),
    ("tuple", [1, "x"], [1, "x"]),
    ("many", [1, 2, 3], [1, 2, 3]),
    ("option", None, None),
    ("option", 0, 0),
    ("color", "dark-blue", "dark-blue"),
    ("color", "one", "one"),
    ("rights", ["write", "read"], ["read", "write"]),
    ("rights", [], []),
    ("point", {"x": 1, "y": None, "tags": None}, {"x": 1, "y": 2.5, "tags": []}),
    ("point", {"x": 1, "y": 0.5, "tags": ["t"]}, {"x": 1, "y": 0.5, "tags": ["t"]}),
    ("options", {"size": 1, "dry-run": None}, {"size": 1, "dry-run": None}),
    ("options", {"size": 1, "dry-run": False}, {"size": 1, "dry-run": False}),
    ("pair", {"left": 1, "right": None}, {"left": 1, "right": "z"}),
    ("literal", "big-one", "big-one"),
    ("shape", {"tag": "int", "val": 4}, {"tag": "int", "val": 4}),
    ("shape", {"tag": "str", "val": "s"}, {"tag": "str", "val": "s"}),
    ("shape", {"tag": "point", "val": FULL}, {"tag": "point", "val": FULL}),
    ("shape", {"tag": "list", "val": [1]}, {"tag": "list", "val": [1]}),
    ("points", [{"x": 1, "y": None, "tags": None}], [{"x": 1, "y": 2.5, "tags": []}]),
    ("points", None, None),
    ("datetime", "2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05+00:00"),
    ("date", "2024-01-02", "2024-01-02"),
    ("decimal", "1.50", "1.50"),
    ("uuid", "12345678-1234-5678-1234-567812345678", "12345678-1234-5678-1234-567812345678"),
    ("path", "a/b.txt", "a/b.txt"),
    ("annotated", 3, 3),
)  # fmt: skip


class Calls:
    """Calls functions of ``CODE`` by what a runner is sent."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tool = runtime.add(runtime.runners.path("python"), name="typed").tools[0].name
        self._published = {each.code_name: each for each in signature(CODE).functions}

    def __call__(self, function: str, **arguments: object) -> dict[str, Any]:
        published = self._published[function]
        types = [[each.name, form(each.type)] for each in published.parameters]
        request = {
            "code": CODE,
            "file": "typed.py",
            "mode": "call",
            "function": function,
            "arguments": arguments,
            "types": types,
            "result": form(published.result),
        }
        answer = self._runtime.call_sync(self._tool, {"request": json.dumps(request)}).value
        found: dict[str, Any] = json.loads(str(answer))
        return found


@pytest.fixture(scope="module")
def calls(python_home: Path) -> Iterator[Calls]:
    with Runtime(home=python_home) as runtime:
        yield Calls(runtime)


@pytest.mark.parametrize(("kind", "given", "returned"), SAME)
def test_a_value_goes_in_typed_and_comes_back(
    calls: Calls, kind: str, given: object, returned: object
) -> None:
    assert calls(f"same_{kind}", v=given) == {"value": returned}


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("with_default", {}, 7),
        ("with_default", {"v": None}, 7),
        ("with_default", {"v": 0}, 0),
        ("nothing", {"v": 1}, None),
        ("counting", {"v": 3}, [0, 1, 2]),
        ("waiting", {"v": 3}, 3),
    ],
)
def test_functions_are_called_as_python_would(
    calls: Calls, function: str, arguments: dict[str, object], value: object
) -> None:
    assert calls(function, **arguments) == {"value": value}


@pytest.mark.parametrize(
    ("function", "argument", "type_", "says"),
    [
        ("wrong_type", 1, "TypeError", "wrong_type returned what its signature does not say: '1' is a str"),
        ("wrong_part", 1, "TypeError", "'x' is a str, and the signature says s64"),
        ("wrong_option", 1, "TypeError", "a dict lacks size"),
        ("same_date", "2024-13-01", "ValueError", "v: '2024-13-01' is not what its type says"),
        ("same_decimal", "ten", "ValueError", "v: 'ten' is not what its type says"),
        ("fails", 3, "ValueError", "no 3"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_where(
    calls: Calls, function: str, argument: object, type_: str, says: str
) -> None:
    error = calls(function, v=argument)["error"]
    assert error["type"] == type_
    assert says in error["message"]


def test_an_error_of_the_function_has_its_line(calls: Calls) -> None:
    error = calls("fails", v=3)["error"]
    assert error["line"] == CODE.splitlines().index('    raise ValueError(f"no {v}")') + 1
    assert 'File "typed.py"' in error["traceback"]
