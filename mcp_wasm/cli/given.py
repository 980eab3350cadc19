"""Arguments as a person types them: a JSON object, or ``key=value`` words read by the function's types.

Only the shape is decided here. Whether a value fits its type is the call's
business, which names the place of every mismatch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp_wasm.component.names import nearest
from mcp_wasm.component.types import Enum, List, Option, Primitive, Type, is_bytes, mapped
from mcp_wasm.errors import InvalidArguments, InvalidSettings, Mismatch
from mcp_wasm.registry.tool import Tool

_LARGEST = 256 * 1024 * 1024


def given(words: Sequence[str], tool: Tool) -> dict[str, Any]:
    """The arguments for ``tool``.

    Raises:
        InvalidSettings: a word is neither ``key=value`` nor JSON, or JSON is no object.
        InvalidArguments: a key is no parameter, or its value is no JSON where JSON is needed.
    """
    if not words:
        return {}
    if len(words) == 1:
        whole = _whole(words[0])
        if whole is not None:
            return whole
    return _by_key(words, tool)


def _whole(word: str) -> dict[str, Any] | None:
    """The object that one word is or names, or None where it is a ``key=value``."""
    if word == "-":
        return _object("standard input", sys.stdin.buffer.read(_LARGEST + 1))
    if word.startswith("@"):
        try:
            with Path(word[1:]).expanduser().open("rb") as file:
                return _object(word[1:], file.read(_LARGEST + 1))
        except OSError as error:
            raise InvalidSettings("--args", "a file that can be read", f"{word} ({error.strerror})") from None
    if word.lstrip().startswith(("{", "[")):
        return _object("--args", word.encode("utf-8", "surrogateescape"))
    return None


def _object(where: str, text: bytes) -> dict[str, Any]:
    if len(text) > _LARGEST:
        raise InvalidSettings(where, f"at most {_LARGEST:,} bytes", "more")
    try:
        value = parse(text.decode("utf-8"))
    except ValueError as error:
        raise InvalidSettings(where, "JSON", str(error)) from None
    if not isinstance(value, dict):
        raise InvalidSettings(where, "a JSON object", type(value).__name__)
    return value


def parse(text: str) -> Any:
    """The value of JSON ``text``; ValueError also for what is too deep and for keys that come twice."""
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twice)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(word: str) -> None:
    raise ValueError(f'{word} is no JSON; a float parameter takes "{word}" as a text')


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _by_key(words: Sequence[str], tool: Tool) -> dict[str, Any]:
    types = {param.name: param.type for param in tool.function.params}
    texts: dict[str, list[str]] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise InvalidSettings("--args", "a JSON object, -, @FILE or key=value", word)
        texts.setdefault(key, []).append(text)
    unknown = [_unknown(key, tuple(types)) for key in texts if key not in types]
    if unknown:
        raise InvalidArguments(tool.name, unknown)
    return {key: _value(tool.name, key, types[key], values) for key, values in texts.items()}


def _unknown(key: str, known: tuple[str, ...]) -> Mismatch:
    close = nearest(key, known)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known) or 'none'}"
    return Mismatch(_pointer(key), f"a parameter that exists ({hint})", key)


def _value(tool: str, key: str, type_: Type, texts: list[str]) -> Any:
    while isinstance(type_, Option) and not isinstance(type_.payload, Option):
        type_ = type_.payload
    if (
        isinstance(type_, List)
        and not is_bytes(type_)
        and not (len(texts) == 1 and _is_whole(type_, texts[0]))
    ):
        return [_value(tool, key, type_.element, [text]) for text in texts]
    if len(texts) > 1:
        raise InvalidArguments(tool, [Mismatch(_pointer(key), "one value", f"{len(texts)} values")])
    return _single(tool, key, type_, texts[0])


def _is_whole(type_: List, text: str) -> bool:
    """Whether ``text`` is the JSON of the whole list and not of one item of it."""
    return text.startswith("[") or (text.startswith("{") and mapped(type_) is not None)


def _single(tool: str, key: str, type_: Type, text: str) -> Any:
    match type_:
        case Primitive(primitive="string" | "char") | Enum():
            return text
        case Primitive():
            return _scalar(text)
        case _ if is_bytes(type_) and not text.startswith("["):
            return text
    try:
        return parse(text)
    except ValueError as error:
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        raise InvalidArguments(tool, [Mismatch(_pointer(key), "JSON", f"{shown!r} ({error})")]) from None


def _scalar(text: str) -> Any:
    """A number or a bool; what is neither stays a text, for the check to name."""
    try:
        value = parse(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float)) else text


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
