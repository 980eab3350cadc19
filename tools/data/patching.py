"""JSON Patch (RFC 6902) and merge patch (RFC 7396)."""

from __future__ import annotations

import copy
import re

from compare import equal
from jsontext import short
from problem import Problem

INDEX = re.compile("0|[1-9][0-9]{0,9}")


def merge(target: object, patch: object) -> object:
    """The target with a merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def apply(document: object, operations: list) -> object:
    """The document with all operations applied; a failing one is named by its number, counted from 1."""
    # Inside a list the document itself has a place, so that "" is a path like others.
    holder = [copy.deepcopy(document)]
    for n, operation in enumerate(operations, 1):
        try:
            _apply(holder, operation)
        except Problem as problem:
            raise Problem(f"operation {n} of the patch: {problem}; nothing was changed") from None
    return holder[0]


def _apply(holder: list, operation: object) -> None:
    if not isinstance(operation, dict):
        raise Problem(f"an operation is an object, not {short(operation)}")
    name = operation.get("op")
    if name in ("add", "replace", "test"):
        if "value" not in operation:
            raise Problem(f"{name} needs a value")
        _with_value(holder, name, _path(operation, "path"), copy.deepcopy(operation["value"]))
    elif name == "remove":
        _take(holder, _path(operation, "path"))
    elif name in ("move", "copy"):
        source, target = _path(operation, "from"), _path(operation, "path")
        if name == "move" and len(target) > len(source) and target[: len(source)] == source:
            raise Problem("a value cannot be moved into itself")
        value = _take(holder, source) if name == "move" else copy.deepcopy(_get(holder, source))
        _with_value(holder, "add", target, value)
    else:
        raise Problem(f"op is one of add, remove, replace, move, copy, test, not {short(name)}")


def _path(operation: dict, member: str) -> list[str]:
    text = operation.get(member)
    if not isinstance(text, str):
        raise Problem(f"{operation['op']} needs a {member}, a JSON pointer such as /a/0")
    if text and not text.startswith("/"):
        raise Problem(f"a JSON pointer is empty or begins with a slash, not {short(text)}")
    return ["0", *(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])]


def _shown(path: list[str]) -> str:
    return "/" + "/".join(path[1:]) if len(path) > 1 else "the document itself"


def _get(holder: object, path: list[str]) -> object:
    place = holder
    for n, part in enumerate(path):
        if isinstance(place, dict) and part in place:
            place = place[part]
        elif isinstance(place, list) and INDEX.fullmatch(part) and int(part) < len(place):
            place = place[int(part)]
        else:
            raise Problem(f"there is nothing at {_shown(path[: n + 1])}")
    return place


def _take(holder: list, path: list[str]) -> object:
    value = _get(holder, path)
    if len(path) == 1:
        raise Problem("the document itself cannot be removed")
    parent = _get(holder, path[:-1])
    del parent[path[-1] if isinstance(parent, dict) else int(path[-1])]
    return value


def _with_value(holder: list, name: str, path: list[str], value: object) -> None:
    if name == "test":
        found = _get(holder, path)
        if not equal(found, value):
            raise Problem(f"test: at {_shown(path)} is {short(found)}, not {short(value)}")
        return
    if name == "replace":
        _get(holder, path)
    parent = _get(holder, path[:-1]) if len(path) > 1 else holder
    last = path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif not isinstance(parent, list):
        raise Problem(f"{_shown(path[:-1])} holds no other values")
    elif name == "replace" or len(path) == 1:
        parent[int(last)] = value
    else:
        parent.insert(_position(parent, path), value)


def _position(parent: list, path: list[str]) -> int:
    last = path[-1]
    if last == "-":
        return len(parent)
    if not INDEX.fullmatch(last) or int(last) > len(parent):
        raise Problem(f"{_shown(path)}: the array has {len(parent)} elements; - stands for its end")
    return int(last)
