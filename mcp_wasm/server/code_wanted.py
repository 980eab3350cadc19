"""What a call of the tools for code asks for: plain JSON in, frozen values out, every wrong place named."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from mcp_wasm.code.contract import (
    ABSENT,
    FILE_BYTES,
    FILES,
    LANGUAGES,
    MADE_LANGUAGES,
    Language,
    Run,
    not_run,
)
from mcp_wasm.code.made_contract import TESTS, Example, Wanted
from mcp_wasm.code.run import RUN_CODE
from mcp_wasm.code.scratch import check as check_files
from mcp_wasm.errors import InvalidArguments, Mismatch
from mcp_wasm.server.code_tools import CREATE, DESCRIBE, MOST_CODE, STUB_LANGUAGES
from mcp_wasm.server.text import visible
from mcp_wasm.server.wanted import Arguments, kind

_SESSION = 64
_SHOWN = 60
_QUERY = 1000
_NAME = 200

Fetch = Callable[[str], bytes | None]
"""The content of a resource of this server, or None where this client finds none there."""


def run_wanted(arguments: Arguments, fetch: Fetch) -> Run:
    """The run that ``arguments`` of ``run_code`` ask for.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """
    given = Given(RUN_CODE, arguments)
    asked = arguments.get("language")
    language = given.one_of("language", LANGUAGES, said=not_run(asked) if isinstance(asked, str) else "")
    code = given.text("code", most=MOST_CODE)
    session = given.text("session", most=_SESSION, default="")
    timeout, fuel = given.number("timeout"), given.number("fuel", whole=True)
    files = _files(given, fetch)
    given.done("input")
    check_files(RUN_CODE, files)
    return Run(
        cast(Language, language),
        code,
        arguments.get("input", ABSENT),
        files,
        session,
        timeout,
        None if fuel is None else int(fuel),
    )


def describe_wanted(arguments: Arguments) -> tuple[Literal["python", "typescript"], str]:
    """The language and the query of ``describe_tools``.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """
    given = Given(DESCRIBE, arguments)
    language = given.one_of("language", STUB_LANGUAGES, "python")
    query = given.text("query", most=_QUERY, default="")
    given.done()
    return cast(Literal["python", "typescript"], language), query


def tool_wanted(arguments: Arguments) -> Wanted:
    """What ``arguments`` of ``create_tool`` ask for.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """
    given = Given(CREATE, arguments)
    name = given.text("name", most=_NAME)
    language = given.one_of("language", MADE_LANGUAGES)
    source = given.text("source", most=MOST_CODE)
    description = given.text("description", most=MOST_CODE, default="")
    world = given.text("world", most=MOST_CODE, default="")
    tests = _tests(given)
    given.done()
    return Wanted(name, language, source, description, world, tests)


def name_wanted(tool: str, arguments: Arguments) -> str:
    """The one argument ``name`` of ``tool``.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """
    given = Given(tool, arguments)
    name = given.text("name", most=_NAME)
    given.done()
    return name


def nothing_wanted(tool: str, arguments: Arguments) -> None:
    """Refuse whatever is given to ``tool``, which takes nothing.

    Raises:
        InvalidArguments: naming it.
    """
    Given(tool, arguments).done()


class Given:
    """Arguments of the tool ``tool``, taken one by one; ``done`` raises for all that did not fit."""

    def __init__(self, tool: str, arguments: Arguments) -> None:
        self.tool, self.arguments = tool, arguments
        self.wrong: list[Mismatch] = []
        self._taken: set[str] = set()

    def take(self, name: str) -> Any:
        """The value of ``name``; ``ABSENT`` where there is none. Null is none."""
        self._taken.add(name)
        value = self.arguments.get(name)
        return ABSENT if value is None else value

    def text(self, name: str, *, most: int, default: str | None = None) -> str:
        """A text of at most ``most`` characters that can be sent; it must be there without ``default``."""
        value = self.take(name)
        if value is ABSENT and default is not None:
            return default
        if not isinstance(value, str):
            self._refuse(name, "a string", value)
            return ""
        if len(value) > most:
            self.wrong.append(Mismatch(f"/{name}", f"at most {most:,} characters", f"{len(value):,}"))
        if not _sendable(value):
            self.wrong.append(Mismatch(f"/{name}", "text", "a lone surrogate in it"))
        return value

    def one_of(
        self, name: str, choices: tuple[str, ...], default: str | None = None, *, said: str = ""
    ) -> str:
        """One of ``choices``; ``said`` is what is expected, in words, where that is more."""
        value = self.take(name)
        if value is ABSENT and default is not None:
            return default
        if value not in choices:
            found = ascii(value[:_SHOWN]) if isinstance(value, str) else kind(_present(value))
            self.wrong.append(Mismatch(f"/{name}", said or f"one of {', '.join(choices)}", found))
        return str(value)

    def number(self, name: str, *, whole: bool = False) -> float | None:
        """A positive number, or None."""
        value = self.take(name)
        if value is ABSENT:
            return None
        plain = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not plain or value <= 0 or (whole and value != int(value)):
            self._refuse(name, "an integer of at least 1" if whole else "a positive number", value)
            return None
        return cast(float, value)

    def done(self, *others: str) -> None:
        """Nothing else is taken but what ``others`` names.

        Raises:
            InvalidArguments: for what did not fit, and for what there is no parameter for.
        """
        unknown = self.arguments.keys() - self._taken - set(others)
        self.wrong += [
            Mismatch(f"/{visible(name, _SHOWN)}", "no such parameter", "it") for name in sorted(unknown)[:8]
        ]
        if self.wrong:
            raise InvalidArguments(self.tool, self.wrong)

    def _refuse(self, name: str, expected: str, value: object) -> None:
        self.wrong.append(Mismatch(f"/{name}", expected, kind(_present(value))))


def _tests(given: Given) -> tuple[Example, ...]:
    tests = given.take("tests")
    if tests is ABSENT:
        return ()
    if not isinstance(tests, list) or len(tests) > TESTS:
        found = kind(tests) if not isinstance(tests, list) else f"{len(tests):,}"
        given.wrong.append(Mismatch("/tests", f"an array of at most {TESTS} tests", found))
        return ()
    examples = []
    for at, test in enumerate(tests):
        match test:
            case {"input": dict(values), "expected": expected, **rest} if rest.keys() <= {"function"}:
                function = rest.get("function") or ""
                if isinstance(function, str):
                    examples.append(Example(function, values, expected))
                    continue
        form = '{"input": an object, "expected": a value, "function": a text that may be left out}'
        given.wrong.append(Mismatch(f"/tests/{at}", form, kind(test)))
    return tuple(examples)


def _files(given: Given, fetch: Fetch) -> dict[str, bytes]:
    files = given.take("files")
    if files is ABSENT:
        return {}
    if not isinstance(files, Mapping):
        given.wrong.append(Mismatch("/files", "an object of files by path", kind(files)))
        return {}
    if len(files) > FILES:
        given.wrong.append(Mismatch("/files", f"at most {FILES} files", f"{len(files)}"))
        return {}
    found, room = {}, FILE_BYTES
    for path, wanted in files.items():
        content = _content(wanted, fetch, room)
        if isinstance(content, str):
            given.wrong.append(Mismatch(f"/files/{_pointed(path)}", content, _found(wanted)))
        else:
            found[path] = content
            room -= len(content)
    return found


def _content(wanted: object, fetch: Fetch, room: int) -> bytes | str:
    """The bytes of one file, or what was expected in its place."""
    content: bytes | None = None
    match wanted:
        case str():
            if len(wanted) > room:
                return f"at most {FILE_BYTES:,} bytes in all files"
            if not _sendable(wanted):
                return "text without lone surrogates"
            content = wanted.encode()
        case {"base64": str(data), **rest} if not rest:
            if len(data) > 2 * room + 4:
                return f"at most {FILE_BYTES:,} bytes in all files"
            try:
                content = base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                return "base64 text"
        case {"uri": str(uri), **rest} if not rest:
            content = fetch(uri)
            if content is None:
                return "the address of a resource of this server that is still kept for you"
        case _:
            return 'a text, {"base64": …} or {"uri": …}'
    return content if len(content) <= room else f"at most {FILE_BYTES:,} bytes in all files"


def _found(wanted: object) -> str:
    if isinstance(wanted, dict) and isinstance(wanted.get("uri"), str):
        return ascii(wanted["uri"][:_SHOWN])
    return kind(wanted)


def _pointed(path: str) -> str:
    return ascii(path[:_SHOWN])[1:-1].replace("~", "~0").replace("/", "~1")


def _present(value: object) -> object:
    return None if value is ABSENT else value


def _sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
