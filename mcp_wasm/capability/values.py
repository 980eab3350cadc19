"""One value of a grant, checked and brought into its one form, by the type of its key.

Pure: nothing is looked up on this machine, so a folder that is not there is
still a folder that can be granted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from mcp_wasm.capability import hosts
from mcp_wasm.capability.keys import LISTS, Key, Type
from mcp_wasm.capability.match import METHOD
from mcp_wasm.capability.messaging import is_pattern
from mcp_wasm.capability.sizes import parse_size

LONGEST = 1024
"""Characters of a name, a path or a host."""
LONGEST_VALUE = 64 * 1024
MOST = 1000
"""Elements of a list."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_SCHEME = re.compile(r"(env|file|keyring):(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document lies: relative folders in it begin at ``folder``, ``~`` is ``user``."""

    folder: Path
    user: Path


class Unfit(Exception):
    """A value does not fit its key; ``expected`` says what would."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        super().__init__(expected)


def check(key: Key, value: object, place: Place) -> object:
    """The value as a grant's field has it.

    Raises:
        Unfit: if it does not fit the key.
    """
    reader = _READERS[key.type]
    if key.type not in LISTS:
        return reader(key, value, place)
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MOST:
        raise Unfit(f"a list of {_ELEMENTS[key.type]} that is not empty")
    # Twice the same is no more than once.
    return tuple(dict.fromkeys(reader(key, each, place) for each in value))


def clean(text: object, longest: int = LONGEST) -> bool:
    """Whether ``text`` is a text that can be shown on one line: not empty, no control characters."""
    return isinstance(text, str) and 0 < len(text) <= longest and text.isprintable()


def _flag(_key: Key, value: object, _place: Place) -> bool:
    if not isinstance(value, bool):
        raise Unfit("true or false")
    return value


def _number(key: Key, value: object, _place: Place) -> float:
    kinds = (int, float) if key.type == "number" else (int,)
    what = "a number" if key.type == "number" else "a whole number"
    if isinstance(value, bool) or not isinstance(value, kinds) or not key.least <= value <= key.most:
        raise Unfit(f"{what} from {key.least:,} to {key.most:,}")
    return float(value) if key.type == "number" else value


def _size(key: Key, value: object, place: Place) -> int:
    size = parse_size(value) if isinstance(value, str) else value
    try:
        return int(_number(key, size, place))
    except Unfit:
        raise Unfit('a number of bytes, or a text such as "10 MiB"') from None


def _quota(key: Key, value: object, place: Place) -> int | None:
    return None if value == "none" else _size(key, value, place)


def _moment(key: Key, value: object, _place: Place) -> float:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.timestamp()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and key.least <= value <= key.most:
        return float(value)
    raise Unfit("a date with time and offset such as 2026-01-31T12:00:00Z, or seconds since 1970")


def _choice(key: Key, value: object, _place: Place) -> str:
    if not isinstance(value, str) or value not in key.choices:
        raise Unfit(f"one of {', '.join(key.choices)}")
    return value


def _text(_key: Key, value: object, _place: Place) -> str:
    if not isinstance(value, str) or not clean(value):
        raise Unfit("a text on one line that is not empty")
    return value


def _value(_key: Key, value: object, _place: Place) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > LONGEST_VALUE or not _encodable(value):
        raise Unfit(f"a text of at most {LONGEST_VALUE:,} characters without a zero byte")
    return value


def _variable(_key: Key, value: object, _place: Place) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise Unfit("the name of a variable: letters, digits and _ (and . - inside)")
    return value


def _name(_key: Key, value: object, _place: Place) -> str:
    if not isinstance(value, str) or not clean(value) or "," in value or "*" in value[:-1]:
        raise Unfit("a name, or the beginning of names with * at its end; no comma")
    return value


def _subject(_key: Key, value: object, _place: Place) -> str:
    if not isinstance(value, str) or not is_pattern(value):
        raise Unfit("words of letters, digits, - and _ between dots; * for a word, > at the end for the rest")
    return value


def _folder(_key: Key, value: object, place: Place) -> Path:
    if not isinstance(value, str) or not clean(value):
        raise Unfit("the path of a folder")
    return _absolute(value, place)


def _absolute(text: str, place: Place) -> Path:
    first, *rest = Path(text).parts or ("",)
    if first != "~" and first.startswith("~"):
        raise Unfit("a path that begins with ~/ or ./, or an absolute one")
    path = place.user.joinpath(*rest) if first == "~" else place.folder / text
    # By its words alone: a call follows no links in the path of a granted folder anyway.
    return Path(os.path.normpath(path))


def _guest(_key: Key, value: object, _place: Place) -> str:
    expected = "an absolute path such as /data, without . or .. or empty parts"
    if not isinstance(value, str) or not clean(value) or not value.startswith("/") or "\\" in value:
        raise Unfit(expected)
    plain = value.rstrip("/") or "/"
    if plain != "/" and any(part in ("", ".", "..") for part in plain[1:].split("/")):
        raise Unfit(expected)
    return str(PurePosixPath(plain))


def _source(key: Key, value: object, place: Place) -> str:
    found = _SCHEME.fullmatch(value) if isinstance(value, str) and clean(value) else None
    if found is None:
        raise Unfit("env:NAME, file:PATH or keyring:SERVICE/USER")
    scheme, rest = found.groups()
    if scheme == "env":
        return f"env:{_variable(key, rest, place)}"
    if scheme == "file":
        return f"file:{_absolute(rest, place)}"
    service, _, user = rest.rpartition("/")
    if not service or not user:
        raise Unfit("keyring:SERVICE/USER")
    return str(value)


def _host(_key: Key, value: object, _place: Place) -> str:
    form = hosts.pattern(value) if isinstance(value, str) else None
    if form is None:
        raise Unfit("a host name, an IP address, *.suffix for the names below a suffix, or * for every host")
    return form


def _port(key: Key, value: object, _place: Place) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not key.least <= value <= key.most:
        raise Unfit("a port from 1 to 65535")
    return value


def _method(_key: Key, value: object, _place: Place) -> str:
    if value == "*":
        return "*"
    if not isinstance(value, str) or not METHOD.fullmatch(value.upper()) or not value.isascii():
        raise Unfit("a method such as GET, or *")
    return value.upper()


def _encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


_READERS: Mapping[Type, Callable[[Key, Any, Place], object]] = {
    "flag": _flag,
    "integer": _number,
    "number": _number,
    "size": _size,
    "quota": _quota,
    "moment": _moment,
    "choice": _choice,
    "text": _text,
    "value": _value,
    "variable": _variable,
    "name": _name,
    "folder": _folder,
    "guest": _guest,
    "source": _source,
    "hosts": _host,
    "schemes": _choice,
    "ports": _port,
    "methods": _method,
    "names": _name,
    "choices": _choice,
    "subjects": _subject,
}
"""The reader of each type; of a list's, for one element."""

_ELEMENTS = {
    "hosts": "hosts",
    "schemes": "schemes",
    "ports": "ports",
    "methods": "methods",
    "names": "names",
    "choices": "words",
    "subjects": "subjects",
}
