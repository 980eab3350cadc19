"""The values of a tree file that a policy has none of, checked and brought into their one form. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from mcp_wasm.agents.address import parse
from mcp_wasm.agents.tree_keys import Key
from mcp_wasm.capability import keys, values
from mcp_wasm.capability.values import Place, Unfit
from mcp_wasm.errors import CallerError

_PART = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NAME = "1 to 63 lowercase letters, digits, - and _, beginning with a letter or digit"


def check_name(value: object) -> str:
    """The name of an agent, a supervisor or a tree.

    Raises:
        Unfit: if it is none.
    """
    if not isinstance(value, str) or not _PART.fullmatch(value):
        raise Unfit(f"a name of {_NAME}")
    return value


def _names(_key: Key, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise Unfit("a list of names that is not empty")
    found = tuple(map(check_name, value))
    if len(set(found)) < len(found):
        raise Unfit("a list of names in which none comes twice")
    return found


def _texts(_key: Key, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(values.clean(each) for each in value):
        raise Unfit("a list of texts")
    return tuple(value)


def _address(value: object) -> str:
    try:
        return str(parse(value if isinstance(value, str) else ""))
    except CallerError:
        raise Unfit("the address of an agent, such as news, collectors/news or news@node-2") from None


def _addresses(_key: Key, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Unfit("a list of addresses of agents")
    return tuple(map(_address, value))


def _seconds(key: Key, value: object) -> float | None:
    if value == "infinity":
        return None
    if value == "brutal_kill":
        return 0.0
    return _number(key, value, 'a number of seconds, "infinity" or "brutal_kill"')


def _backoff(key: Key, value: object) -> tuple[float, ...]:
    expected = f"a list of 1 to 100 numbers of seconds up to {key.most:,}"
    if not isinstance(value, list) or not 0 < len(value) <= 100:
        raise Unfit(expected)
    return tuple(_number(key, each, expected) for each in value)


def _number(key: Key, value: object, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not key.least <= value <= key.most:
        raise Unfit(expected)
    return float(value)


def _json(_key: Key, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not _is_json(value):
        raise Unfit("a table of what JSON has: no dates and times, no infinite numbers")
    return value


def _is_json(value: object) -> bool:
    match value:
        case Mapping():
            return all(map(_is_json, value.values()))
        case list():
            return all(map(_is_json, value))
        case float():
            return value - value == 0
    return isinstance(value, (str, int))


def _choices(key: Key, value: object) -> Mapping[str, str]:
    return _by_name(key, value, lambda each: cast("str", values.check(_choice(key), each, _NOWHERE)))


def _routes(key: Key, value: object) -> Mapping[str, str]:
    return _by_name(key, value, _address)


def _by_name(key: Key, value: object, one: Callable[[object], str]) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not value.keys() <= set(key.names):
        raise Unfit(f"a table with some of the keys {', '.join(key.names)}")
    return {name: one(each) for name, each in value.items()}


def _choice(key: Key) -> keys.Key:
    return keys.Key(key.name, "choice", key.docs, choices=key.choices)


_NOWHERE = Place(Path(), Path())

READERS: Mapping[str, Callable[[Key, object], object]] = {
    "name": lambda _key, value: check_name(value),
    "texts": _texts,
    "names": _names,
    "addresses": _addresses,
    "seconds": _seconds,
    "backoff": _backoff,
    "json": _json,
    "choices": _choices,
    "routes": _routes,
}

"""The reader of each type that ``capability.values`` does not know; each raises ``Unfit``."""
