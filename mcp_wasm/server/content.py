"""What a call gave, as the wire form of a ``CallToolResult``.

A result goes out twice: as ``structuredContent`` ``{"result": value}`` and as the
same JSON in text, because some clients show a model only the one or only the
other. What is larger than the text limit is cut, says so, and is kept for a
while behind a link. It knows nothing of requests and connections.

Why a cut result has its own structured form: a client that checks results
against the output schema (the SDK does) throws when ``structuredContent`` is
missing, and one that shows a model only ``structuredContent`` must not get the
whole there. So the output schema of a tool whose result can grow allows
``{"truncated": …}`` in the place of ``{"result": …}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_wasm.component.types import List, Primitive, Type, children
from mcp_wasm.sandbox.report import Outcome, Printed, Report
from mcp_wasm.server.media import Media, answers_with_media, items
from mcp_wasm.server.results import ResultStore, Stored
from mcp_wasm.server.text import encodable, head, json_bytes, tail, visible

COST_KEY = "mcp-wasm/cost"
STDOUT_KEY = "mcp-wasm/stdout"
STDERR_KEY = "mcp-wasm/stderr"
LOG_KEY = "mcp-wasm/log"

RESULTS = "mcp-wasm://results/"
_JSON = "application/json"
_MEDIA_INLINE = 5 * 1024 * 1024
"""Bytes of base64 in one result; model APIs refuse larger images, and what is past it becomes a link."""
_STDERR_SHOWN = 4096

Wire = dict[str, Any]

COMPLETE: Wire = {"resultType": "complete"}
"""What the 2026 protocol wants in every result; the handshake protocols never see it."""

TRUNCATED_SCHEMA: Wire = {
    "type": "object",
    "description": "In the place of result when that is larger than the text limit.",
    "properties": {
        "text": {"type": "string", "description": "The beginning of the JSON that was cut."},
        "bytes": {"type": "integer", "description": "The size of the whole."},
        "uri": {"type": "string", "description": "The resource that has the whole, for a while."},
        "pages": {"type": "integer", "description": "How many pages it has: uri/1 and so on."},
    },
    "required": ["text", "bytes"],
    "additionalProperties": False,
}


def published_schema(schema: Mapping[str, Any] | None, result: Type | None) -> Wire | None:
    """The output schema to publish: none for media, and with the cut form where a result can grow."""
    if schema is None or answers_with_media(result):
        return None
    if result is None or not can_grow(result):
        return dict(schema)
    published = {key: value for key, value in schema.items() if key != "required"}
    published["properties"] = {**schema["properties"], "truncated": TRUNCATED_SCHEMA}
    return published | {"minProperties": 1, "maxProperties": 1}


def can_grow(type_: Type) -> bool:
    """Whether values of ``type_`` can be of any size; the others are small and are never cut."""
    return isinstance(type_, List) or type_ == Primitive("string") or any(map(can_grow, children(type_)))


class Presenter:
    """Makes results of outcomes; ``store`` keeps the whole of what was cut."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store

    def success(
        self, outcome: Outcome, result: Type | None, *, structured: bool, limit: int, owner: str
    ) -> Wire:
        """The result of a call that returned.

        ``structured`` says whether the tool has an output schema, ``limit`` is the
        text limit in bytes, ``owner`` is who may read what is kept.
        """
        if not structured and answers_with_media(result):
            blocks = self._media(outcome.value, limit, owner)
            if blocks is not None:
                return COMPLETE | {"content": blocks, "isError": False, "_meta": meta(outcome.report)}
        text = f'{{"result":{outcome.text}}}'
        wire = COMPLETE | {"isError": False, "_meta": meta(outcome.report)}
        if _size(text, limit) > limit and result is not None and can_grow(result):
            return wire | self._cut(text.encode(), limit, owner, structured=structured)
        if structured:
            wire["structuredContent"] = {"result": outcome.value}
        return wire | {"content": [_text(text)]}

    def value(self, value: object, *, limit: int, owner: str) -> Wire:
        """The result of a tool of the server's own."""
        wrapped = {"result": value}
        data = json_bytes(wrapped)
        wire = COMPLETE | {"isError": False}
        if len(data) > limit:
            return wire | self._cut(data, limit, owner, structured=True)
        return wire | {"structuredContent": wrapped, "content": [_text(data.decode())]}

    def guest_error(self, outcome: Outcome, *, limit: int, owner: str) -> Wire:
        """The result of a call whose function returned ``err``: its text, and its JSON."""
        text, spoken = f'{{"err":{outcome.text}}}', _spoken(outcome.value)
        text = f"{spoken}\n{text}" if spoken else text
        return self.error(text, outcome.report, limit=limit, owner=owner)

    def error(self, text: str, report: Report | None, *, limit: int, owner: str) -> Wire:
        """A failed call that says ``text``, with the end of what the guest wrote to stderr."""
        if report is not None and report.stderr.text.strip():
            printed = visible(tail(report.stderr.text.rstrip(), _STDERR_SHOWN), _STDERR_SHOWN)
            text = f"{text}\nstderr:\n{printed}"
        data = encodable(text).encode()
        wire = COMPLETE | {"isError": True}
        if report is not None:
            wire["_meta"] = meta(report)
        if len(data) > limit:
            return wire | self._cut(data, limit, owner, structured=False, mime_type="text/plain")
        return wire | {"content": [_text(data.decode())]}

    def _cut(self, data: bytes, limit: int, owner: str, *, structured: bool, mime_type: str = _JSON) -> Wire:
        beginning = head(data, limit)
        stored = self._store.put(data, mime_type, owner, text=True)
        cut: Wire = {"text": beginning, "bytes": len(data)}
        said = f"[Truncated: {len(beginning.encode()):,} of {len(data):,} bytes are shown."
        content = [_text(beginning)]
        if stored is None:
            content.append(_text(f"{said} The rest was too large to keep; ask for less at a time.]"))
        else:
            pages = self._store.pages(stored)
            uri = cut["uri"] = RESULTS + stored.id
            cut["pages"] = pages
            where = f"The whole is the resource {uri}"
            where += f", pages {uri}/1 to {uri}/{pages}" if pages > 1 else ""
            content.append(_text(f"{said} {where}, kept for {self._store.seconds / 60:.0f} minutes.]"))
            content.append(_link(stored, "the whole result"))
        return {"content": content} | ({"structuredContent": {"truncated": cut}} if structured else {})

    def _media(self, value: object, limit: int, owner: str) -> list[Wire] | None:
        try:
            found = list(items(value))
        except ValueError:  # another version of the component ran: its result goes out as JSON
            return None
        blocks: list[Wire] = []
        room, text_room = _MEDIA_INLINE, limit
        for item in found:
            if isinstance(item, str):
                data = item.encode()
                blocks += [_text(item)] if len(data) <= text_room else self._cut_text(data, text_room, owner)
                text_room = max(0, text_room - len(data))
            else:
                blocks.append(self._medium(item, room, owner))
                room -= len(item.data) if blocks[-1]["type"] != "resource_link" else 0
        return blocks or [_text("(nothing)")]

    def _cut_text(self, data: bytes, limit: int, owner: str) -> list[Wire]:
        cut: list[Wire] = self._cut(data, limit, owner, structured=False, mime_type="text/plain")["content"]
        return cut

    def _medium(self, item: Media, room: int, owner: str) -> Wire:
        """The block for one image, sound or file: inline where there is room, else a link."""
        inline = len(item.data) <= room
        if inline and (item.uri or item.shown_as != "resource"):
            return item.block()
        stored = self._store.put(item.bytes, item.mime_type, owner, text=item.as_text is not None)
        if inline:
            return item.block(RESULTS + stored.id if stored else "mcp-wasm:unkept")
        if stored is None:
            return _text(f"[{item.mime_type} of {len(item.data):,} bytes: too large to show or to keep]")
        return _link(stored, item.name or "file")


def meta(report: Report) -> Wire:
    """What a call cost and printed, under keys of our own."""
    cost = {
        "fuel": report.fuel,
        "queueMs": round(report.queue_ms, 3),
        "compileMs": round(report.compile_ms, 3),
        "instantiateMs": round(report.instantiate_ms, 3),
        "runMs": round(report.run_ms, 3),
        "digest": report.digest,
    }
    if report.fuel_is_least:
        cost["fuelIsLeast"] = True
    printed = _printed(STDOUT_KEY, report.stdout) | _printed(STDERR_KEY, report.stderr)
    return {COST_KEY: cost} | printed | _logged(report)


def _logged(report: Report) -> Wire:
    if not report.log and not report.log_dropped:
        return {}
    messages = [
        {"level": line.level, "context": encodable(line.context), "message": encodable(line.message)}
        for line in report.log
    ]
    return {LOG_KEY: {"messages": messages, "dropped": report.log_dropped}}


def _printed(key: str, printed: Printed) -> Wire:
    if not printed.text and not printed.dropped:
        return {}
    return {key: {"text": encodable(printed.text), "dropped": printed.dropped}}


def _spoken(payload: object) -> str:
    """The words in an error's payload: a string, a variant's case with its words, a record's message."""
    match payload:
        case str():
            return payload
        case {"tag": str(tag), **rest}:
            words = _spoken(rest.get("val"))
            return f"{tag}: {words}" if words else tag
        case {"message": str(words)}:
            return words
        case _:
            return ""


def _size(text: str, limit: int) -> int:
    """The size of ``text`` in bytes, or any number that is not above ``limit`` where that is plain."""
    return len(text) if 4 * len(text) <= limit else len(text.encode())


def _text(text: str) -> Wire:
    return {"type": "text", "text": text}


def _link(stored: Stored, name: str) -> Wire:
    return {
        "type": "resource_link",
        "uri": RESULTS + stored.id,
        "name": name,
        "mimeType": stored.mime_type,
        "size": len(stored.data),
    }
