from __future__ import annotations

import base64

import pytest

from mcp_wasm.component.types import (
    Case,
    Field,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)
from mcp_wasm.server.media import Media, answers_with_media, items

STRING, BYTES, S32 = Primitive("string"), List(Primitive("u8")), Primitive("s32")
MEDIA = Record((Field("mime-type", STRING), Field("data", BYTES)))
NAMED = Record(
    (
        Field("mime-type", STRING),
        Field("data", BYTES),
        Field("name", Option(STRING)),
        Field("uri", Option(STRING)),
    )
)
CONTENT = Variant((Case("text", STRING), Case("image", MEDIA)))


@pytest.mark.parametrize(
    ("type_", "answer"),
    [
        (MEDIA, True),
        (NAMED, True),
        (List(MEDIA), True),
        (Option(MEDIA), True),
        (Result(MEDIA, STRING), True),
        (Result(List(CONTENT), STRING), True),
        (CONTENT, True),
        (Tuple((STRING, MEDIA)), True),
        (None, False),
        (STRING, False),
        (BYTES, False),
        (List(STRING), False),
        (Result(STRING, MEDIA), False),
        (Tuple((STRING, STRING)), False),
        (Tuple((S32, MEDIA)), False),
        (Variant((Case("text", STRING), Case("none"))), False),
        (Variant((Case("image", MEDIA), Case("none"))), False),
        (Record((Field("mime-type", STRING), Field("data", STRING))), False),
        (Record((*MEDIA.fields, Field("size", S32))), False),
        (Record((*MEDIA.fields, Field("name", S32))), False),
        (Record((Field("picture", MEDIA),)), False),
    ],
)
def test_whether_a_tool_answers_with_media_is_told_from_its_type(type_: Type | None, answer: bool) -> None:
    assert answers_with_media(type_) is answer


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


PNG = b64(b"\x89PNG\r\n\x1a\n0000")


@pytest.mark.parametrize(
    ("mime_type", "data", "kind"),
    [
        ("image/png", PNG, "image"),
        ("IMAGE/PNG ", PNG, "image"),
        ("image/jpeg", b64(b"\xff\xd8\xff\xe0"), "image"),
        ("image/gif", b64(b"GIF89a.."), "image"),
        ("image/png", b64(b"<svg/>"), "resource"),
        ("image/png", "", "resource"),
        ("image/svg+xml", b64(b"<svg/>"), "resource"),
        ("image/x-unheard-of", b64(b"x"), "resource"),
        ("audio/wav", b64(b"RIFF"), "audio"),
        ("text/html", b64(b"<p>"), "resource"),
        ("application/zip", b64(b"PK"), "resource"),
    ],
)
def test_media_becomes_content_of_its_type(mime_type: str, data: str, kind: str) -> None:
    (found,) = items({"mime-type": mime_type, "data": data})
    assert isinstance(found, Media)
    assert found.block("mcp-wasm://results/x")["type"] == kind


@pytest.mark.parametrize(
    ("mime_type", "data", "contents"),
    [
        ("text/plain", "é".encode(), {"text": "é"}),
        ("application/json", b"{}", {"text": "{}"}),
        ("text/plain", b"\xff", {"blob": "/w=="}),
        ("application/zip", b"PK", {"blob": "UEs="}),
    ],
)
def test_a_file_is_text_where_it_is_text(mime_type: str, data: bytes, contents: dict[str, str]) -> None:
    (found,) = items({"mime-type": mime_type, "data": b64(data)})
    assert isinstance(found, Media)
    assert found.block("a:b")["resource"] == {"uri": "a:b", "mimeType": mime_type} | contents


@pytest.mark.parametrize("mime_type", ["", "image", "image/png\r\nX: y", "a b/c", "../x", "x" * 500 + "/y"])
def test_a_strange_type_is_no_type(mime_type: str) -> None:
    (found,) = items({"mime-type": mime_type, "data": PNG})
    assert isinstance(found, Media)
    assert found.mime_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("test://embedded", True),
        ("https://example.com/a.txt", True),
        ("file:///etc/passwd", False),
        ("mcp-wasm://components/other/wit", False),
        ("MCP-WASM://components/other/wit", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("no uri", False),
        ("https://a b", False),
        ("https://a\nb", False),
        ("", False),
    ],
)
def test_a_guest_does_not_pass_its_bytes_off_as_ours_or_the_hosts(uri: str, kept: bool) -> None:
    (found,) = items({"mime-type": "text/plain", "data": "", "name": None, "uri": uri})
    assert isinstance(found, Media)
    assert found.uri == (uri if kept else "")


def test_a_name_is_a_file_name() -> None:
    (found,) = items({"mime-type": "text/plain", "data": "", "name": "../../etc/pass wd\n", "uri": None})
    assert isinstance(found, Media)
    assert "/" not in found.name
    assert "\n" not in found.name


def test_texts_and_media_come_in_order() -> None:
    media = {"mime-type": "image/png", "data": PNG}
    value = [{"tag": "text", "val": "before"}, {"tag": "image", "val": media}, None, "after"]
    found = list(items(value))
    assert [item if isinstance(item, str) else item.mime_type for item in found] == [
        "before",
        "image/png",
        "after",
    ]


@pytest.mark.parametrize("value", [5, {"a": 1}, [5], {"mime-type": "image/png"}, {"tag": "x"}])
def test_a_value_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no media"):
        list(items(value))
