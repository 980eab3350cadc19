"""Hypothesis strategies for JSON that nearly fits a type, and for JSON that fits none.

``near(type)`` is a value of the type with up to three places changed by someone
who knows what is easily got wrong; ``JUNK`` is anything that ``json.loads`` can
give, the numbers and texts on every edge first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from mcp_wasm.component.types import Function, Type
from tests.component.strategies import arguments, valid

EDGES = tuple(
    sign * (2**bits + off)
    for bits in (0, 7, 8, 15, 16, 31, 32, 53, 63, 64, 128)
    for off in (-1, 0, 1)
    for sign in (1, -1)
)
FLOATS = (
    0.0,
    -0.0,
    0.5,
    1.0,
    1e3,
    -1.0,
    255.0,
    256.0,
    2.0**63,
    2.0**64,
    -(2.0**63),
    1e16,
    5e-324,
    1e-46,
    16777217.0,
    3.4028234663852886e38,
    3.4028235677973362e38,
    3.4028235677973366e38,
    1e39,
    1.7976931348623157e308,
    float("inf"),
    float("-inf"),
    float("nan"),
)
TEXTS = (
    "",
    "0",
    "-0",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "1e3",
    "0x1",
    "1_0",
    "٣",
    "²",
    "NaN",
    "nan",
    "-NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "true",
    "null",
    "ok",
    "err",
    "tag",
    "val",
    "some",
    "none",
    "\x00",
    "a\x00b",
    "é",
    "e\u0301",
    "\U0001f600",
    "\ud83d\ude00",
    "\ud800",
    "a\udfff",
    "\uffff",
    "\U0010ffff",
    "\u2028",
    "QQ==",
    "QR==",
    "QQ=",
    "QQ",
    "Q===",
    "====",
    "QQ==\n",
    "Q Q==",
    "QQ==QQ==",
    "-_-_",
    "AAAA",
    "AAAA=",
    "AAAA====",
    "aGVsbG8=",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "00000000000000000001",
    "000000000000000000001",
    "-0000000000000000001",
    "-00000000000000000001",
    "9" * 5000,
)
KEYS = ("tag", "val", "some", "ok", "err", "", "a", "x", "__proto__", "a/b", "~", "\n", "é", "\ud800")


_keys = st.sampled_from(KEYS) | st.text(max_size=4)
_scalars = st.one_of(
    st.sampled_from([None, True, False]),
    st.sampled_from(EDGES),
    st.sampled_from(FLOATS),
    st.sampled_from(TEXTS),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
)
JUNK = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=6,
)
"""Anything that ``json.loads`` can give."""


def near(type_: Type) -> st.SearchStrategy[Any]:
    """A value of ``type_`` with none to three places changed; it may fit still."""
    return _changed(valid(type_))


def near_arguments(function: Function) -> st.SearchStrategy[Any]:
    """Arguments of ``function`` with none to three places changed."""
    return _changed(arguments(function))


@st.composite
def _changed(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Any:
    value = draw(values)
    for _ in range(draw(st.integers(0, 3))):
        value = change(draw, value)
    return value


def change(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with one place changed."""
    path = draw(st.sampled_from(list(places(value))))
    return _replaced(value, path, lambda part: _otherwise(draw, part))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a JSON value, the whole (an empty path) first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from places(part, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], with_: Any) -> Any:
    if not path:
        return with_(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], with_)
    return copy


def _otherwise(draw: st.DrawFn, part: Any) -> Any:
    """Something else in the place of ``part``, most often of its own kind."""
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return draw(JUNK)
    if kind == 1:
        return draw(
            st.sampled_from([[part], {"some": part}, {"ok": part}, {"err": part}, {"tag": part}, str(part)])
        )
    match part:
        case bool():
            return int(part)
        case int():
            return draw(
                st.sampled_from([float(part) if abs(part) < 2**1000 else 0, str(part), part + 1, -part])
            )
        case float():
            return draw(st.sampled_from([*FLOATS, int(part) if abs(part) < float("inf") else 0, str(part)]))
        case str():
            return draw(
                st.sampled_from([*TEXTS, part + "\n", part + "=", part.upper(), part[1:], part * 2, [part]])
            )
        case list():
            more = draw(st.sampled_from(part) if part else JUNK)
            return draw(st.sampled_from([part[1:], part[:-1], part[::-1], [*part, more]]))
        case dict():
            return _other_object(draw, part)
        case _:
            return draw(JUNK)


def _other_object(draw: st.DrawFn, part: dict[str, Any]) -> dict[str, Any]:
    key = draw(st.sampled_from([*part, *KEYS]))
    if key in part and draw(st.booleans()):
        return {name: value for name, value in part.items() if name != key}
    return {**part, key: draw(JUNK)}
