"""``mcp-wasm publish``: a person's source code as a tool, typed by its signatures, tested, and kept."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli import terminal, wiring
from mcp_wasm.cli.given import parse
from mcp_wasm.cli.run import SUFFIXES, TOOLS, language_of, read_text
from mcp_wasm.code.contract import MADE_LANGUAGES
from mcp_wasm.code.made_contract import PERSON, Example, Wanted
from mcp_wasm.errors import BuildFailed, CallerError, InvalidSettings

if TYPE_CHECKING:
    from mcp_wasm.code.made_contract import Made
    from mcp_wasm.runtime import Runtime

BY = "a person at the command line"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", metavar="FILE", help="the source: .py, .js, .ts, .c, .rs, .go or .wat")
    parser.add_argument("--name", help="what the tool is to be called (default: the file's name)")
    parser.add_argument("--language", choices=MADE_LANGUAGES, help="of a file whose name does not tell it")
    parser.add_argument("--description", default="", help="what it is for; stands before what the code says")
    parser.add_argument("--world", metavar="FILE", type=Path, help="the types as WIT, in place of signatures")
    parser.add_argument(
        "--test",
        metavar="JSON",
        action="append",
        default=[],
        help='a call and what it must give: {"input": {…}, "expected": …, "function": "…"}, an array of '
        "these, or @FILE; may be given several times",
    )
    parser.add_argument(
        "--check", action="store_true", help="only type it and run its tests; publish nothing"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    wiring.add_sources(parser)


def run(args: argparse.Namespace) -> int:
    """Publish, unless it is only to be checked."""
    tools_only = TOOLS.get(Path(args.file).suffix.lower())
    language = args.language or tools_only or language_of(args.file, None)
    wanted = Wanted(
        args.name or Path(args.file).stem,
        language,
        read_text(Path(args.file), "FILE"),
        args.description,
        read_text(args.world, "--world") if args.world is not None else "",
        tuple(example for text in args.test for example in examples(text)),
        file_name(args.file, language),
    )
    with wiring.open_runtime(wiring.read(args)) as runtime, terminal.Progress() as progress:
        progress.step(f"making {wanted.name}")
        made = _made(runtime, wanted)
        if args.check:
            made = runtime.made.remove(made.name, by=BY, client=PERSON)
        else:
            made = runtime.made.keep(made.name, by=BY)
    if args.json:
        terminal.print_json(document(made))
    else:
        tools = ", ".join(made.tools)
        ending = "checked; nothing was published" if args.check else f"published, version {made.version}"
        print(terminal.safe(f"{made.name}: {ending}; tools: {tools}"))
    return 0


def _made(runtime: Runtime, wanted: Wanted) -> Made:
    try:
        return runtime.made.create(wanted, by=BY, client=PERSON)
    except BuildFailed as error:
        if isinstance(error.__cause__, OSError):
            raise  # its toolchain could not be started
        # A toolchain that refuses a person's own source is right: theirs is the fault, not the host's.
        raise CallerError(str(error)) from error


def file_name(path: str, language: str) -> str:
    """What errors call the source: its file's name where that is a plain one, which toolchains get too."""
    name = Path(path).name
    plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", Path(path).stem) is not None
    taken = Path(path).stem.endswith(("_bindings", "_glue"))  # as what is generated beside it
    return name if plain and not taken and (SUFFIXES | TOOLS).get(Path(path).suffix) == language else ""


def document(made: Made) -> dict[str, Any]:
    """A made tool as JSON."""
    names = ("name", "language", "tools", "description", "version", "digest", "kept", "compiled")
    found = {name: getattr(made, name) for name in (*names, "created_by", "created_at", "wit", "source")}
    versions = [
        {"version": v.version, "digest": v.digest, "created_at": v.created_at, "created_by": v.created_by}
        for v in made.versions
    ]
    waiting = [{"version": v.version, "digest": v.digest, "created_by": v.created_by} for v in made.waiting]
    return found | {"tools": list(made.tools), "over": made.over, "versions": versions, "waiting": waiting}


def examples(text: str) -> list[Example]:
    """The tests in ``text``: one, an array of them, or ``@FILE``.

    Raises:
        InvalidSettings: it is none of these.
    """
    form = '{"input": {…}, "expected": …} with "function" where there are several'
    try:
        value = parse(read_text(Path(text[1:]), "--test") if text.startswith("@") else text)
    except ValueError as error:
        raise InvalidSettings("--test", form, str(error)) from None
    found = []
    for each in value if isinstance(value, list) else [value]:
        match each:
            case {"input": dict(given), "expected": expected, **rest} if rest.keys() <= {"function"}:
                found.append(Example(str(rest.get("function", "")), given, expected))
            case _:
                raise InvalidSettings("--test", form, str(each)[:100])
    return found
