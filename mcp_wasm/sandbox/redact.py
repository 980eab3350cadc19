"""Keeping the values of secrets out of text that is shown, logged or sent to a model.

A value is found as it is and in the forms that programs give it on the way:
base64 (also inside of a longer text, as in ``Authorization: Basic``), hex,
percent-encoded, and escaped as JSON or as Python does it. It is no defence against a guest that
means to give away a secret which it was given: that one can spell it in any
other way. A guest that must not know a secret gets a placeholder (``secrets``).
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

LEAST = 6
"""Characters of the shortest value that is looked for: shorter ones occur in ordinary text by chance."""

_MOST = 256
"""Values kept, the latest; a server that rotates its secrets must not grow."""


class Redactor:
    """Replaces values by ``[secret NAME]``. Threads may share one."""

    def __init__(self, _services: object = None) -> None:
        self._names: dict[str, str] = {}
        self._forms: tuple[tuple[str, str], ...] | None = ()
        self._changing = threading.Lock()

    def __repr__(self) -> str:
        return f"Redactor({len(self._names)} values)"

    def add(self, name: str, value: str) -> None:
        """Replace ``value`` from now on."""
        if len(value) < LEAST or value in self._names:
            return
        with self._changing:
            self._names[value] = name
            while len(self._names) > _MOST:
                self._names.pop(next(iter(self._names)))
            self._forms = None

    def _all_forms(self) -> tuple[tuple[str, str], ...]:
        """Every form of every value with what is put in its place, the longest first."""
        forms = self._forms
        if forms is None:
            with self._changing:
                found = {
                    form: f"[secret {name}]" for value, name in self._names.items() for form in _forms(value)
                }
                forms = self._forms = tuple(sorted(found.items(), key=lambda pair: -len(pair[0])))
        return forms

    def text(self, text: str) -> str:
        """``text`` without the values."""
        for form, shown in self._all_forms():
            if form in text:  # far cheaper than one pattern of all forms
                text = text.replace(form, shown)
        return text

    def cut(self, text: str) -> str:
        """The same for a text that was cut off, maybe within a value: such a beginning goes as well."""
        cleaned = self.text(text)
        for value, name in list(self._names.items()):
            for length in range(len(value) - 1, LEAST - 3, -1):
                if cleaned.endswith(value[:length]):
                    return cleaned[:-length] + f"[secret {name}]"
        return cleaned

    def value(self, value: Any) -> Any:
        """A result with every string in it redacted; its keys are names of the interface."""
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {key: self.value(each) for key, each in value.items()}
        return value

    def _string(self, text: str) -> str:
        cleaned = self.text(text)
        if cleaned == text:
            return text
        # Bytes are base64 in JSON, and have to stay so: what they stand for is cleaned instead.
        try:
            raw = base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
        except ValueError:
            return cleaned
        again = base64.b64encode(self.text(raw).encode("utf-8", "surrogateescape")).decode()
        return again if self.text(again) == again else cleaned

    def close(self) -> None:
        """Forget the values."""
        with self._changing:
            self._names, self._forms = {}, ()


def _forms(value: str) -> Iterator[str]:
    yield value
    raw = value.encode("utf-8", "surrogateescape")
    yield from (quote(value, safe="", errors="replace"), quote(value, errors="replace"))
    yield quote_plus(value, errors="replace")
    escaped = json.dumps(value)[1:-1]
    yield from (escaped, json.dumps(value, ensure_ascii=False)[1:-1], escaped.replace("/", "\\/"))
    # As denials and logs show what a guest asked for; which quotes are escaped depends on the whole text.
    yield from (ascii(value)[1:-1], ascii(f"\"'{value}")[4:-1])
    yield from (raw.hex(), raw.hex().upper())
    for before in range(3):
        # What precedes the value in its text shifts it against the groups of three bytes; the characters
        # that mix it with its neighbours are left out.
        whole = base64.b64encode(b"\0" * before + raw).decode()
        inner = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(inner) >= LEAST:
            yield from (inner, inner.replace("+", "-").replace("/", "_"))


@contextlib.contextmanager
def redacted(redactor: Redactor) -> Iterator[None]:
    """Redact what the handlers of the root logger write, whoever logs it."""
    handlers, own = list(logging.getLogger().handlers), LogFilter(redactor)
    for handler in handlers:
        handler.addFilter(own)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(own)


class LogFilter(logging.Filter):
    """For a log handler: every record that passes has its message and its traceback redacted."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact ``record`` in its place; it always passes."""
        message = record.getMessage()
        cleaned = self._redactor.text(message)
        if cleaned != message:
            record.msg, record.args = cleaned, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redactor.text(record.stack_info)
        return True
