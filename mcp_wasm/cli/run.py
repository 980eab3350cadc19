"""``mcp-wasm run``: programs in the sandbox for code, by the same path as the server's ``run_code``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli import output, terminal, told, wiring
from mcp_wasm.cli.given import parse
from mcp_wasm.code.contract import ABSENT, FILE_BYTES, LANGUAGES, Language, Ran, Run, not_run
from mcp_wasm.errors import InvalidSettings

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

SUFFIXES: dict[str, Language] = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".ts": "typescript",
    ".c": "c",
    ".wat": "wat",
}
TOOLS = {".rs": "rust", ".go": "go"}
"""Of which tools are made, and nothing else."""
_LARGEST = 16 * 1024 * 1024
"""Bytes of one program; what it may have is for the limits to say."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="a program: .py, .js, .ts, .c or .wat; - reads it from stdin"
    )
    parser.add_argument(
        "-c", dest="code", metavar="CODE", action="append", default=[], help="a program in one argument"
    )
    parser.add_argument(
        "--language", choices=LANGUAGES, help="of what has no file to tell it (default: python)"
    )
    parser.add_argument(
        "--input", metavar="JSON", help="the value for main(input): JSON, or @FILE to read it from one"
    )
    parser.add_argument(
        "--file",
        metavar="PATH[=NAME]",
        action="append",
        default=[],
        help="put a file into the program's folder, under its own name or NAME; may be given several times",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write the files that it made there; a new or empty folder"
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="lower the deadline")
    parser.add_argument("--fuel", type=int, help="lower the CPU budget, in units of fuel")
    parser.add_argument(
        "--session", action="store_true", help="run several programs in one session: variables stay"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document for each program")
    wiring.add_sources(parser)


def run(args: argparse.Namespace) -> int:
    """Run the programs one after another, until one fails; 1 if one did."""
    runs = programs(args)
    if args.out is not None:
        output.check(args.out)
    with wiring.open_runtime(wiring.read(args)) as runtime:
        wanted = {"deadline": args.timeout, "fuel": args.fuel}
        limits = {name: value for name, value in wanted.items() if value is not None}
        told.tell_what_cannot_rise(limits, runtime.limits, {"deadline": "timeout"})
        session = "new" if args.session else ""
        for each in runs:
            ran = _ran(runtime, replace(each, session=session))
            session = ran.session
            kept = output.write(args.out, ran.files) if args.out is not None else ()
            _print(ran, kept, as_json=args.json)
            if ran.failure is not None:
                return 1
    return 0


def programs(args: argparse.Namespace) -> list[Run]:
    """The runs that the flags ask for.

    Raises:
        InvalidSettings: for a file, a value or a flag that is wrong.
    """
    files = dict(_file(word) for word in args.file)
    given = parse_input(args.input)
    sources = [_source(name, args.language) for name in args.files]
    sources += [(args.language or "python", code) for code in args.code]
    if not sources:
        raise InvalidSettings("FILE", "a program: a file, - or -c CODE", "nothing")
    return [
        Run(language, code, given, files, timeout=args.timeout, fuel=args.fuel) for language, code in sources
    ]


def parse_input(text: str | None) -> object:
    """The value of ``--input``; ``ABSENT`` where there is none."""
    if text is None:
        return ABSENT
    if text.startswith("@"):
        text = read_text(Path(text[1:]), "--input")
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidSettings("--input", "JSON", str(error)) from None


def read_text(path: Path, where: str) -> str:
    """The text of a file.

    Raises:
        InvalidSettings: it cannot be read, is too large or no UTF-8.
    """
    try:
        return read_bytes(path, where, _LARGEST).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidSettings(where, "a text in UTF-8", str(path)) from None


def read_bytes(path: Path, where: str, most: int) -> bytes:
    """The content of a file of at most ``most`` bytes.

    Raises:
        InvalidSettings: it cannot be read or is larger.
    """
    try:
        with path.expanduser().open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InvalidSettings(where, "a file that can be read", f"{path} ({error.strerror})") from None
    if len(content) > most:
        raise InvalidSettings(where, f"a file of at most {most:,} bytes", str(path))
    return content


def language_of(name: str, wanted: str | None) -> Language:
    """The language of a file, by its name unless it is said.

    Raises:
        InvalidSettings: neither tells it.
    """
    found = next((each for each in LANGUAGES if each == wanted), SUFFIXES.get(Path(name).suffix.lower()))
    if found is None:
        tools_only = TOOLS.get(Path(name).suffix.lower())
        expected = (
            not_run(tools_only) if tools_only else f"one that ends in {', '.join(SUFFIXES)}, or --language"
        )
        raise InvalidSettings("FILE", expected, name)
    return found


def _source(name: str, language: str | None) -> tuple[Language, str]:
    if name != "-":
        return language_of(name, language), read_text(Path(name), "FILE")
    try:
        return language_of(name, language or "python"), sys.stdin.buffer.read(_LARGEST).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidSettings("-", "a text in UTF-8", "standard input") from None


def _file(word: str) -> tuple[str, bytes]:
    path, equals, name = word.rpartition("=")
    if not equals or Path(word).is_file():
        path, name = word, Path(word).name
    return name, read_bytes(Path(path), "--file", FILE_BYTES)


def _ran(runtime: Runtime, wanted: Run) -> Ran:
    with terminal.Progress() as progress, told.denials_here():
        running = runtime.run_code(wanted, on_wait=progress.wait)
        try:
            return asyncio.run(running)
        finally:
            running.close()  # an interrupt may come before it was begun


def _print(ran: Ran, kept: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(document(ran))
        return
    report = ran.report
    if report.stdout.text:
        ending = "" if report.stdout.text.endswith("\n") else "\n"
        sys.stdout.write(_shown(report.stdout.text) + ending)
    if ran.value is not ABSENT and ran.value is not None:
        terminal.print_text(ran.text or told.shown(ran.value))
    elif ran.text:
        terminal.print_text(ran.text)
    sys.stdout.flush()
    if report.stderr.text:
        sys.stderr.write(terminal.safe(report.stderr.text.rstrip()) + "\n")
    for line in (ran.note, *(f"cut: {each}" for each in ran.truncated)):
        if line:
            terminal.note(line)
    places = {file.path: str(path) for file, path in zip(ran.files, kept, strict=False)}
    for file in ran.files:
        where = places.get(file.path, "not kept; --out DIR keeps it")
        terminal.note(f"made {file.path} ({terminal.size(len(file.content))}): {where}")
    told.tell_cost(report, failed=ran.failure is not None)
    if ran.failure is not None:
        _fail(ran)


def _fail(ran: Ran) -> None:
    failure = ran.failure
    assert failure is not None
    if failure.traceback:
        terminal.note(failure.traceback.rstrip())
    if failure.limit or failure.type == "Trap":
        terminal.fail(failure.message)
    else:
        where = f" (line {failure.line})" if failure.line else ""
        terminal.fail(f"{failure.type}: {failure.message}{where}")
    if failure.hint:
        terminal.note(f"Hint: {failure.hint}")
    if failure.limit and failure.limit != "storage":
        terminal.note(f"To raise it: {failure.limit} under [limits] in mcp-wasm.toml.")


def document(ran: Ran) -> dict[str, Any]:
    """How a run ended, as JSON."""
    found: dict[str, Any] = {"failed": ran.failure is not None}
    if ran.value is not ABSENT:
        found["value"] = ran.value
    if ran.text:
        found["text"] = ran.text
    if ran.failure is not None:
        names = ("type", "message", "line", "column", "traceback", "hint", "limit")
        found["error"] = {name: getattr(ran.failure, name) for name in names}
    found["files"] = [{"path": file.path, "bytes": len(file.content)} for file in ran.files]
    found |= {"truncated": list(ran.truncated), "note": ran.note}
    return found | dict(told.costs(ran.report))


def _shown(text: str) -> str:
    return terminal.safe(text) if sys.stdout.isatty() else text
