from __future__ import annotations

import base64
import quopri
import unicodedata
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_wasm.sandbox.report import Outcome

Tool = Callable[[str], Callable[..., Outcome]]
ENCODINGS = ("base64", "base64url", "base32", "hex", "percent", "form", "quoted-printable", "binary")
REFERENCE: dict[str, Callable[[bytes], str]] = {
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64url": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "base32": lambda data: base64.b32encode(data).decode(),
    "hex": bytes.hex,
    "percent": lambda data: urllib.parse.quote_from_bytes(data, safe=""),
}
calls = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@calls
@given(data=st.binary(max_size=300))
def test_what_was_encoded_decodes_to_the_same_bytes(tool: Tool, data: bytes) -> None:
    given_bytes = {"tag": "bytes", "val": base64.b64encode(data).decode()}
    for encoding in ENCODINGS:
        text = tool("encode")("encode", data=given_bytes, encoding=encoding).value
        assert text == REFERENCE[encoding](data) if encoding in REFERENCE else isinstance(text, str)
        found = tool("encode")("decode", text=text, encoding=encoding).value
        assert isinstance(found, dict)
        assert base64.b64decode(found["bytes"]) == data
        try:
            wanted: str | None = data.decode()
        except UnicodeDecodeError:
            wanted = None
        assert found["text"] == wanted


@calls
@given(text=st.text(max_size=300))
def test_lines_of_quoted_printable_are_short_and_read_by_others(tool: Tool, text: str) -> None:
    plain = text.replace("\r", "")
    found = tool("encode")("encode", data={"tag": "text", "val": plain}, encoding="quoted-printable").value
    assert isinstance(found, str)
    assert all(len(line) <= 76 for line in found.replace("\r\n", "\n").split("\n"))
    assert quopri.decodestring(found.encode()).decode() == plain


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ("YQ=", "base64", "wrong number of ="),
        ("YR==", "base64", "bits after its last byte"),
        ("Y", "base64", "cut off"),
        ("YQ==YQ==", "base64", "goes on after its padding (at byte 4)"),
        ("a-b_", "base64", "a digit of base64url"),
        ("a+b/", "base64url", "a digit of plain base64"),
        ("0", "base32", "no digit of it"),
        ("abc", "hex", "cut off"),
        ("%4", "percent", "without two hexadecimal digits"),
        ("100%", "form", "(at byte 3)"),
        ("=4", "quoted-printable", "line break after it"),
        ("0101", "binary", "cut off"),
        ("2", "binary", "no digit of it"),
    ],
)
def test_what_is_not_of_an_encoding_is_refused_with_its_place(
    tool: Tool, text: str, encoding: str, words: str
) -> None:
    outcome = tool("encode")("decode", text=text, encoding=encoding)
    assert outcome.failed
    assert words in str(outcome.value)


@calls
@given(text=st.text(min_size=1, max_size=50))
def test_characters_are_told_one_by_one_with_their_bytes(tool: Tool, text: str) -> None:
    found = tool("encode")("characters", **{"text": text, "only-notable": False}).value
    assert isinstance(found, list)
    assert "".join(c["char"] for c in found) == text
    assert [bytes.fromhex(c["utf8"]).decode() for c in found] == list(text)
    assert [c["code-point"] for c in found] == [f"U+{ord(c):04X}" for c in text]


@pytest.mark.parametrize("point", [0x200B, 0x202E, 0x2066, 0xFEFF, 0xE0041, 0xE0100, 0xAD, 0x3164])
def test_invisible_characters_that_can_hide_a_message_are_noted(tool: Tool, point: int) -> None:
    found = tool("encode")("characters", **{"text": f"ab{chr(point)}c", "only-notable": True}).value
    assert isinstance(found, list)
    assert [ord(c["char"]) for c in found] == [point], unicodedata.name(chr(point), "?")
    assert found[0]["note"]


def test_the_limit_bounds_what_a_hostile_text_gives_back(tool: Tool) -> None:
    found = tool("encode")(
        "characters", **{"text": "\u200b" * 50_000, "only-notable": True, "limit": 7}
    ).value
    assert isinstance(found, list)
    assert len(found) == 7
