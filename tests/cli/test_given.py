from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_wasm.cli.given import given
from mcp_wasm.component.types import Enum, Field, Function, List, Option, Param, Primitive, Record, Type
from mcp_wasm.errors import InvalidArguments, InvalidSettings
from mcp_wasm.registry.tool import Tool

STRING, S32, U64, F64, BOOL = (Primitive(name) for name in ("string", "s32", "u64", "f64", "bool"))
BYTES = List(Primitive("u8"))
POINT = Record((Field("x", S32),), name="point")


def tool(type_: Type) -> Tool:
    function = Function("", "f", (Param("v", type_), Param("other-one", STRING)))
    return Tool("demo_f", "", "", {}, None, function, "demo", "")


VALUES: list[tuple[Type, list[str], Any]] = [
    (STRING, ["v=a=b c"], "a=b c"),
    (STRING, ["v="], ""),
    (STRING, ["v=12"], "12"),
    (STRING, ['v={"a": 1}'], '{"a": 1}'),
    (STRING, ["v=@file"], "@file"),
    (Primitive("char"), ["v=1"], "1"),
    (Enum(("one", "2")), ["v=2"], "2"),
    (S32, ["v=-12"], -12),
    (S32, ["v=1e3"], 1000.0),
    (S32, ["v=x"], "x"),
    (S32, ["v=null"], "null"),
    (U64, ["v=18446744073709551615"], 18446744073709551615),
    (F64, ["v=0.1"], 0.1),
    (F64, ["v=NaN"], "NaN"),
    (F64, ["v=-Infinity"], "-Infinity"),
    (BOOL, ["v=true"], True),
    (BOOL, ["v=yes"], "yes"),
    (Option(S32), ["v=3"], 3),
    (Option(STRING), ["v=null"], "null"),
    (Option(Option(S32)), ['v={"some": 3}'], {"some": 3}),
    (BYTES, ["v=AAEC"], "AAEC"),
    (BYTES, ["v=[1, 2]"], [1, 2]),
    (List(STRING), ["v=a", "v=b"], ["a", "b"]),
    (List(STRING), ["v=a"], ["a"]),
    (List(S32), ["v=1", "v=x"], [1, "x"]),
    (List(S32), ["v=[1, 2]"], [1, 2]),
    (Option(List(S32)), ["v=1"], [1]),
    (List(POINT), ['v={"x": 1}', 'v={"x": 2}'], [{"x": 1}, {"x": 2}]),
    (POINT, ['v={"x": 1}'], {"x": 1}),
]


@pytest.mark.parametrize(("type_", "words", "value"), VALUES, ids=[" ".join(w) for _, w, _ in VALUES])
def test_a_value_is_read_by_the_type_of_its_parameter(type_: Type, words: list[str], value: object) -> None:
    found = given(words, tool(type_))
    assert found == {"v": value}
    assert type(found["v"]) is type(value)


def test_several_keys_make_one_object() -> None:
    assert given(["v=1", "other-one=two"], tool(S32)) == {"v": 1, "other-one": "two"}


def test_nothing_given_is_no_arguments() -> None:
    assert given([], tool(S32)) == {}


def test_one_object_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = '{"v": 1, "unknown": [true]}'
    (tmp_path / "arguments.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    for word in (text, "-", f"@{tmp_path}/arguments.json"):
        assert given([word], tool(S32)) == {"v": 1, "unknown": [True]}


REFUSED = [
    (["w=1"], InvalidArguments, "/w: expected a parameter that exists (there are v, other-one)"),
    (["other_one=1"], InvalidArguments, "did you mean other-one?"),
    (["a/b=1"], InvalidArguments, "/a~1b: expected a parameter"),
    (["v=1", "v=2"], InvalidArguments, "/v: expected one value, got 2 values"),
    (["v"], InvalidSettings, "expected a JSON object, -, @FILE or key=value, got 'v'"),
    (["{}", "v=1"], InvalidSettings, "key=value, got '{}'"),
    (["{"], InvalidSettings, "--args: expected JSON"),
    (["[1]"], InvalidSettings, "--args: expected a JSON object, got 'list'"),
    (['{"v": NaN}'], InvalidSettings, "NaN is no JSON"),
    (['{"v": 1, "v": 2}'], InvalidSettings, "a key comes twice"),
    (['{"v": ' + "[" * 100_000], InvalidSettings, "nested too deeply"),
    (["@missing.json"], InvalidSettings, "a file that can be read"),
    (["@."], InvalidSettings, "a file that can be read"),
]


@pytest.mark.parametrize(("words", "error", "message"), REFUSED, ids=[w[0][:20] for w, _, _ in REFUSED])
def test_what_cannot_be_read_is_named(words: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        given(words, tool(S32))
    assert message in str(caught.value)


def test_a_record_that_is_no_json_is_named_with_its_place() -> None:
    with pytest.raises(InvalidArguments, match=r"demo_f were refused[\s\S]*/v: expected JSON"):
        given(["v=x"], tool(POINT))


def test_bytes_that_are_no_text_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"\xff")))
    with pytest.raises(InvalidSettings, match="standard input: expected JSON"):
        given(["-"], tool(S32))
