"""What code gave, made JSON that every client reads alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_core import to_json

from mcp_wasm.code.plain import DEEPEST, TooDeep, plain


def read(text: str) -> Any:
    return plain(json.loads(text), text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        ("[9007199254740991, -9007199254740991]", [2**53 - 1, 1 - 2**53]),
        ("[9007199254740992, -9007199254740992]", ["9007199254740992", "-9007199254740992"]),
        ("[NaN, Infinity, -Infinity]", ["NaN", "Infinity", "-Infinity"]),
        ("1e999", "Infinity"),
        ('["\\ud800", {"\\udfff": "\\ud83d\\ude00"}]', ["?", {"?": "\U0001f600"}]),
        ("0.12345678901234567", 0.12345678901234567),
    ],
)
def test_what_a_protocol_cannot_carry_is_spelled_as_text(text: str, value: Any) -> None:
    assert read(text) == value
    to_json(read(text))


@pytest.mark.parametrize(("depth", "fits"), [(DEEPEST, True), (DEEPEST + 1, False)])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(depth: int, fits: bool, opening: str, closing: str) -> None:
    text = opening * depth + "1" + closing * depth
    if fits:
        to_json(read(text))
    else:
        with pytest.raises(TooDeep):
            read(text)
