"""Where components come from: files and folders, with what lies beside them.

A component file is ``NAME.wasm`` or ``NAME.wat``. Beside it may lie ``NAME.wit``
(a WIT file or folder, for its docs) and ``NAME.toml`` (its manifest).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.errors import ComponentRefused

_MANIFEST_BYTES = 256 * 1024
SUFFIXES = (".wasm", ".wat")


@dataclass(frozen=True, slots=True)
class Source:
    """A component file and what lies beside it; ``signature`` changes when any of them does."""

    path: Path
    wit: Path | None
    manifest: Path | None
    signature: tuple[object, ...]


def source(path: Path) -> Source:
    """The component file ``path`` with its neighbours.

    Raises:
        ComponentRefused: if there is no such file.
    """
    if not path.is_file():
        raise ComponentRefused(str(path), "there is no such file")
    wit, manifest = path.with_suffix(".wit"), path.with_suffix(".toml")
    beside = [p for p in (wit, manifest) if p.exists()]
    parts = [p for near in beside for p in (sorted(near.rglob("*")) if near.is_dir() else [near])]
    signature = tuple(_signature(p) for p in (path, *parts))
    return Source(path, wit if wit in beside else None, manifest if manifest in beside else None, signature)


def scan(folders: Iterable[Path]) -> dict[Path, Source]:
    """The component files directly in ``folders``, by path; folders in order, files by name."""
    found: dict[Path, Source] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.suffix in SUFFIXES and not path.name.startswith("."):
                try:
                    found[path] = source(path)
                except (OSError, ComponentRefused):
                    continue  # it went away between the listing and the look; the next scan sees what is there
    return found


def manifest(found: Source) -> dict[str, Any]:
    """The manifest beside a component, or an empty one.

    Raises:
        ComponentRefused: if it is no TOML document of a reasonable size.
    """
    if found.manifest is None:
        return {}
    try:
        if found.manifest.stat().st_size > _MANIFEST_BYTES:
            raise ComponentRefused(str(found.manifest), f"a manifest has at most {_MANIFEST_BYTES:,} bytes")
        return tomllib.loads(found.manifest.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ComponentRefused(str(found.manifest), f"it is not a TOML document: {error}") from None


def _signature(path: Path) -> tuple[object, ...]:
    about = os.stat(path)
    return (str(path), about.st_mtime_ns, about.st_size, about.st_ino)
