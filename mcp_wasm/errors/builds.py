"""What goes wrong with source code: its signature, its tests, its toolchain."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_wasm.errors.tree import CallerError, HostError


class SignatureRefused(CallerError):
    """Source code cannot be typed as a tool: ``reason`` says why and ``hint`` what to write instead.

    ``line`` and ``column`` count from 1 in the source as submitted, named ``file``.
    """

    def __init__(self, file: str, line: int, column: int, reason: str, hint: str = "") -> None:
        self.file, self.line, self.column, self.reason, self.hint = file, line, column, reason, hint
        super().__init__(f"{file}:{line}:{column}: {reason}" + (f". {hint}" if hint else ""))


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test of a tool that did not hold; ``got`` is its value, or ``error`` says why there is none."""

    function: str
    given: Any
    expected: Any
    got: Any = None
    error: str = ""

    def __str__(self) -> str:
        found = f"it failed: {self.error}" if self.error else f"got {_shown(self.got)}"
        return f"{self.function}({_shown(self.given)}): expected {_shown(self.expected)}, {found}"


class TestsFailed(CallerError):
    """Code was not made a tool, since tests that came with it do not hold: ``failed``, of ``total``."""

    __test__ = False  # its name looks like a test to pytest

    def __init__(self, name: str, failed: Sequence[FailedTest], total: int) -> None:
        self.name, self.failed, self.total = name, tuple(failed), total
        lines = "\n".join(f"- {each}" for each in self.failed)
        super().__init__(
            f"{name} was not made: {len(self.failed)} of its {total} tests failed. "
            f"Mend the code or the tests:\n{lines}"
        )


class ToolchainMissing(HostError):
    """A build needs ``program``, which is not installed; ``install`` is what to type."""

    def __init__(self, program: str, install: str) -> None:
        self.program, self.install = program, install
        super().__init__(f"{program} is not installed. Type: {install}")


class NotConfined(HostError):
    """Source that nobody vouches for is not compiled, for want of a sandbox of the system.

    ``reasons`` says for each mechanism why it cannot be used.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        said = "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
        super().__init__(
            "Source code that a model or a stranger wrote is only compiled in a sandbox of the system, and "
            f"there is none here ({said}). On Linux, install bubblewrap (apt-get install bubblewrap) or use "
            "a kernel with Landlock (5.19 or later). What you wrote yourself is compiled without one: "
            "mcp-wasm build."
        )


def _shown(value: Any, most: int = 300) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


@dataclass(frozen=True, slots=True)
class Message:
    """What a compiler says of one place in the source as submitted.

    ``line`` and ``column`` count from 1; 0 is "not told". ``severity`` is
    ``error``, ``warning`` or ``note``.
    """

    file: str
    line: int
    column: int
    severity: str
    text: str

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])
        return f"{place}: {self.severity}: {self.text}"


class BuildFailed(HostError):
    """A toolchain ended with an error; ``output`` is the end of what it printed.

    ``messages`` are those of its words that tell a place in the source.
    """

    def __init__(self, what: str, output: str, messages: Sequence[Message] = ()) -> None:
        self.what, self.output, self.messages = what, output, tuple(messages)
        super().__init__(f"Building {what} failed:\n{output}")
