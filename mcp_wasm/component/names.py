"""Names of tools: what a model calls a function by, and which functions are none of its business.

Names depend on the component's name and the full export paths alone, neither on
the order of functions nor on the binary's bytes: they survive rebuilds. Every
name matches ``NAME``: one bad name makes some clients hide all tools.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count

from mcp_wasm.component.types import Function

NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
"""What a tool's or a component's name is made of."""

LONGEST = 48
LONGEST_COMPONENT = 32
"""Characters of a component's name: the function's name needs some too."""

_DIGITS = 6


RESERVED = frozenset({"code"})
"""Names that no component can have: grants to ``code`` are for whatever code a model sends."""


def component_name(stem: str) -> str:
    """The name of a component by its file's stem: ``My-Tool.v2`` becomes ``my_tool_v2``.

    What has no letter in ASCII is left out and a hash of the stem stands for it,
    so that two such stems stay two names.
    """
    plain = unicodedata.normalize("NFKD", stem)
    name = _joined(_snake(plain) or "component")
    lost = any(char.isalnum() and not _ascii(char) for char in plain)
    if lost or not _snake(plain) or len(name) > LONGEST_COMPONENT:
        return _hashed(name, stem, LONGEST_COMPONENT)
    return name


def tool_names(component: str, functions: Iterable[Function]) -> dict[str, str]:
    """The tool name of each function, by its path; all different.

    ``<component>_<function>``; where two are alike, with the interface's name
    between; where that does not tell them apart, with a hash of the component's
    name and the path.
    """
    by_path = {function.path: function for function in functions}
    short = {path: _joined(component, _function_words(f)) for path, f in by_path.items()}
    long = {path: _joined(component, _interface_words(f), _function_words(f)) for path, f in by_path.items()}
    names = {path: _fit(name, component, path) for path, name in short.items()}
    for path in _alike(names):
        names[path] = _fit(long[path], component, path)
    for round_ in count():
        alike = _alike(names)
        if not alike:
            return names
        for path in alike:
            names[path] = _hashed(long[path], f"{component} {path} {round_ or ''}".rstrip(), LONGEST)
    raise AssertionError


def is_internal(function: Function) -> bool:
    """Whether ``function`` is a toolchain's own and no tool.

    componentize-py leaves ``init`` in an interface ``exports``, componentize-qjs
    leaves one in the world, by which any script could be run; C toolchains leave
    ``cabi_*`` and ``_initialize``.
    """
    name = function.name
    if function.path == "init":
        return [param.name for param in function.params[:2]] == ["shim", "script"]
    if function.interface == "exports" and name == "init":
        return [param.name for param in function.params][:1] in ([], ["app-name"])
    return name.startswith(("cabi_", "cabi-", "_"))


def is_command(function: Function) -> bool:
    """Whether ``function`` is the entry of a command, ``wasi:cli/run``."""
    return function.name == "run" and function.interface.partition("@")[0] == "wasi:cli/run"


def nearest(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """At most three of ``names`` that are like ``name``, best first."""
    wanted = _snake(name[:128])
    plain = {candidate: _snake(candidate) for candidate in names}
    same = [candidate for candidate, words in plain.items() if words == wanted]
    close = difflib.get_close_matches(wanted, [w for w in plain.values() if w != wanted], n=3, cutoff=0.6)
    found = dict.fromkeys(same)
    for words in close:
        found.update(dict.fromkeys(candidate for candidate, w in plain.items() if w == words))
    return tuple(found)[:3]


def _snake(text: str) -> str:
    """Words of letters and digits in lower case with one underscore between."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    plain = "".join(char for char in unicodedata.normalize("NFKD", words.casefold()) if _ascii(char))
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _ascii(char: str) -> bool:
    return char.casefold().isascii()


def _function_words(function: Function) -> str:
    """The function's name without WIT's marks: ``[method]counter.next`` is ``counter_next``."""
    mark, _, rest = function.name.rpartition("]")
    return _snake(f"new-{rest}" if mark.endswith("constructor") else rest)


def _interface_words(function: Function) -> str:
    return _snake(function.interface.partition("@")[0].rpartition("/")[2])


def _joined(*words: str) -> str:
    """The words as one name, which begins with a letter."""
    name = "_".join(word for word in words if word)
    return name if name[:1].isalpha() else f"c{name}"


def _alike(names: dict[str, str]) -> list[str]:
    uses = Counter(names.values())
    return [path for path, name in names.items() if uses[name] > 1]


def _fit(name: str, component: str, path: str) -> str:
    return name if len(name) <= LONGEST else _hashed(name, f"{component} {path}", LONGEST)


def _hashed(name: str, source: str, longest: int) -> str:
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    stem = name[: longest - _DIGITS - 1].rstrip("_")
    return f"{stem}_{digest}"
