"""``wasi:nn/errors``: what went wrong, as a resource with a code and a text."""

from __future__ import annotations

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.nn.problem import Code, Problem

VERSIONS = ("0.2.0-rc-2024-10-28", "0.2.0-rc-2024-08-19")
"""The drafts of ``wasi:nn`` that are the same, but for ``inference``."""


class Error:
    """One error; the guest asks it for its code and its text."""

    __slots__ = ("code", "text")

    def __init__(self, code: Code, text: str) -> None:
        self.code, self.text = code, text

    @classmethod
    def of(cls, problem: Problem) -> Error:
        """The error that says what ``problem`` says."""
        return cls(problem.code, problem.text)


def _code(_call: Call, error: Error) -> str:
    return error.code


def _data(_call: Call, error: Error) -> str:
    return error.text


INTERFACES = (
    Interface(
        "wasi:nn/errors",
        VERSIONS,
        {"[method]error.code": _code, "[method]error.data": _data},
        {"error": Error},
    ),
)
