"""What went wrong with a model or a tensor, in the words of ``wasi:nn``: never a trap of the guest."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    "invalid-argument",
    "invalid-encoding",
    "timeout",
    "runtime-error",
    "unsupported-operation",
    "too-large",
    "not-found",
    "security",
    "unknown",
]
"""``wasi:nn/errors#error-code``."""


class Problem(Exception):
    """An error that the guest is given: ``code`` and a text."""

    def __init__(self, code: Code, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(text)
