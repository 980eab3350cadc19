"""One sentence that helps, for the mistakes that are common here. Knows the sandbox, not the program."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Callable
from typing import Any

import streams

PACKAGES: list[str] = []
"""The libraries beside the standard library, by their import names; filled while this is built."""

MISSING: dict[str, str] = {}
"""Modules of the standard library that are not here, and why; filled while this is built."""

_NETWORK_MODULES = frozenset({
    "aiohttp", "boto3", "botocore", "httplib2", "httpx", "openai", "paramiko", "pycurl", "redis", "requests",
    "selenium", "tornado", "urllib3", "websocket", "websockets",
})  # fmt: skip
_INSTEAD = {
    "numpy": "use plain lists with math, statistics and itertools",
    "pandas": "use csv with lists of dicts, statistics, collections.Counter, or sqlite3",
    "scipy": "use math and statistics",
    "matplotlib": "print a table, or write an SVG file as text",
    "pydantic": "use dataclasses",
    "ujson": "use json",
    "orjson": "use json",
    "lxml": "use xml.etree.ElementTree",
    "toml": "use tomllib",
    "pytest": "use assert",
}
_NOT_GRANTED = "Only tools that were granted to code are in `tools`; `tools.names()` lists them."
_NO_PROCESSES = "There are no processes and no shell here: do it in Python."
_NO_NETWORK = (
    "There is no network here: pass the data in as `input` or as a file, or call a granted tool "
    "(`import tools; tools.names()`)."
)


def hint(error: BaseException, given: dict[str, Any]) -> str | None:
    """What helps against ``error``, or None where the message says it all."""
    for kind, words in _HINTS:
        if isinstance(error, kind):
            found = words(error, given)
            if found:
                return found
    return None


def _module(error: Any, _given: dict[str, Any]) -> str | None:
    name = (error.name or "").split(".")[0]
    if name == "tools":
        wanted = getattr(error, "name_from", None) or "NAME"
        return f"{_NOT_GRANTED} A person grants it: mcp-wasm grants add code tools names={wanted}"
    if name in MISSING:
        return f"The standard library's {name} is not here: {MISSING[name]}."
    if name in _NETWORK_MODULES:
        return f"{name} is not here. {_NO_NETWORK}"
    if not isinstance(error, ModuleNotFoundError) or not name:
        return None
    near = difflib.get_close_matches(name, PACKAGES, 1, 0.8)
    instead = f"; did you mean {near[0]}?" if near else f"; {_INSTEAD[name]}" if name in _INSTEAD else ""
    there = ", ".join(sorted(PACKAGES))
    return (
        f"{name} is not here and nothing can be installed{instead}. "
        f"Beside the standard library there are: {there}."
    )


def _file(_error: Any, _given: dict[str, Any]) -> str:
    there = streams.listed()
    if there is None:
        return "This run has no files: pass the data in as `input`."
    seen = f"the current folder holds {there}" if there else "the current folder is empty"
    return f"Only the files given to this run are here; {seen}."


def _os(error: Any, _given: dict[str, Any]) -> str | None:
    text = str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The run's folder is full: write less."
    if _is_network(error):
        return _NO_NETWORK
    if error.errno in (errno.EROFS, errno.EPERM, errno.EACCES, errno.ENOTCAPABLE) and error.filename:
        return "Write into the current folder, with a relative path."
    if error.errno in (errno.ENOSYS, errno.ENOTSUP) or "processes" in text:
        return _NO_PROCESSES
    return None


def _is_network(error: BaseException) -> bool:
    ways = ("/python/socket.py", "/python/urllib/request.py", "/python/http/client.py")
    return type(error).__name__ in ("URLError", "gaierror") or _passed(error, ways)


def _passed(error: BaseException, files: tuple[str, ...]) -> bool:
    """Whether the error came through one of the files, told by how their paths begin."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(files):
            return True
        trace = trace.tb_next
    return False


def _processes(error: Any, _given: dict[str, Any]) -> str | None:
    ways = ("/python/multiprocessing/", "/python/subprocess.py", "/python/asyncio/subprocess.py")
    return _NO_PROCESSES if _passed(error, ways) else None


def _library(error: Any, _given: dict[str, Any]) -> str | None:
    if type(error).__name__ == "FeatureNotFound":
        return 'The only parser here is "html.parser"; for XML, use xml.etree.ElementTree.'
    return None


def _attribute(error: Any, _given: dict[str, Any]) -> str | None:
    owner, name = getattr(error.obj, "__name__", ""), error.name
    if owner == "os" and name in ("system", "popen", "fork", "execv", "spawnv", "posix_spawn", "kill"):
        return _NO_PROCESSES
    if owner == "socket":
        return _NO_NETWORK
    if owner == "tools":
        return f"{_NOT_GRANTED} A person grants it: mcp-wasm grants add code tools names={name}"
    return None


def _runtime(error: Any, _given: dict[str, Any]) -> str | None:
    text = str(error)
    if "start new thread" in text:
        return (
            "There are no threads here: call the function directly, or use asyncio "
            "or concurrent.futures (which works one piece after another)."
        )
    if "running event loop" in text:
        return "A loop runs already: await the coroutine in place of asyncio.run."
    return None


def _recursion(_error: Any, _given: dict[str, Any]) -> str:
    return "Check the case that ends the recursion, or use a loop; about 1,000 nested calls are possible."


def _input(_error: Any, _given: dict[str, Any]) -> str:
    return (
        "Nobody types here and standard input is empty: pass values as `input` and read the variable `input`."
    )


def _syntax(error: Any, _given: dict[str, Any]) -> str | None:
    text = error.text or ""
    if "```" in text:
        return "Send the code alone, without the fences of Markdown."
    if text.lstrip().startswith(("!", "%", "pip install")):
        return "This is Python and no notebook: no shell lines, no magics, and nothing can be installed."
    if "print" in (error.msg or "") and "parentheses" in (error.msg or ""):
        return "This is Python 3."
    return None


def _type(error: Any, given: dict[str, Any]) -> str | None:
    text = str(error)
    if "missing" in text and text.startswith("main()") and "input" not in given:
        return "main wants an argument and the run was given no `input`."
    if "not callable" in text and "input" in given:
        return "`input` is the value given to this run here, not the function that reads a line."
    return None


def _memory(_error: Any, _given: dict[str, Any]) -> str:
    return "Work on smaller pieces: use generators, and drop what is not needed."


def _denied(error: Any, _given: dict[str, Any]) -> str | None:
    if getattr(error, "kind", "") != "denied":
        return None
    return f"A person has to grant it first: mcp-wasm grants add code tools names={error.tool}"


_HINTS: tuple[tuple[type[BaseException], Callable[[Any, dict[str, Any]], str | None]], ...] = (
    (Exception, _processes),
    (ImportError, _module),
    (FileNotFoundError, _file),
    (OSError, _os),
    (AttributeError, _attribute),
    (RecursionError, _recursion),
    (RuntimeError, _runtime),
    (EOFError, _input),
    (SyntaxError, _syntax),
    (TypeError, _type),
    (MemoryError, _memory),
    (Exception, _denied),
    (Exception, _library),
)
"""Kinds of errors, with what may help against each; the first that has something to say is heard."""
