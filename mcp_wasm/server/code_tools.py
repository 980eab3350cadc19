"""How the tools for code are listed: names, schemas and words, which never change while a server runs."""

from __future__ import annotations

from typing import Any

from mcp_wasm.code.contract import FILES, LANGUAGES
from mcp_wasm.code.run import RUN_CODE

DESCRIBE = "describe_tools"
OWN = frozenset({DESCRIBE})
"""Those that the server itself carries out."""

CODE_TOOLS = frozenset({RUN_CODE}) | OWN
"""Names that no component's tool has while code is served."""

STUB_LANGUAGES = ("python", "typescript")

MOST_CODE = 1024 * 1024
"""Characters of source in one call."""

_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_LANGUAGE: dict[str, Any] = {"type": "string", "enum": list(LANGUAGES)}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_FILE_IN = {
    "anyOf": [
        {"type": "string", "description": "The text of the file."},
        _object({"base64": {**_TEXT, "contentEncoding": "base64"}}, ("base64",)),
        _object(
            {"uri": {**_TEXT, "description": "A resource of this server, such as a file of an earlier run."}},
            ("uri",),
        ),
    ]
}

_FILE_OUT = _object(
    {
        "path": _TEXT,
        "bytes": _COUNT,
        "mimeType": _TEXT,
        "text": {**_TEXT, "description": "The content, where it is a small text."},
        "uri": {**_TEXT, "description": "The resource that has the content, for a while."},
    },
    ("path", "bytes", "mimeType"),
)

RUN_INPUT = _object(
    {
        "language": _LANGUAGE,
        "code": {**_TEXT, "maxLength": MOST_CODE, "description": "The source, a whole program."},
        "input": {"description": "Any JSON value; `main(input)` is called with it where `main` is defined."},
        "files": {
            "type": "object",
            "maxProperties": FILES,
            "additionalProperties": _FILE_IN,
            "description": "Files for the working directory, by relative path: text, or bytes in base64, "
            "or a resource.",
        },
        "session": {
            **_TEXT,
            "description": "Leave it out for a run that leaves nothing behind. `new` keeps variables and "
            "files for the next run, which gives the session of the answer here.",
        },
        "timeout": {
            "type": "number",
            "minimum": 0.001,
            "description": "Seconds; can only lower the limit.",
        },
        "fuel": {
            "type": "integer",
            "minimum": 1,
            "description": "Budget of computation, about one an instruction; can only lower the limit.",
        },
    },
    ("language", "code"),
)

RUN_OUTPUT = _object(
    {
        "result": _object(
            {
                "value": {"description": "Any JSON value: what the code gave. Absent where it gave none."},
                "text": {
                    **_TEXT,
                    "description": "The value as the language shows it, where it is no JSON; "
                    "or the beginning of a value that was too large.",
                },
                "stdout": _TEXT,
                "stderr": _TEXT,
                "files": {
                    "type": "array",
                    "items": _FILE_OUT,
                    "description": "Files that the code made or changed.",
                },
                "session": {**_TEXT, "description": "Give it to the next run of this session."},
                "truncated": {"type": "array", "items": _TEXT, "description": "What was cut, in words."},
                "note": _TEXT,
                "cost": _object({"fuel": _COUNT, "ms": {"type": "number", "minimum": 0}}, ("fuel", "ms")),
            },
            ("cost",),
        )
    },
    ("result",),
)

_RUN_WORDS = (
    "Runs a program in a sandbox and returns its value, its output and the files it made. "
    "Python, JavaScript and TypeScript: the value is what `main(input)` returns where `main` is defined, "
    "else the variable `result`, else the last expression. C: what `main` prints, or the functions "
    "that a header comment names. WebAssembly text: a module or a component. "
    "There is no network, no other process, and of files only the working directory `/`, with `files` in it; "
    "what the code writes there comes back. "
    "Python has its standard library, JavaScript no Node and no npm; nothing can be installed. "
    f"Tools that a person granted to code are functions: `from tools import NAME`, "
    f'`import {{camelName}} from "tools"`; {DESCRIBE} tells which there are. One run with a loop over '
    "tools takes the place of many calls. "
    "Each run starts fresh, unless `session` is given. On failure you get the error with its line, the "
    "traceback and what was printed before."
)

_DESCRIBE_WORDS = (
    "Tells which tools code may call, as stubs to read: functions with types and docs, in Python or in "
    "TypeScript. Only those that a person granted to code can be called from inside run_code; the others "
    "are listed as not granted."
)


def code_listed() -> tuple[dict[str, Any], ...]:
    """The tools for code as they are listed."""
    describe_in = _object(
        {
            "language": {
                "type": "string",
                "enum": list(STUB_LANGUAGES),
                "description": "Of the stubs; python when left out.",
            },
            "query": {**_TEXT, "description": "Words that say what the tools should do; all when left out."},
        }
    )
    return (
        _listed(RUN_CODE, "Run code", _RUN_WORDS, RUN_INPUT, RUN_OUTPUT, world=True),
        _listed(
            DESCRIBE, "Describe tools for code", _DESCRIBE_WORDS, describe_in, _wrapped(_TEXT), reads=True
        ),
    )


def _wrapped(result: dict[str, Any]) -> dict[str, Any]:
    return _object({"result": result}, ("result",))


def _listed(
    name: str,
    title: str,
    description: str,
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    *,
    reads: bool = False,
    destroys: bool = False,
    world: bool = False,
) -> dict[str, Any]:
    """One tool; ``reads`` where it changes nothing, ``world`` where what it reaches is not known."""
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": inputs,
        "outputSchema": outputs,
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": destroys,
            "idempotentHint": reads,
            "openWorldHint": world,
        },
    }
