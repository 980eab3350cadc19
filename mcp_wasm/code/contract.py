"""What is asked of a run of code, and what comes of it: frozen values that every door shares."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from mcp_wasm.sandbox.report import Report

Language = Literal["python", "javascript", "typescript", "c", "wat"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

TOOLS_ONLY = ("rust", "go")
"""Languages of which tools can be made, and that are not run: compiling them is for what is called often."""

MADE_LANGUAGES: tuple[str, ...] = (*LANGUAGES, *TOOLS_ONLY)


def not_run(language: str) -> str:
    """What is expected in place of ``language``, which is not run; ``""`` for one that is."""
    if language in LANGUAGES:
        return ""
    said = f"one of {', '.join(LANGUAGES)}"
    if language not in TOOLS_ONLY:
        return said
    return f"{said}; {language} compiles to tools only: make one (create_tool, mcp-wasm publish) and call it"


CODE = "code"
"""What grants, denials and the audit log call whatever code a model sends, in every language."""

DIGEST = hashlib.sha256(b"mcp-wasm:code").hexdigest()
"""Stands where a component's digest does: a person grants to code as such, not to some bytes of it."""

WISHES = frozenset({"mcp-wasm:tools/call"})

FILES = 64
"""Files that go in or come out of one run."""

FILE_BYTES = 16 * 1024 * 1024
"""Bytes of all files that go in, and of all that come out."""


class Absent:
    """No input was given; ``None`` is JSON's null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Run:
    """One run: ``input`` is a JSON value for ``main(input)``, ``files`` bytes by relative path.

    ``session`` is ``""`` for a run that leaves nothing behind, ``"new"`` to begin
    a session, else the handle of one. ``timeout`` in seconds and ``fuel`` narrow
    the limits, as does ``limits``, by the names of ``CALL_LIMITS``.
    """

    language: Language
    code: str
    input: object = ABSENT
    files: Mapping[str, bytes] = field(default_factory=dict)
    session: str = ""
    timeout: float | None = None
    fuel: int | None = None
    limits: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Produced:
    """A file that the code wrote or changed; ``path`` is relative, with ``/`` between its parts."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed. ``line`` and ``column`` are of the submitted code, from 1; None where unknown.

    ``limit`` is the field of ``Limits`` that was reached, or ``""``.
    """

    type: str
    message: str
    line: int | None = None
    column: int | None = None
    traceback: str = ""
    hint: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended.

    ``value`` is plain JSON, ``ABSENT`` where the code gave none; ``text`` is the
    language's own rendering of a value that is no plain JSON. ``truncated`` says
    in words what was cut. ``session`` is the handle for the next run, or ``""``.
    """

    value: object
    text: str
    failure: Failure | None
    files: tuple[Produced, ...]
    truncated: tuple[str, ...]
    note: str
    session: str
    report: Report
