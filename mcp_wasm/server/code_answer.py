"""What a run of code gave, as the wire form of a ``CallToolResult``.

A run that ended well answers as ``code_tools.RUN_OUTPUT`` says, in
``structuredContent`` and as the same JSON in text; one that failed says in text
what went wrong, where, and what had been printed by then.
"""

from __future__ import annotations

from mcp_wasm.code.contract import ABSENT, Failure, Ran
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Report
from mcp_wasm.server import code_files
from mcp_wasm.server.content import COMPLETE, RESULTS, STDERR_KEY, STDOUT_KEY, Presenter, Wire, meta
from mcp_wasm.server.failures import RAISE
from mcp_wasm.server.results import ResultStore
from mcp_wasm.server.text import encodable, head, json_bytes, tail, visible

FAILURE_KEY = "mcp-wasm/failure"
"""In ``_meta`` of a run that failed: type, message, line, column, limit."""

_VALUE_SHOWN = 16 * 1024
"""Bytes shown of a value that is over the text limit, or less where that is."""

_STDOUT_SHOWN = 8 * 1024
_RAISED = frozenset({"fuel", "deadline", "memory", "arguments", "result", "resources", "log"})


class Answers:
    """Makes results of runs; ``store`` keeps files, and the whole of what was cut."""

    def __init__(self, presenter: Presenter, store: ResultStore) -> None:
        self._presenter, self._store = presenter, store

    def wire(self, ran: Ran, limits: Limits, owner: str) -> Wire:
        """The result of ``ran`` for ``owner``; ``limits`` are those it ran under."""
        files = code_files.shown(ran.files, self._store, owner)
        if ran.failure is not None:
            return self._failed(ran, ran.failure, files, limits, owner)
        result, cut = self._value(ran, limits.text, owner)
        truncated = [visible(line, 400) for line in (*ran.truncated, *files.left_out, *cut)]
        result |= {
            key: value
            for key, value in (
                ("stdout", encodable(ran.report.stdout.text)),
                ("stderr", encodable(ran.report.stderr.text)),
                ("files", files.listed),
                ("session", ran.session),
                ("truncated", truncated),
                ("note", encodable(ran.note)),
            )
            if value
        }
        result["cost"] = {"fuel": ran.report.fuel, "ms": _ms(ran.report)}
        wrapped = {"result": result}
        about = meta(ran.report)
        for key in (STDOUT_KEY, STDERR_KEY):
            about.pop(key, None)  # they stand in the result
        text = {"type": "text", "text": json_bytes(wrapped).decode()}
        content = [text, *files.blocks]
        return COMPLETE | {
            "isError": False,
            "structuredContent": wrapped,
            "content": content,
            "_meta": about,
        }

    def _value(self, ran: Ran, limit: int, owner: str) -> tuple[Wire, list[str]]:
        """The value as a result has it, and in words what was cut of it."""
        text: Wire = {"text": encodable(ran.text)} if ran.text else {}
        if ran.value is ABSENT:
            return text, []
        data = json_bytes(ran.value)
        if len(data) <= limit:
            return {"value": ran.value} | text, []
        stored = self._store.put(data, "application/json", owner, text=True)
        beginning = head(data, min(limit, _VALUE_SHOWN))
        said = f"value: {len(beginning.encode()):,} of {len(data):,} bytes of its JSON are shown, as text"
        if stored is None:
            return {"text": beginning}, [f"{said}; the rest was too large to keep"]
        pages, uri = self._store.pages(stored), RESULTS + stored.id
        where = f"{uri}/1 to {uri}/{pages}" if pages > 1 else uri
        minutes = f"{self._store.seconds / 60:.0f} minutes"
        return {"text": beginning}, [f"{said}; the whole is the resource {where}, kept for {minutes}"]

    def _failed(
        self, ran: Ran, failure: Failure, files: code_files.Files, limits: Limits, owner: str
    ) -> Wire:
        lines = [_headline(failure)]
        # A traceback ends with the very headline.
        lines += [failure.traceback.rstrip()] if failure.traceback else []
        lines += [f"Hint: {failure.hint}"] if failure.hint else []
        lines += [f"Note: {ran.note}"] if ran.note else []
        lines += [f"Cut: {line}" for line in (*ran.truncated, *files.left_out)]
        if ran.session:
            lines.append(f"The session {ran.session} goes on: what was set before the error is still there.")
        lines += [f"It made the file {each['path']}: {each.get('uri', 'not kept')}" for each in files.listed]
        if ran.report.stdout.text.strip():
            lines.append(f"stdout so far:\n{tail(ran.report.stdout.text.rstrip(), _STDOUT_SHOWN)}")
        wire = self._presenter.error("\n".join(lines), ran.report, limit=limits.text, owner=owner)
        about = {
            "type": encodable(failure.type),
            "message": encodable(failure.message),
            "line": failure.line,
            "column": failure.column,
            "limit": failure.limit or None,
        }
        wire["_meta"] = wire.get("_meta", {}) | {FAILURE_KEY: about}
        wire["content"] = [*wire["content"], *files.blocks]
        return wire


def _headline(failure: Failure) -> str:
    if failure.limit:
        raised = f" {RAISE.format(limit=failure.limit)}" if failure.limit in _RAISED else ""
        return f"{failure.message}{raised}"
    if failure.type == "Trap":
        return failure.message
    where = f" (line {failure.line}" if failure.line else ""
    where += f", column {failure.column})" if where and failure.column else ")" if where else ""
    return f"{failure.type}: {failure.message}{where}" if failure.message else f"{failure.type}{where}"


def _ms(report: Report) -> float:
    spent = report.queue_ms + report.compile_ms + report.instantiate_ms + report.run_ms
    return round(spent, 3)
