"""How the tools for code are listed: names, schemas and words, which never change while a server runs."""

from __future__ import annotations

from typing import Any

from mcp_wasm.code.contract import FILES, LANGUAGES, MADE_LANGUAGES
from mcp_wasm.code.run import RUN_CODE
from mcp_wasm.server.listed import COUNT, TEXT, closed, listed, wrapped

DESCRIBE = "describe_tools"
CREATE, KEEP = "create_tool", "keep_tool"
LIST, SHOW, REMOVE = "list_made_tools", "show_made_tool", "remove_made_tool"
OWN = frozenset({DESCRIBE, CREATE, LIST, SHOW, REMOVE, KEEP})
"""Those that the server itself carries out."""

CODE_TOOLS = frozenset({RUN_CODE}) | OWN
"""Names that no component's tool has while code is served."""

STUB_LANGUAGES = ("python", "typescript")

MOST_CODE = 1024 * 1024
"""Characters of source in one call."""

_LANGUAGE: dict[str, Any] = {"type": "string", "enum": list(LANGUAGES)}
_MADE_LANGUAGE: dict[str, Any] = {"type": "string", "enum": list(MADE_LANGUAGES)}


_FILE_IN = {
    "anyOf": [
        {"type": "string", "description": "The text of the file."},
        closed({"base64": {**TEXT, "contentEncoding": "base64"}}, ("base64",)),
        closed(
            {"uri": {**TEXT, "description": "A resource of this server, such as a file of an earlier run."}},
            ("uri",),
        ),
    ]
}

_FILE_OUT = closed(
    {
        "path": TEXT,
        "bytes": COUNT,
        "mimeType": TEXT,
        "text": {**TEXT, "description": "The content, where it is a small text."},
        "uri": {**TEXT, "description": "The resource that has the content, for a while."},
    },
    ("path", "bytes", "mimeType"),
)

RUN_INPUT = closed(
    {
        "language": _LANGUAGE,
        "code": {**TEXT, "maxLength": MOST_CODE, "description": "The source, a whole program."},
        "input": {
            "description": "Any JSON value; `main(input)` is called with it where `main` is defined. "
            "WebAssembly text: the function's arguments, an object by parameter or an array."
        },
        "files": {
            "type": "object",
            "maxProperties": FILES,
            "additionalProperties": _FILE_IN,
            "description": "Files for the working directory, by relative path: text, or bytes in base64, "
            "or a resource.",
        },
        "session": {
            **TEXT,
            "description": "Leave it out for a run that leaves nothing behind. `new` keeps variables and "
            "files for the next run, which gives the session of the answer here.",
        },
        "timeout": {"type": "number", "minimum": 0.001, "description": "Seconds; can only lower the limit."},
        "fuel": {
            "type": "integer",
            "minimum": 1,
            "description": "Budget of computation, about one an instruction; can only lower the limit.",
        },
    },
    ("language", "code"),
)

RUN_OUTPUT = closed(
    {
        "result": closed(
            {
                "value": {"description": "Any JSON value: what the code gave. Absent where it gave none."},
                "text": {
                    **TEXT,
                    "description": "The value as the language shows it, where it is no JSON; "
                    "or the beginning of a value that was too large.",
                },
                "stdout": TEXT,
                "stderr": TEXT,
                "files": {
                    "type": "array",
                    "items": _FILE_OUT,
                    "description": "Files that the code made or changed.",
                },
                "session": {**TEXT, "description": "Give it to the next run of this session."},
                "truncated": {"type": "array", "items": TEXT, "description": "What was cut, in words."},
                "note": TEXT,
                "cost": closed({"fuel": COUNT, "ms": {"type": "number", "minimum": 0}}, ("fuel", "ms")),
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


_NAME = {
    "name": {**TEXT, "maxLength": 200, "description": "The name that it was made under."},
}
_MADE: dict[str, Any] = {
    "name": TEXT,
    "tools": {"type": "array", "items": TEXT, "description": "The names of its tools, to be called."},
    "language": _MADE_LANGUAGE,
    "version": COUNT,
    "kept": {"type": "boolean", "description": "Whether a person keeps it beyond the session."},
    "before": {
        **TEXT,
        "description": "The digest of the kept version that it stands before until the session ends.",
    },
    "compiled": {**TEXT, "description": "On what it runs: runner, compiling, component, or failed."},
    "description": TEXT,
    "created_by": TEXT,
    "created_at": TEXT,
    "digest": TEXT,
}
_VERSION = closed(
    {"version": COUNT, "digest": TEXT, "created_at": TEXT, "created_by": TEXT},
    ("version", "digest", "created_at", "created_by"),
)
_TEST = closed(
    {
        "function": {**TEXT, "description": "Which function; may be left out where there is one."},
        "input": {"type": "object", "additionalProperties": True, "description": "By parameter."},
        "expected": {"description": "The result, any JSON value."},
    },
    ("input", "expected"),
)
_CREATE_INPUT = closed(
    {
        "name": {**TEXT, "maxLength": 200, "description": "What it is to be called, in a few words."},
        "language": {**_MADE_LANGUAGE, "description": "rust and go say which toolchain is missing."},
        "source": {
            **TEXT,
            "maxLength": MOST_CODE,
            "description": "The source: each top-level function that does not begin with _ becomes a tool.",
        },
        "description": {**TEXT, "description": "What it is for, for those who are to call it."},
        "world": {
            **TEXT,
            "description": "The types as WIT, one world; left out they are read from the code. C needs it "
            "where its functions take or give more than numbers, bool and const char *.",
        },
        "tests": {
            "type": "array",
            "maxItems": 32,
            "items": _TEST,
            "description": "Calls with what they must give; it is made only if all hold.",
        },
    },
    ("name", "language", "source"),
)

_CREATE_WORDS = (
    "Makes a tool of code, for you and others to call. The types come from the signatures: Python type hints "
    "(dataclasses, enums, Literal, Optional, unions, list, dict, tuple, bytes), TypeScript types, JSDoc in "
    "JavaScript, the types of public functions in Rust and Go, or a WIT world; docstrings and comments "
    "become descriptions. What cannot be typed is refused with its "
    "line. It runs in a sandbox, holds no grants, and lasts until the session ends unless a person keeps it. "
    "The same name again makes a new version in its place."
)


def code_listed() -> tuple[dict[str, Any], ...]:
    """The tools for code as they are listed."""
    describe_in = closed(
        {
            "language": {
                "type": "string",
                "enum": list(STUB_LANGUAGES),
                "description": "Of the stubs; python when left out.",
            },
            "query": {**TEXT, "description": "Words that say what the tools should do; all when left out."},
        }
    )
    return (
        listed(RUN_CODE, "Run code", _RUN_WORDS, RUN_INPUT, RUN_OUTPUT, world=True),
        *_making(),
        listed(DESCRIBE, "Describe tools for code", _DESCRIBE_WORDS, describe_in, wrapped(TEXT), reads=True),
    )


def _making() -> tuple[dict[str, Any], ...]:
    made = closed(_MADE, tuple(_MADE))
    created = closed({**_MADE, "wit": TEXT, "note": TEXT}, (*_MADE, "wit", "note"))
    full = {"source": TEXT, "wit": TEXT, "versions": {"type": "array", "items": _VERSION}}
    one = closed(_NAME, ("name",))
    gone = closed({"name": TEXT, "tools": _MADE["tools"]}, ("name", "tools"))
    lists, shows = "Lists the tools that were made of code", "Shows a tool that was made of code"
    return (
        listed(CREATE, "Create a tool", _CREATE_WORDS, _CREATE_INPUT, wrapped(created)),
        listed(
            LIST,
            "List made tools",
            f"{lists}: yours of this session, and those that a person keeps.",
            closed({}),
            wrapped({"type": "array", "items": made}),
            reads=True,
        ),
        listed(
            SHOW,
            "Show a made tool",
            f"{shows}: its source, types and versions.",
            one,
            wrapped(closed({**_MADE, **full}, (*_MADE, *full))),
            reads=True,
        ),
        listed(
            REMOVE,
            "Remove a made tool",
            "Removes a tool that you made of code. What a person keeps, only a person removes.",
            one,
            wrapped(gone),
            destroys=True,
        ),
        listed(
            KEEP,
            "Keep a made tool",
            "Asks a person whether a tool that you made of code may stay beyond this session.",
            one,
            wrapped(TEXT),
        ),
    )
