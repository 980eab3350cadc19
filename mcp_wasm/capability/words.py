"""A grant as the words of a command line, and such words as the table of a grant.

``key=value`` is a key of the kind with its value; elements of a list stand
between commas, or the key is given again. What has no such key is short for the
kind's own matter:

    network      HOST                    storage   FOLDER:GUEST or FOLDER:GUEST:rw
    environment  NAME or NAME=VALUE      secret    NAME=SOURCE
    keyvalue     BUCKET or BUCKET:rw     config    KEY=VALUE
    clock        MODE                    random    SEED
    logging      LEVEL                   nn        MODEL
    tools        NAME                    llm       PROVIDER
    messaging    AGENT

Pure: the values are checked by ``document.grant``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mcp_wasm.capability.document import plain
from mcp_wasm.capability.grant import KINDS, Grant, Network, kind_of
from mcp_wasm.capability.keys import KEYS, LISTS, Key
from mcp_wasm.capability.sizes import show_size
from mcp_wasm.component.names import nearest
from mcp_wasm.errors import InvalidSettings

FORMS: Mapping[str, str] = {
    "network": "HOST",
    "storage": "FOLDER:GUEST[:rw]",
    "environment": "NAME[=VALUE]",
    "secret": "NAME=SOURCE",
    "keyvalue": "BUCKET[:rw]",
    "clock": "MODE",
    "random": "SEED",
    "logging": "LEVEL",
    "config": "KEY=VALUE",
    "nn": "MODEL",
    "llm": "PROVIDER",
    "messaging": "AGENT",
    "tools": "NAME",
    "sessions": "",
}
"""The short form of each kind, ``""`` where there is none."""

_MAIN = {
    "network": "hosts",
    "keyvalue": "bucket",
    "clock": "mode",
    "random": "seed",
    "logging": "level",
    "nn": "models",
    "llm": "providers",
    "messaging": "agents",
    "tools": "names",
}
_PAIRS = {"environment": ("name", "value"), "secret": ("name", "source"), "config": ("key", "value")}
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"-?[0-9]{1,30}")
_BARE_HOST = re.compile(r"[A-Za-z0-9*][A-Za-z0-9.*:_-]*")


def table(kind: str, words: Iterable[str]) -> dict[str, Any]:
    """The table of plain values that ``words`` write.

    Raises:
        InvalidSettings: if the kind or a key is not known, or a key that is no list comes twice.
    """
    if kind not in KINDS:
        close = nearest(kind, tuple(KINDS))
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(KINDS)}"
        raise InvalidSettings("the kind of grant", f"one that exists ({hint})", kind)
    keys = {key.name: key for key in KEYS[kind]}
    found: dict[str, Any] = {}
    for word in words:
        for name, text in _parts(kind, keys, word):
            value = _value(keys[name], text)
            if keys[name].type in LISTS:
                found[name] = [*found.get(name, ()), *value]
            elif name in found:
                raise InvalidSettings(f"{kind} {name}", "one value", word)
            else:
                found[name] = value
    return found


def words(grant: Grant) -> tuple[str, ...]:
    """The words that write ``grant``; the component and the kind stand before them."""
    kind = kind_of(grant)
    keys = {key.name: key for key in KEYS[kind]}
    found: list[str] = []
    for name, value in plain(grant).items():
        if isinstance(grant, Network) and name == "hosts" and all(map(_BARE_HOST.fullmatch, grant.hosts)):
            found.append(",".join(grant.hosts))
        else:
            found.append(f"{name}={_text(keys[name], value)}")
    return tuple(found)


def _parts(kind: str, keys: Mapping[str, Key], word: str) -> list[tuple[str, str]]:
    name, equals, text = word.partition("=")
    if equals and name in keys:
        return [(name, text)]
    if kind in _PAIRS:
        first, second = _PAIRS[kind]
        return [(first, name), (second, text)] if equals else [(first, word)]
    plain, write = _suffix(word)
    if kind == "storage":
        folder, colon, guest = plain.rpartition(":")
        if colon and guest.startswith("/"):
            return [("folder", folder), ("guest", guest), *write]
    elif kind == "keyvalue":
        return [("bucket", plain), *write]
    elif kind in _MAIN and not equals:
        return [(_MAIN[kind], word)]
    close = nearest(name, tuple(keys)) if equals else ()
    hint = f"did you mean {close[0]}=…?" if close else f"known here: {', '.join(f'{key}=' for key in keys)}"
    form = f"{FORMS[kind]} or " if FORMS[kind] else ""
    raise InvalidSettings(f"a grant of {kind}", f"{form}KEY=VALUE ({hint})", word)


def _suffix(word: str) -> tuple[str, list[tuple[str, str]]]:
    for suffix, write in ((":rw", "true"), (":ro", "false")):
        if word.endswith(suffix):
            return word[: -len(suffix)], [("write", write)]
    return word, []


def _value(key: Key, text: str) -> Any:
    if key.type in LISTS:
        return [_whole(part) if key.type == "ports" else part for part in text.split(",")]
    if key.type == "flag":
        return {"true": True, "false": False}.get(text, text)
    if key.type == "integer":
        return _whole(text)
    if key.type in {"number", "moment"} and _NUMBER.fullmatch(text):
        return float(text)
    return text


def _whole(text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) else text


def _text(key: Key, value: Any) -> str:
    if key.type in LISTS:
        return ",".join(map(str, value))
    if key.type == "flag":
        return "true" if value else "false"
    if key.type in {"size", "quota"} and isinstance(value, int):
        return show_size(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(Path(value)) if key.type == "folder" else str(value)
