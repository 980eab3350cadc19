"""Images, audio and files that ordinary tools return, as MCP content of their type.

The documented shape is a record ``media``::

    record media { mime-type: string, data: list<u8>, name: option<string>, uri: option<string> }

(``name`` and ``uri`` may be missing, or plain strings). A function whose result
is such a record, a variant of texts and such records, or a list, option or
tuple of these, answers with content blocks. Whether it does is told from its
type alone, so that the list of tools can say it before any call.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mcp_wasm.component.types import (
    Field,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    is_bytes,
)

_STRING = Primitive("string")
_MIME_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9][a-z0-9.+_-]{0,100}(;.{1,100})?")
_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}):[\x21-\x7e]{1,2000}")
_SCHEMES_OF_OTHERS = frozenset({"mcp-wasm", "file", "data", "javascript", "vbscript", "about", "blob"})
"""A guest must not pass its bytes off as ours, as a file of the host's or as something to run."""
_IMAGES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
"""What model APIs take, and how it begins: one image that they cannot read spoils a whole conversation."""
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript", "image/svg+xml")
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Media:
    """One image, sound or file: ``data`` in base64, and what the guest said of it, made harmless."""

    mime_type: str
    data: str
    name: str
    uri: str

    @property
    def bytes(self) -> bytes:
        """The decoded data."""
        return base64.b64decode(self.data)

    @property
    def as_text(self) -> str | None:
        """The data as text, or None when its type is no text or it is not UTF-8."""
        if not self.mime_type.startswith(_TEXT_TYPES):
            return None
        try:
            return self.bytes.decode()
        except UnicodeDecodeError:
            return None

    @property
    def shown_as(self) -> Literal["image", "audio", "resource"]:
        """The kind of content block it becomes."""
        if self.mime_type in _IMAGES and self._begins_as_it_should():
            return "image"
        return "audio" if self.mime_type.startswith("audio/") else "resource"

    def block(self, uri: str = "") -> dict[str, Any]:
        """The MCP content block; ``uri`` is the address of a resource that has none of its own."""
        kind = self.shown_as
        if kind != "resource":
            return {"type": kind, "data": self.data, "mimeType": self.mime_type}
        contents: dict[str, Any] = {"uri": self.uri or uri, "mimeType": self.mime_type}
        text = self.as_text
        contents |= {"blob": self.data} if text is None else {"text": text}
        return {"type": "resource", "resource": contents}

    def _begins_as_it_should(self) -> bool:
        return base64.b64decode(self.data[:16]).startswith(_IMAGES[self.mime_type])


def answers_with_media(result: Type | None) -> bool:
    """Whether a function with this result answers with content blocks instead of JSON."""
    match result:
        case Result(ok=ok):
            return answers_with_media(ok)
        case Option(payload=inner) | List(element=inner):
            return _is_content(inner)
        case Tuple(elements=elements):
            return any(map(_is_content, elements)) and all(e == _STRING or _is_content(e) for e in elements)
        case _:
            return _is_content(result)


def _is_content(type_: Type | None) -> bool:
    match type_:
        case Record(fields=fields):
            return _is_media(fields)
        case Variant(cases=cases):
            payloads = [case.type for case in cases]
            return any(map(_is_content, payloads)) and all(p == _STRING or _is_content(p) for p in payloads)
        case _:
            return False


def _is_media(fields: tuple[Field, ...]) -> bool:
    types = {field.name: field.type for field in fields}
    extra = (types.get("name", _STRING), types.get("uri", _STRING))
    return (
        types.get("mime-type") == _STRING
        and is_bytes(types.get("data", _STRING))
        and types.keys() <= {"mime-type", "data", "name", "uri"}
        and all(t in (_STRING, Option(_STRING)) for t in extra)
    )


def items(value: object) -> Iterator[str | Media]:
    """The texts and media in a result of such a type, in order.

    Raises:
        ValueError: if ``value`` is none of them, as when the component was replaced during the call.
    """
    match value:
        case None:
            return
        case str():
            yield value
        case {"mime-type": str(mime_type), "data": str(data), **rest}:
            yield _media(mime_type, data, rest.get("name"), rest.get("uri"))
        case {"tag": str(), "val": inner}:
            yield from items(inner)
        case list():
            for inner in value:
                yield from items(inner)
        case _:
            raise ValueError("no text and no media")


def _media(mime_type: str, data: str, name: object, uri: object) -> Media:
    mime_type = mime_type.strip().lower()
    found = _URI.fullmatch(uri) if isinstance(uri, str) else None
    allowed = found is not None and found["scheme"] not in _SCHEMES_OF_OTHERS
    return Media(
        mime_type if _MIME_TYPE.fullmatch(mime_type) else UNKNOWN_TYPE,
        data,
        re.sub(r"[^\w.-]+", "-", name)[:64] if isinstance(name, str) else "",
        uri if allowed and isinstance(uri, str) else "",
    )
