"""The manifest of a bundled tool, ``tool.toml``: what it is, how it is built, and examples that are run.

JSON values stand in it as JSON text, since TOML has no null and no 64-bit
unsigned integers.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.errors import InvalidSettings

FILE = "tool.toml"
LANGUAGES = ("c", "zig", "wat", "python", "javascript", "typescript")


@dataclass(frozen=True, slots=True)
class Example:
    """A real call of one function.

    ``says`` is what it shows. ``result`` is the JSON value that comes back, or
    None with ``error``, which is a part of the error's text, or with neither:
    then the result depends on the moment. ``near`` is how far numbers may be
    off, absolutely.
    """

    function: str
    says: str
    arguments: Mapping[str, Any]
    result: Any = None
    error: str | None = None
    checked: bool = True
    near: float = 0.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``tool.toml`` says; ``entry`` is relative to the tool's folder."""

    name: str
    title: str
    language: str
    description: str
    entry: str
    world: str
    packages: tuple[str, ...]
    examples: tuple[Example, ...]


def read_manifest(path: Path) -> Manifest:
    """Read a ``tool.toml``.

    Raises:
        InvalidSettings: a field is missing or of the wrong kind.
    """
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    where = f"{path.parent.name}/{path.name}"
    texts = {
        key: _text(document, key, where) for key in ("name", "title", "language", "description", "entry")
    }
    if texts["language"] not in LANGUAGES:
        raise InvalidSettings(f"{where}: language", f"one of {', '.join(LANGUAGES)}", texts["language"])
    return Manifest(
        **texts,
        world=str(document.get("world", texts["name"])),
        packages=tuple(str(name) for name in document.get("packages", ())),
        examples=tuple(_example(entry, where) for entry in document.get("example", ())),
    )


def _example(entry: Mapping[str, Any], where: str) -> Example:
    return Example(
        function=_text(entry, "function", where),
        says=_text(entry, "says", where),
        arguments=_json(entry.get("arguments", "{}"), f"{where}: arguments"),
        result=_json(entry["result"], f"{where}: result") if "result" in entry else None,
        error=entry.get("error"),
        checked="result" in entry or "error" in entry,
        near=float(entry.get("near", 0.0)),
    )


def _text(document: Mapping[str, Any], key: str, where: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidSettings(f"{where}: {key}", "a text", value)
    return value


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidSettings(where, "JSON text", f"{text!r} ({error})") from error
