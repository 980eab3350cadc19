"""Calls of tools between nodes, as JSON and back: what is asked, and how it ended. Pure, and strict.

A result is believed as far as the callee's node is: it fits the tool's type, or the call has failed.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_wasm.component import check as checking
from mcp_wasm.component.types import Function, Param, Result, Type
from mcp_wasm.errors import McpWasmError, OutputLimitExceeded, RemoteFailed
from mcp_wasm.mesh.envelope import EnvelopeRefused, read_json
from mcp_wasm.registry.tool import Tool
from mcp_wasm.sandbox.limits import CALL_LIMITS, Limits
from mcp_wasm.sandbox.logged import LINES, Logged, plain
from mcp_wasm.sandbox.report import Outcome, Printed, Report

PART = 384 * 1024
"""Bytes of what does not fit into one envelope that go into each."""

MOST_PARTS = 512
FROM_MESH = "mesh:"
"""What the name of a client begins with whose call came from another node."""

_WORDS = 4000
_NUMBERS = ("queue_ms", "compile_ms", "instantiate_ms", "run_ms")


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as it travels: ``arguments`` are JSON; ``limits`` and ``allowed`` only narrow."""

    id: str
    tool: str
    component: str
    digest: str
    client: str
    limits: Mapping[str, float]
    allowed: tuple[str, ...] | None
    parts: int

    def out(self) -> dict[str, Any]:
        """The body of an envelope."""
        allowed = None if self.allowed is None else list(self.allowed)
        return {name: getattr(self, name) for name in self.__slots__} | {
            "limits": dict(self.limits),
            "allowed": allowed,
        }


def asked_in(body: Mapping[str, Any]) -> Asked:
    """The call in the body of an envelope.

    Raises:
        EnvelopeRefused: it is none.
    """
    texts: list[Any] = [body.get(name) for name in ("id", "tool", "component", "digest", "client")]
    limits, allowed, parts = body.get("limits"), body.get("allowed"), body.get("parts")
    if (
        set(body) != set(Asked.__slots__)
        or not all(isinstance(each, str) and len(each) <= 300 for each in texts)
        or not isinstance(limits, dict)
        or not all(name in CALL_LIMITS and _is_positive(value) for name, value in limits.items())
        or not (allowed is None or _are_texts(allowed))
        or type(parts) is not int
        or not 1 <= parts <= MOST_PARTS
    ):
        raise EnvelopeRefused("a call has not the form of one")
    kinds = None if allowed is None else tuple(map(str, allowed))
    return Asked(texts[0], texts[1], texts[2], texts[3], texts[4], limits, kinds, parts)


def arguments_out(arguments: Mapping[str, Any]) -> bytes:
    """Arguments as JSON; bytes, which only programs give, as base64."""
    return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False, default=_as_text).encode()


def limits_out(limits: Limits) -> dict[str, float]:
    """The limits that a call takes with it."""
    return {name: getattr(limits, name) for name in CALL_LIMITS if getattr(limits, name) > 0}


def parts_of(data: bytes) -> list[str]:
    """``data`` in parts, as text; at least one."""
    cut = range(0, max(1, len(data)), PART)
    return [base64.b64encode(data[at : at + PART]).decode("ascii") for at in cut]


class Parts:
    """Parts of one text as they come; ``whole`` once all of them are there."""

    def __init__(self, count: int, most: int) -> None:
        self._parts: list[bytes | None] = [None] * count
        self._left, self._most, self._size = count, most, 0

    def add(self, at: object, data: object) -> bool:
        """Whether that was the last one.

        Raises:
            EnvelopeRefused: it is no part of this, or all together are too large.
        """
        if type(at) is not int or not 0 <= at < len(self._parts) or not isinstance(data, str):
            raise EnvelopeRefused("a part of a call has not the form of one")
        try:
            found = base64.b64decode(data, validate=True)
        except (ValueError, binascii.Error):
            raise EnvelopeRefused("a part of a call is damaged") from None
        if self._parts[at] is None:
            self._parts[at], self._size, self._left = found, self._size + len(found), self._left - 1
        if self._size > self._most:
            raise OutputLimitExceeded(self._most, self._size)
        return not self._left

    @property
    def whole(self) -> bytes:
        """All of them."""
        return b"".join(self._each())

    def _each(self) -> Iterator[bytes]:
        for part in self._parts:
            assert part is not None
            yield part


def outcome_out(outcome: Outcome) -> bytes:
    """How a call ended that returned."""
    head = {"failed": outcome.failed, "report": _report_out(outcome.report)}
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + outcome.text.encode()


def error_out(error: McpWasmError) -> bytes:
    """How a call ended that did not return."""
    words = {"kind": type(error).__name__, "words": str(error)[:_WORDS], "report": _report_out(error.report)}
    return json.dumps(words, separators=(",", ":")).encode()


def outcome_in(data: bytes, tool: Tool, node: str) -> Outcome:
    """How a call of ``tool`` ended on ``node``.

    Raises:
        RemoteFailed: it failed there, or what came is no result of this tool.
    """
    head, _, text = data.partition(b"\n")
    try:
        match read_json(head):
            case {"failed": bool() as failed, "report": report, **none} if not none:
                value = read_json(text)
            case {"kind": str() as kind, "words": str() as words, "report": report, **none} if not none:
                failure = RemoteFailed(node, kind[:100], words[:_WORDS])
                failure.report = _report_in(report, tool.digest, node)
                raise failure
            case _:
                raise EnvelopeRefused("the end of a call has not the form of one")
        found = _report_in(report, tool.digest, node)
        wrong = _mismatch(tool, value, failed=failed)
    except EnvelopeRefused as error:
        raise RemoteFailed(node, "WrongResult", f"its answer cannot be read: {error.reason}") from None
    if wrong:
        words = f"its result does not fit the type of {tool.name} and was thrown away: {wrong}"
        raise RemoteFailed(node, "WrongResult", words)
    plain_text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Outcome(value, failed, plain_text, found)


def _mismatch(tool: Tool, value: object, *, failed: bool) -> str:
    """What of a result does not fit; ``""`` where all does."""
    declared = tool.function.result
    side = declared
    if isinstance(declared, Result):
        side = declared.err if failed else declared.ok
    elif failed:
        return "it has no errors"
    if side is None:
        return "" if value is None else "it gives nothing"
    wrong = checking.check(_taking(side), {"result": value})
    if wrong:
        return str(wrong[0])
    return "" if failed or tool.output_schema is None else _exact(tool.output_schema, value)


def _exact(schema: Mapping[str, Any], value: object) -> str:
    """What of a result the published schema refuses: arguments may be written in more ways than results."""
    import jsonschema  # only where results come from other nodes

    for error in jsonschema.Draft202012Validator(schema).iter_errors({"result": value}):
        return f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
    return ""


def _taking(type_: Type) -> Function:
    return Function("", "result", (Param("result", type_),), None)


def _report_out(report: Report | None) -> dict[str, Any] | None:
    if report is None:
        return None
    return {
        "digest": report.digest,
        "fuel": report.fuel,
        **{name: round(getattr(report, name), 3) for name in _NUMBERS},
        "stdout": [report.stdout.text, report.stdout.dropped],
        "stderr": [report.stderr.text, report.stderr.dropped],
        "log": [[each.level, each.context, each.message] for each in report.log],
        "log_dropped": report.log_dropped,
        "denials": [str(each) for each in report.denials],
    }


def _report_in(value: object, digest: str, node: str) -> Report:
    """What a call cost there, in bounds; what was denied there is a line of the log: it is granted there."""
    if value is None:
        return Report(digest)
    if not isinstance(value, dict):
        raise EnvelopeRefused("a report has not the form of one")
    denied = [each for each in _list(value.get("denials")) if isinstance(each, str)]
    log = [
        Logged(*(plain(str(part), 2000) for part in each))
        for each in _list(value.get("log"))[:LINES]
        if isinstance(each, list) and len(each) == 3
    ]
    log += [Logged("warn", f"node {node}", plain(f"denied there: {each}", 2000)) for each in denied[:20]]
    queue, compiling, instantiating, running = (_number(value.get(name)) for name in _NUMBERS)
    return Report(
        digest,
        fuel=int(_number(value.get("fuel"))),
        queue_ms=queue,
        compile_ms=compiling,
        instantiate_ms=instantiating,
        run_ms=running,
        stdout=_printed(value.get("stdout")),
        stderr=_printed(value.get("stderr")),
        log=tuple(log),
        log_dropped=int(_number(value.get("log_dropped"))),
    )


def _printed(value: object) -> Printed:
    match value:
        case [str() as text, int() as dropped]:
            return Printed(text[: 1024 * 1024], max(0, dropped))
    return Printed()


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if good and math.isfinite(value) else 0  # type: ignore[arg-type,return-value]


def _as_text(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(type(value).__name__)


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 2**63


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and len(each) < 100 for each in value)
