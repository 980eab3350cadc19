"""Files that libraries read beside their modules, kept in memory: programs run without that disk.

``importlib.resources`` asks a package's loader for a reader; ours answers from a
copy that was made while the snapshot was. ``zoneinfo`` finds its time zones so.
"""

from __future__ import annotations

import importlib.resources
import io
import pkgutil
import sys
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from typing import Any


class _Kept(Traversable):
    """A file (bytes), a folder (a dict by name), or what is not there (None)."""

    def __init__(self, name: str, content: bytes | dict[str, Any] | None) -> None:
        self._name, self._content = name, content

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self._name

    def iterdir(self) -> Iterator[Traversable]:
        """What is in a folder."""
        inside = self._content if isinstance(self._content, dict) else {}
        return (_Kept(name, content) for name, content in inside.items())

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return isinstance(self._content, dict)

    def is_file(self) -> bool:
        """Whether it is a file."""
        return isinstance(self._content, bytes)

    def joinpath(self, *descendants: str) -> Traversable:
        """What lies at a path below it, there or not."""
        found: Any = self
        for part in "/".join(map(str, descendants)).split("/"):
            content = found._content.get(part) if isinstance(found._content, dict) else None
            found = _Kept(part, content)
        return found

    def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        """A stream of a file's content."""
        if not isinstance(self._content, bytes):
            raise FileNotFoundError(2, "No such file", self._name)
        stream = io.BytesIO(self._content)
        return stream if "b" in mode else io.TextIOWrapper(stream, *args, **kwargs)


class _Loader:
    """Stands where a package's loader was, for those that look for its files."""

    def __init__(self, folder: _Kept) -> None:
        self._folder = folder

    def get_resource_reader(self, _name: str) -> _Loader:
        return self

    def files(self) -> _Kept:
        return self._folder


def keep(package: str) -> None:
    """Keep the files of a package, which has been imported, and of all packages in it."""
    names = [package]
    names += [f.name for f in pkgutil.walk_packages(sys.modules[package].__path__, f"{package}.") if f.ispkg]
    for name in names:
        __import__(name)
        spec = sys.modules[name].__spec__
        assert spec is not None
        spec.loader = _Loader(_Kept(name, _read(importlib.resources.files(name))))  # type: ignore[assignment]


def _read(folder: Traversable) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in folder.iterdir():
        if each.is_dir() and each.name != "__pycache__":
            found[each.name] = _read(each)
        elif each.is_file() and not each.name.endswith((".py", ".pyc")):
            found[each.name] = each.read_bytes()
    return found
