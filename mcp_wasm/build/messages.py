"""What compilers say, as places in the source as submitted. Pure: texts in, messages out.

Each compiler has its own form. Only places in submitted files count: a frame of
a library, a generated file or the toolchain itself tells an author nothing. A
column is counted in characters from 1; clang and esbuild count bytes, esbuild
from 0, and Python points with a caret below the line without its indentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from mcp_wasm.errors import Message

Sources = Mapping[str, str]
"""The text of each submitted file by its name, with slashes, relative to the source's folder."""

LONGEST = 400
"""Characters of a line that are looked at."""

CLANG = re.compile(
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+): "
    r"(?:fatal )?(?P<severity>error|warning|note): (?P<text>.+)$",
    re.MULTILINE,
)
LINKER = re.compile(
    r"^wasm-ld: (?P<severity>error|warning): (?:\S*/)?(?P<stem>[^/\s:]+)\.o: (?P<text>.+)$", re.MULTILINE
)
ESBUILD = re.compile(
    r"^(?:. \[(?P<severity>ERROR|WARNING)\] |  )(?P<text>\S.*?):?\n\n"
    r"    (?P<file>\S[^\n]*?):(?P<line>\d+):(?P<column>\d+):$",
    re.MULTILINE,
)
WASM_TOOLS = re.compile(
    r"^error: (?P<text>.+(?:\n(?! +-->).+){0,9})\n +--> (?P<file>.+):(?P<line>\d+):(?P<column>\d+)$",
    re.MULTILINE,
)
WASM_TOOLS_VALIDATION = re.compile(
    r"^error: (?P<file>\S+):(?P<line>\d+):(?P<column>\d+) (?P<what>.+)\n\n"
    r"Caused by:\n(?P<causes>(?: +.+\n?)+)",
    re.MULTILINE,
)
RUSTC = re.compile(
    r"^(?P<severity>error|warning)\[E\d+\]: (?P<text>.+)\n +--> (?P<file>.+):(?P<line>\d+):(?P<column>\d+)$",
    re.MULTILINE,
)
GO = re.compile(r"^(?P<file>[^\s:][^:\n]*\.go):(?P<line>\d+):(?P<column>\d+): (?P<text>.+)$", re.MULTILINE)
OFFSET = re.compile(r" \(at offset 0x[0-9a-f]+\)$")

QUICKJS = re.compile(r"^Error: (?P<text>.+)\n(?P<frames>(?: +at .+(?:\n|$))+)", re.MULTILINE)
QUICKJS_FRAME = re.compile(r"^ +at .*?\(?(?P<file>[^\s()]+):(?P<line>\d+):(?P<column>\d+)\)?$", re.MULTILINE)

FRAME = re.compile(
    r'^(?P<indent>[ |]*)File "(?P<file>[^"\n]+)", line (?P<line>\d+)(?:, in .+)?\n'
    r"(?P<code>[ |]*    \S.*\n)?(?P<marks>[ |]*[~^][~^ ]*\n)?",
    re.MULTILINE,
)
RAISED = re.compile(
    r"^(?:[ |]*\| )?(?P<text>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: .*|$)"
    r"(?:\n(?![ |]*File |Traceback|[ |]*\+-|\s*$).*)*)",
    re.MULTILINE,
)


def parse(text: str, sources: Sources) -> tuple[Message, ...]:
    """The messages in ``text`` about ``sources``, in its order, each once.

    ``text`` is what one program printed, with paths relative to its folder.
    """
    # A source decides what its compiler prints: patterns look at lines of a length that costs nothing.
    short = "\n".join(line[:LONGEST] for line in text.split("\n"))
    found = [message for read in FORMS for message in read(short, sources)]
    return tuple(dict.fromkeys(message for _, message in sorted(found, key=lambda each: each[0])))


def _clang(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    for said in CLANG.finditer(text):
        name, line = _named(said["file"], sources), int(said["line"])
        if name is not None:
            column = _characters(sources[name], line, int(said["column"]) - 1)
            yield said.start(), Message(name, line, column, said["severity"], said["text"])


def _linker(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    for said in LINKER.finditer(text):
        name = next((each for each in sources if each.rpartition(".")[0] == said["stem"]), None)
        if name is not None:
            yield said.start(), Message(name, 0, 0, said["severity"], said["text"])


def _esbuild(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    for said in ESBUILD.finditer(text):
        name, line = _named(said["file"], sources), int(said["line"])
        if name is not None:
            severity = (said["severity"] or "note").lower()
            column = _characters(sources[name], line, int(said["column"]))
            yield said.start(), Message(name, line, column, severity, said["text"])


def _wasm_tools(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    for said in WASM_TOOLS.finditer(text):
        name = _named(said["file"], sources)
        if name is not None:
            words = " ".join(said["text"].split())
            yield said.start(), Message(name, int(said["line"]), int(said["column"]), "error", words)
    for said in WASM_TOOLS_VALIDATION.finditer(text):
        name = _named(said["file"], sources)
        if name is not None:
            cause = said["causes"].rstrip("\n").rpartition("\n")[2].strip().lstrip("0123456789: ")
            words = f"{said['what']}: {OFFSET.sub('', cause)}"
            yield said.start(), Message(name, int(said["line"]), int(said["column"]), "error", words)


def _rustc(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    """What has a number; other errors look as those of wasm-tools do. Columns are counted in characters."""
    for said in RUSTC.finditer(text):
        name = _named(said["file"], sources)
        if name is not None:
            place = (name, int(said["line"]), int(said["column"]))
            yield said.start(), Message(*place, said["severity"], said["text"])


def _go(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    for said in GO.finditer(text):
        name, line = _named(said["file"], sources), int(said["line"])
        if name is not None:
            column = _characters(sources[name], line, int(said["column"]) - 1)
            yield said.start(), Message(name, line, column, "error", said["text"])


def _quickjs(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    """What a module threw while it was evaluated, at its innermost frame in a submitted file."""
    for said in QUICKJS.finditer(text):
        for frame in QUICKJS_FRAME.finditer(said["frames"]):
            name = _named(frame["file"], sources)
            if name is not None:
                words = said["text"].rpartition("module evaluation: ")[2]
                yield said.start(), Message(name, int(frame["line"]), int(frame["column"]), "error", words)
                break


def _python(text: str, sources: Sources) -> Iterator[tuple[int, Message]]:
    """One message a traceback, at its innermost frame in a submitted file; a mere cause is a note."""
    place: tuple[int, str, int, int] | None = None
    raised: list[tuple[int, Message]] = []
    events = sorted([*FRAME.finditer(text), *RAISED.finditer(text)], key=lambda each: each.start())
    for event in events:
        if event.re is FRAME:
            name, line = _named(event["file"], sources), int(event["line"])
            if name is not None:
                place = (event.start(), name, line, _caret(event, sources[name], line))
        elif place is not None:
            start, name, line, column = place
            raised.append((start, Message(name, line, column, "note", event["text"].strip())))
            place = None
    for index, (start, note) in enumerate(raised):
        last = index == len(raised) - 1
        yield start, Message(note.file, note.line, note.column, "error" if last else "note", note.text)


FORMS: tuple[Callable[[str, Sources], Iterator[tuple[int, Message]]], ...] = (
    _clang,
    _linker,
    _esbuild,
    _wasm_tools,
    _rustc,
    _go,
    _quickjs,
    _python,
)


def _named(file: str, sources: Sources) -> str | None:
    name = file.removeprefix("./")
    return name if name in sources else None


def _characters(text: str, line: int, before: int) -> int:
    """The column, in characters from 1, of the place with ``before`` bytes before it in its line."""
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return before + 1
    return len(lines[line - 1].encode()[:before].decode(errors="ignore")) + 1


def _caret(frame: re.Match[str], text: str, line: int) -> int:
    """The column that Python's marks begin at; that of the first character where it marks the whole line."""
    code, marks, lines = frame["code"], frame["marks"], text.split("\n")
    if not code or not 0 < line <= len(lines):
        return 0
    own, shown = lines[line - 1], code.rstrip("\n")
    indentation, start = len(own) - len(own.lstrip()), shown.find(own.strip())
    if not marks:
        return indentation + 1
    position = len(marks) - len(marks.lstrip(" |"))
    # What is wider than one place on a terminal shifts the marks: then only the line is known.
    if start < 0 or not shown[start:position].isascii():
        return 0
    return indentation + position - start + 1
