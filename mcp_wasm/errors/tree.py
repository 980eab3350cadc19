"""The bases of all errors, by whose fault it was, and the place where a value does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class McpWasmError(Exception):
    """Base of all errors of this package.

    ``report`` is a ``sandbox.report.Report`` once the guest was started, else None.
    """

    report: Any = None


class CallerError(McpWasmError):
    """The request, the settings or the given file was wrong; nothing was run."""


class GuestError(McpWasmError):
    """The guest was started and did not return."""


class HostError(McpWasmError):
    """We failed, or what we need is not there."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where a value does not fit its type.

    ``pointer`` is a JSON pointer (RFC 6901) into the arguments, ``""`` for the
    whole; ``expected`` is a phrase, ``found`` a short rendering of the value.
    """

    pointer: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.pointer or '(the arguments)'}: expected {self.expected}, got {self.found}"
