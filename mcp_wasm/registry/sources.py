"""Where components come from: files and folders, with what lies beside them.

A component file is ``NAME.wasm`` or ``NAME.wat``. Beside it may lie ``NAME.wit``
(a WIT file or folder, for its docs) and ``NAME.toml`` (its manifest).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mcp_wasm.component import names, toml_text
from mcp_wasm.errors import ComponentRefused

_log = logging.getLogger(__name__)
_MANIFEST_BYTES = 256 * 1024
_MANIFEST_DEPTH = 16
_BESIDE = 1000
"""Files of a WIT folder whose changes are noticed."""

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
        ComponentRefused: if there is no such file, or a pipe or device lies beside it.
    """
    if not path.is_file():
        raise ComponentRefused(str(path), "it is no file" if path.exists() else "there is no such file")
    wit, manifest = path.with_suffix(".wit"), path.with_suffix(".toml")
    beside = [p for p in (wit, manifest) if p.exists()]
    parts = [
        p for near in beside for p in (sorted(islice(near.rglob("*"), _BESIDE)) if near.is_dir() else [near])
    ]
    for part in parts:
        if part.exists() and not part.is_file() and not part.is_dir():
            # Opening a pipe waits for its writer, and with it would wait whoever looks at the folder.
            raise ComponentRefused(str(part), "it is no file")
    signature = tuple(_signature(p) for p in (path, *parts))
    return Source(path, wit if wit in beside else None, manifest if manifest in beside else None, signature)


def scan(folders: Iterable[Path]) -> dict[Path, Source]:
    """The component files directly in ``folders``, by path; folders in order, files by name."""
    found: dict[Path, Source] = {}
    for folder in folders:
        for path in _listed(folder):
            if path.suffix in SUFFIXES and not path.name.startswith("."):
                try:
                    found[path] = source(path)
                except (OSError, ComponentRefused):
                    continue  # it went away since it was listed; the next scan sees what is there
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
        values = toml_text.loads(found.manifest.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ComponentRefused(
            str(found.manifest), f"it is not a TOML document: {str(error)[:300]}"
        ) from None
    except OSError as error:
        raise ComponentRefused(str(found.manifest), f"it cannot be read ({error.strerror})") from None
    if _nests(values, _MANIFEST_DEPTH):
        raise ComponentRefused(str(found.manifest), f"it nests more than {_MANIFEST_DEPTH} levels deep")
    return values


def has_own_name(found: Source) -> bool:
    """Whether a component is called what its file is called, and not by its manifest or another spelling."""
    try:
        wanted = manifest(found).get("name", found.path.stem)
    except ComponentRefused:
        return False
    return bool(wanted == found.path.stem == names.component_name(found.path.stem))


def _nests(value: Any, depth: int) -> bool:
    """Whether tables and arrays nest deeper than ``depth``."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(depth == 0 or _nests(each, depth - 1) for each in inside)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("%s cannot be listed: %s", folder, error.strerror)
        return []


def _signature(path: Path) -> tuple[object, ...]:
    about = path.stat()
    return (str(path), about.st_mtime_ns, about.st_size, about.st_ino)
