"""Someone else's JSON file: one value put into it, everything else kept as it was.

A file that is not plain JSON (editors allow comments) is refused, not
rewritten: what its author wrote there would be lost. Order, indentation, line
ends and permissions stay; the old file is kept beside the new one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from mcp_wasm.errors import InvalidSettings

_BOM = "\ufeff"
_LARGEST = 64 * 1024 * 1024


class Document:
    """A JSON file that is read, changed in memory, and written back."""

    def __init__(self, path: Path, text: str, value: dict[str, Any]) -> None:
        self._path, self._text, self._value = path, text, value

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file, or an empty object where there is none. A link is followed, so that it stays one.

        Raises:
            InvalidSettings: if it cannot be read or is not plain JSON with an object at its top.
        """
        path = path.resolve()
        if not path.exists():
            return cls(path, "", {})
        try:
            if path.stat().st_size > _LARGEST:
                raise InvalidSettings(str(path), f"at most {_LARGEST:,} bytes", "more")
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSettings(str(path), "a text file that can be read", str(error)) from None
        if not text.removeprefix(_BOM).strip():
            return cls(path, text, {})
        try:
            value = json.loads(text.removeprefix(_BOM), object_pairs_hook=_once, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            expected = "plain JSON (comments and trailing commas would be lost by a program that writes it)"
            raise InvalidSettings(str(path), expected, str(error)) from None
        if not isinstance(value, dict):
            raise InvalidSettings(str(path), "a JSON object", type(value).__name__)
        return cls(path, text, value)

    def put(self, keys: Sequence[str], entry: dict[str, Any]) -> bool:
        """Merge ``entry`` into the object at ``keys``; keys of that object that it lacks stay.

        Returns:
            Whether anything changed.

        Raises:
            InvalidSettings: if something on the way is no object.
        """
        within = self._value
        for depth, key in enumerate(keys, 1):
            within = within.setdefault(key, {})
            if not isinstance(within, dict):
                raise InvalidSettings(f"{self._path}: {'.'.join(keys[:depth])}", "a JSON object", within)
        if {**within, **entry} == within:
            return False
        within.update(entry)
        return True

    def write(self) -> Path | None:
        """Write the file whole; the path of the backup of the old one, if there was one.

        Raises:
            InvalidSettings: if the file has changed since it was read.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        backup = self._backup()
        handle, scratch = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self._rendered().encode("utf-8"))
            if backup is not None:
                shutil.copymode(self._path, scratch)
            else:
                Path(scratch).chmod(0o644)  # a project's file is there for others to read
            Path(scratch).replace(self._path)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
        return backup

    def _backup(self) -> Path | None:
        if not self._path.exists():
            return None
        if self._path.read_bytes() != self._text.encode("utf-8"):
            raise InvalidSettings(
                str(self._path), "a file that nobody else is writing", "one that has just changed"
            )
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for number in range(1000):
            backup = self._path.with_name(f"{self._path.name}.{stamp}{f'-{number}' if number else ''}.backup")
            try:
                # Never over an older backup; private at once, since such files may hold secrets.
                with os.fdopen(os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(self._text.encode("utf-8"))
            except FileExistsError:
                continue
            shutil.copymode(self._path, backup)
            return backup
        raise InvalidSettings(
            str(self._path), "a free name for its backup", "a thousand backups of this second"
        )

    def _rendered(self) -> str:
        indent = re.search(r"\n([ \t]+)\S", self._text)
        text = json.dumps(self._value, ensure_ascii=False, indent=indent.group(1) if indent else 2)
        if not self._text or self._text.endswith("\n"):
            text += "\n"
        if "\r\n" in self._text:
            text = text.replace("\n", "\r\n")
        return (_BOM if self._text.startswith(_BOM) else "") + text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
