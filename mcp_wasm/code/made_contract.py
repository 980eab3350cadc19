"""What is asked for when code is to become a tool, and what comes of it: values that every door shares."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_wasm.component.types import World
from mcp_wasm.sandbox.report import Report

PERSON = ""
"""The client of a person at the machine itself, who may change and keep what anybody made."""

MOST, MOST_UNKEPT = 64, 16
"""Tools made of code at once, and those of one client that nobody kept."""

SOURCE_BYTES = 256 * 1024
"""Bytes of one source, and of the WIT text that comes with it."""

TOTAL_BYTES = 64 * 1024 * 1024
"""Bytes of all versions of all made tools, with what was compiled of C and WebAssembly text."""

TESTS, TESTS_BYTES = 32, 256 * 1024
"""Tests that may come with a source, and bytes of their JSON."""

DESCRIPTION = 4_000
"""Characters of a description."""

HISTORY = 20
"""Versions of a tool that are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Example:
    """A test: ``function`` (``""`` where there is one only) called with ``input`` gives ``expected``.

    ``input`` maps parameters, by their names in the code or in WIT, to JSON values.
    """

    function: str
    input: Mapping[str, Any]
    expected: Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tool that is to be made of ``source``.

    ``name`` is what its component shall be called. The types of its functions come
    from ``world``, a WIT text with one world, or where that is ``""`` from the
    signatures in the code. ``description`` stands before what the code says of itself.
    ``file`` is what errors call the source, ``""`` for the name that its language has here.
    """

    name: str
    language: str
    source: str
    description: str = ""
    world: str = ""
    tests: tuple[Example, ...] = ()
    file: str = ""


def _never() -> bool:
    return False


def _untold(_report: Report) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms something is made for a client.

    ``may`` tells which tools the client may call, and so make (None: any). ``limits``
    lower those of each test, and ``spent`` is told what each has cost. Once
    ``given_up`` says so, nobody waits for the tool any more: it is not published.
    """

    may: Callable[[str], bool] | None = None
    limits: Mapping[str, object] = field(default_factory=dict)
    spent: Callable[[Report], None] = _untold
    given_up: Callable[[], bool] = _never


FREE = Terms()
"""Those of whoever may make anything."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a made tool; ``created_at`` is in UTC (ISO 8601)."""

    version: int
    digest: str
    created_at: str
    created_by: str


@dataclass(frozen=True, slots=True)
class Edition:
    """One version with everything that it is made from.

    ``names`` maps the path of each function to its name in the code (empty where the
    code is compiled), and ``shapes`` to how its values look there. ``digest`` is that
    of ``binary`` where there is one, else of code and types; ``client`` is who made
    it. ``over`` is the digest of the kept version in whose place a session has this
    one, ``""`` where there was none.
    ``kept_by`` and ``kept_at`` tell which person kept it.
    """

    name: str
    version: int
    language: str
    source: str
    wit: str
    world: World
    names: Mapping[str, str]
    shapes: Mapping[str, Any]
    digest: str
    description: str
    tests: tuple[Example, ...]
    created_by: str
    client: str
    created_at: str
    over: str = ""
    kept_by: str = ""
    kept_at: str = ""
    binary: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A tool made of code, as it is shown.

    ``tools`` are the names of the tools that its functions are, ``functions`` what each
    takes and gives, as the component says it in WIT. ``kept`` is whether
    it outlives the session of ``client``, who made it. ``compiled`` says on what it
    runs: ``runner``, ``compiling``, ``component`` or ``failed: …``. ``over`` is the digest
    of the kept version that it stands before until its session ends, ``""`` for none,
    and ``waiting`` are versions of that name in servers' sessions that a person could keep.
    ``apart`` is the interface in which the exported component has the functions that ``wit``
    has in the world, ``""`` where it has them there too.
    """

    name: str
    language: str
    source: str
    wit: str
    tools: tuple[str, ...]
    description: str
    created_by: str
    created_at: str
    digest: str
    version: int
    kept: bool
    compiled: str
    versions: tuple[Version, ...] = ()
    tests: tuple[Example, ...] = ()
    client: str = PERSON
    functions: tuple[str, ...] = ()
    over: str = ""
    waiting: tuple[Version, ...] = ()
    apart: str = ""


def tests_text(tests: tuple[Example, ...]) -> str:
    """Tests as JSON."""
    return json.dumps([[each.function, dict(each.input), each.expected] for each in tests])
