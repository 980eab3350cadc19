"""What became of a run, in the form that every door shows: read from a runner's answer, or from its end.

The answer was made in the guest, by code that could have tampered with it, so each
part is checked for its type and bounded.
"""

from __future__ import annotations

from typing import Any

from mcp_wasm.code.contract import ABSENT, DIGEST, Failure, Ran
from mcp_wasm.code.plain import DEEPEST, TooDeep, plain
from mcp_wasm.errors import (
    BuildFailed,
    DeadlineExceeded,
    FuelExhausted,
    GuestError,
    LimitExceeded,
    MemoryLimitExceeded,
    StorageExceeded,
    Trap,
)
from mcp_wasm.sandbox.report import Outcome, Report
from mcp_wasm.sandbox.script import answer_of
from mcp_wasm.sandbox.trap import MEMORY

_TEXT, _TRACEBACK = 8 * 1024, 16 * 1024

_HINTS: dict[type[LimitExceeded], str] = {
    FuelExhausted: "Look for a loop that does not end, or do less at once; `fuel` can only lower the limit.",
    DeadlineExceeded: "Look for a loop or a wait that does not end; `timeout` can only lower the limit.",
    MemoryLimitExceeded: "Work on smaller pieces: stream, use generators, drop what is not needed.",
    StorageExceeded: "Write less, or remove files that are not needed any more.",
}

_OUT_OF_MEMORY = {("MemoryError", ""), ("InternalError", "out of memory")}
"""What Python and JavaScript raise when their memory may not grow any more."""

_NO_MEMORY = "The memory limit was reached: there is no room for what the code wanted"


def read(outcome: Outcome) -> Ran:
    """How a run ended whose runner answered."""
    report = outcome.report
    try:
        found = answer_of(outcome)
    except Trap as error:
        error.report = report
        return stopped(error)
    failure = _failure(found["error"]) if found.get("error") is not None else None
    value: object = ABSENT if failure is not None else found.get("value", ABSENT)
    truncated = _printed(report)
    try:
        value = plain(value, str(outcome.value))
    except (TooDeep, RecursionError):
        value, truncated = ABSENT, (*truncated, f"value: it nests deeper than {DEEPEST}")
    text, note = _cut(found.get("text"), _TEXT), _cut(found.get("note"), _TEXT)
    return Ran(value, text, failure, (), truncated, note, "", report)


def typed(outcome: Outcome) -> Ran:
    """How a run ended that was the call of a typed function."""
    report = outcome.report
    if outcome.failed:
        failure = Failure("Error", outcome.text[:_TRACEBACK])
        return Ran(ABSENT, "", failure, (), _printed(report), "", "", report)
    return Ran(outcome.value, "", None, (), _printed(report), "", "", report)


def stopped(error: GuestError) -> Ran:
    """How a run ended that did not return: a limit or a trap.

    Raises:
        GuestError: ``error``, where nothing had begun to run.
    """
    report = error.report
    if not isinstance(report, Report):
        raise error
    if isinstance(error, Trap) and error.hint.startswith(MEMORY):
        # The runner had no room left to say so itself: to the model it is the same limit.
        kind, hint = MemoryLimitExceeded, _HINTS[MemoryLimitExceeded]
        failure = Failure(kind.__name__, f"{_NO_MEMORY}.", hint=hint, limit=kind.limit)
        return Ran(ABSENT, "", failure, (), _printed(report), "", "", report)
    limit = error.limit if isinstance(error, LimitExceeded) else ""
    hint = next((text for kind, text in _HINTS.items() if isinstance(error, kind)), "")
    traceback = "\n".join(error.frames) if isinstance(error, Trap) else ""
    failure = Failure(type(error).__name__, str(error), traceback=traceback, hint=hint, limit=limit)
    return Ran(ABSENT, "", failure, (), _printed(report), "", "", report)


def refused(error: BuildFailed) -> Ran:
    """How a run ended whose source did not compile."""
    first = next((each for each in error.messages if each.severity == "error"), None)
    all_of_it = "\n".join(map(str, error.messages)) or error.output
    failure = Failure(
        "CompileError",
        _cut(first.text if first is not None else error.output, _TEXT),
        (first.line or None) if first is not None else None,
        (first.column or None) if first is not None else None,
        _cut(all_of_it, _TRACEBACK),
    )
    return Ran(ABSENT, "", failure, (), (), "", "", Report(DIGEST))


def _failure(error: Any) -> Failure:
    if not isinstance(error, dict):
        return Failure("Error", "the code failed and did not say how")
    kind, message = _cut(error.get("type"), 200) or "Error", _cut(error.get("message"), _TEXT)
    limit = ""
    if (kind, message) in _OUT_OF_MEMORY:
        # The language caught what is else a trap: to the model it is the same limit.
        limit, message = MemoryLimitExceeded.limit, f"{_NO_MEMORY} ({kind})."
    return Failure(
        kind,
        message,
        _number(error.get("line")),
        _number(error.get("column")),
        _cut(error.get("traceback"), _TRACEBACK),
        _cut(error.get("hint"), 1000),
        limit,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def _cut(value: object, most: int) -> str:
    """Text as it may be shown: no lone surrogates, and at most ``most`` characters, the middle left out."""
    text = value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"


def _printed(report: Report) -> tuple[str, ...]:
    """What was cut of the output, in words."""
    streams = (("stdout", report.stdout), ("stderr", report.stderr))
    return tuple(
        f"{name}: the last {printed.dropped:,} bytes were dropped"
        for name, printed in streams
        if printed.dropped
    )
