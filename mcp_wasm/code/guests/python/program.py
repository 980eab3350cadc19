"""Runs a program: compiles it with its own name and lines, finds its value, keeps its variables where asked.

The program is the module ``__main__`` (a tool's code is a module of its file's
name). Its value is what ``main`` returns, else the variable ``result``, else the
value of its last expression.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
import types
from pathlib import PurePosixPath
from typing import Any

import loop
import outline
import values

compiled: dict[str, tuple[str, int]] = {}
"""The names under which code was compiled: the file's own name, and which run of the instance it was."""

_ABSENT = object()
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_kept = types.ModuleType("__main__")


class Request:
    """A request, read; ``compiled`` is the name under which its code is compiled."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.code: str = given["code"]
        self.file: str = given.get("file") or "code.py"
        self.mode: str = given.get("mode") or "run"
        count = len(compiled) + 1
        # In a session, functions of earlier runs keep their own lines in tracebacks.
        self.compiled = self.file if count == 1 else f"{self.file}:{count}"
        compiled[self.compiled] = (self.file, count)


def run(request: Request) -> Any:
    """Run a program; its value, or None.

    Raises:
        BaseException: whatever the program raised.
    """
    variables = _begin("__main__", request)
    if "input" in request.given:
        variables["input"] = request.given["input"]
    tree = _parsed(request)
    wants_main, assigns = outline.wants_main_called(tree), outline.assigns(tree, "result")
    before = variables.get("result", _ABSENT)
    last = _execute(tree, request, variables)
    if wants_main:
        return loop.finish(_call_main(variables["main"], request))
    if assigns or variables.get("result", _ABSENT) is not before:
        return loop.finish(variables.get("result"))
    return last


def call(request: Request) -> Any:
    """Call a function of the code with plain JSON arguments; its result, as plain JSON.

    Raises:
        BaseException: whatever the code raised.
    """
    given = request.given
    function = load(request).get(given["function"])
    if not callable(function):
        raise NameError(f"the code defines no function {given['function']!r}")
    return result_of(function, given["arguments"], given.get("types") or [], given.get("result"))


def load(request: Request) -> dict[str, Any]:
    """Run the top level of a tool's code; its names.

    Raises:
        BaseException: whatever the code raised.
    """
    variables = _begin(PurePosixPath(request.file).stem, request)
    _execute(_parsed(request), request, variables)
    return variables


def result_of(function: Any, given: dict[str, Any], types_: list[Any], result: Any) -> Any:
    """What ``function`` returns for plain JSON, as plain JSON.

    Raises:
        BaseException: whatever the code raised.
    """
    by_place, by_name = values.arguments(function, given, types_)
    return values.returned(function, loop.finish(function(*by_place, **by_name)), result)


def forget() -> None:
    """Forget every program that was run."""
    for name in compiled:
        linecache.cache.pop(name, None)
    compiled.clear()
    _kept.__dict__.clear()
    # The folder of a run is another one, and where there was none it was remembered as none.
    sys.path_importer_cache.clear()
    sys.modules["__main__"] = _kept


def _begin(name: str, request: Request) -> dict[str, Any]:
    """The variables that the code runs with: new ones, or the session's."""
    if not request.given.get("keep"):
        _kept.__dict__.clear()
    variables = _kept.__dict__
    variables |= {"__name__": name, "__file__": request.file, "__builtins__": builtins, "__spec__": None}
    variables.setdefault("__doc__", None)
    # Pickles, dataclasses and type hints look their module up by its name.
    sys.modules["__main__"] = sys.modules[name] = _kept
    sys.argv = [request.file]
    return variables


def _parsed(request: Request) -> ast.Module:
    lines = request.code.splitlines(keepends=True)
    # No modification time: nothing must look for the file.
    linecache.cache[request.compiled] = (len(request.code), None, lines, request.compiled)
    tree = compile(request.code, request.compiled, "exec", ast.PyCF_ONLY_AST | _FLAGS, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def _execute(tree: ast.Module, request: Request, variables: dict[str, Any]) -> Any:
    """Run all of it; the value of its last statement where that is an expression."""
    last = outline.take_last(tree, guarded=request.mode == "run")
    parts = [compile(tree, request.compiled, "exec", _FLAGS, dont_inherit=True)]
    if last is not None:
        parts.append(compile(last, request.compiled, "eval", _FLAGS, dont_inherit=True))
    if any(part.co_flags & inspect.CO_COROUTINE for part in parts):
        return loop.run(_await_parts(parts, variables))
    value = None
    for part in parts:
        value = eval(part, variables)
    return loop.finish(value)


async def _await_parts(parts: list[types.CodeType], variables: dict[str, Any]) -> Any:
    value = None
    for part in parts:
        value = eval(part, variables)
        if part.co_flags & inspect.CO_COROUTINE:
            value = await value
    return await value if inspect.isawaitable(value) else value


def _call_main(main: Any, request: Request) -> Any:
    """Call ``main`` with the run's input: as its one argument, or, an object, as its several."""
    required = [
        each
        for each in inspect.signature(main).parameters.values()
        if each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    accepts = any(
        each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.VAR_POSITIONAL)
        for each in inspect.signature(main).parameters.values()
    )
    if "input" not in request.given or not accepts:
        return main()
    given = request.given["input"]
    if isinstance(given, dict) and len(required) > 1 and {each.name for each in required} <= given.keys():
        return main(**given)
    return main(given)
