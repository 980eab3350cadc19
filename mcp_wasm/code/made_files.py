"""One version of a made tool as a folder of files: written whole, read with suspicion.

Nothing is read that others than this user could have written, nor through a
link, nor what is not what its digest says.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp_wasm.code.made_contract import SOURCE_BYTES, Edition, Example, Version
from mcp_wasm.code.run import FILE
from mcp_wasm.component import encode
from mcp_wasm.errors import InvalidSettings

log = logging.getLogger(__name__)

RECORD, BINARY = "tool.json", "component.wasm"
BUILT, ABOUT, WIT = "built", "built.json", "world.wit"
"""The folder of what a script was compiled to, and what lies there beside the component."""

_FORMAT = 1
_RECORD_BYTES = 8 * 1024 * 1024
_BINARY_BYTES, BUILT_BYTES = 64 * 1024 * 1024, 256 * 1024 * 1024
_VERSION = re.compile(r"[1-9][0-9]{0,8}")

_TEXTS = (
    "name", "language", "wit", "digest", "description", "created_by", "client", "created_at",
    "over", "kept_by", "kept_at",
)  # fmt: skip


def digest_of(edition: Edition) -> str:
    """The SHA-256 (hex) of a version: of its binary, or of its source and what functions it has."""
    if edition.binary is not None:
        return hashlib.sha256(edition.binary).hexdigest()
    functions = [sorted(edition.names.items()), sorted(edition.shapes.items())]
    about = [edition.language, edition.source, encode.world_to_json(edition.world), functions]
    return hashlib.sha256(b"mcp-wasm:script\n" + json.dumps(about).encode()).hexdigest()


def write(target: Path, edition: Edition, *, durable: bool) -> None:
    """Write a version as the folder ``target``, which appears with all that is in it."""
    scratch = target.with_name(f".new-{secrets.token_hex(8)}")
    scratch.mkdir(mode=0o700)
    for name, part in _parts(edition).items():
        handle = os.open(scratch / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(part)
            if durable:
                file.flush()
                os.fsync(handle)
    if durable:
        sync(scratch)
    scratch.rename(target)


def read(path: Path) -> Edition:
    """The version in the folder ``path``.

    Raises:
        InvalidSettings: it is damaged, or not what its digest says, or others could have written it.
        FileNotFoundError: it is not there.
    """
    check(path, folder=True)
    record = _record(path)
    try:
        edition = _edition(path, record)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidSettings(str(path / RECORD), "the record of a made tool", str(error)[:200]) from None
    found = digest_of(edition)
    if found != edition.digest or edition.name != path.parent.name or str(edition.version) != path.name:
        expected = f"what was kept there as {edition.digest[:12]} (publish it anew to change it)"
        raise InvalidSettings(str(path), expected, found[:12])
    return edition


def about(path: Path) -> Version:
    """What a history says of the version in the folder ``path``.

    Raises:
        InvalidSettings, FileNotFoundError: as ``read``, which looks at more.
    """
    check(path, folder=True)
    record = _record(path)
    try:
        return Version(int(path.name), *(str(record[key]) for key in ("digest", "created_at", "created_by")))
    except KeyError as error:
        raise InvalidSettings(str(path / RECORD), "the record of a made tool", f"no {error}") from None


def _record(path: Path) -> dict[str, Any]:
    text = content(path / RECORD, _RECORD_BYTES)
    try:
        record = json.loads(text)
        if not isinstance(record, dict) or record["format"] != _FORMAT:
            raise ValueError("another format")
    except (ValueError, KeyError, RecursionError) as error:
        raise InvalidSettings(str(path / RECORD), "the record of a made tool", str(error)[:200]) from None
    return record


def _edition(path: Path, record: Mapping[str, Any]) -> Edition:
    texts = {key: record[key] for key in _TEXTS}
    names, shapes, version = record["names"], record["shapes"], record["version"]
    if not all(isinstance(each, str) for each in (*texts.values(), *names, *names.values())):
        raise ValueError("a text is none")
    if type(version) is not int or not isinstance(shapes, dict) or texts["language"] not in FILE:
        raise ValueError("another version, or another language")
    tests = tuple(Example(str(name), dict(given), expected) for name, given, expected in record["tests"])
    source = content(path / source_name(texts["language"]), 2 * SOURCE_BYTES).decode("utf-8")
    binary = content(path / BINARY, _BINARY_BYTES) if record["compiled"] else None
    world = encode.world_from_json(record["world"])
    return Edition(
        version=version,
        source=source,
        world=world,
        names=names,
        shapes=shapes,
        tests=tests,
        binary=binary,
        **texts,
    )


def _parts(edition: Edition) -> dict[str, bytes]:
    record = {
        "format": _FORMAT,
        "version": edition.version,
        **{key: getattr(edition, key) for key in _TEXTS},
        "names": dict(edition.names),
        "shapes": dict(edition.shapes),
        "tests": [[each.function, dict(each.input), each.expected] for each in edition.tests],
        "compiled": edition.binary is not None,
        "world": encode.world_to_json(edition.world),
    }
    files = {
        source_name(edition.language): edition.source.encode(),
        RECORD: json.dumps(record).encode(),
    }
    return files if edition.binary is None else {**files, BINARY: edition.binary}


def source_name(language: str) -> str:
    """The name of the file with the source."""
    return f"source{Path(FILE[language]).suffix}"


def size(folder: Path) -> int:
    """The bytes of all versions of a tool, without what was built of them later."""
    parts = (part for path in versions(folder) for part in os.scandir(path))
    return sum(part.stat(follow_symlinks=False).st_size for part in parts if not part.is_dir())


def versions(folder: Path) -> list[Path]:
    """The versions in the folder of a tool, oldest first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if _VERSION.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name))


def content(path: Path, most: int) -> bytes:
    """What is in a file that only this user could write, and that is no link.

    Raises:
        InvalidSettings: it is such a file, or has more than ``most`` bytes.
        FileNotFoundError: it is not there.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InvalidSettings(str(path), "a file that can be read, no link", error.strerror) from None
    with os.fdopen(handle, "rb") as file:
        _check_status(path, os.fstat(handle), folder=False)
        found = file.read(most + 1)
    if len(found) > most:
        raise InvalidSettings(str(path), f"at most {most:,} bytes", "more")
    return found


def check(path: Path, *, folder: bool) -> None:
    """Refuse a link, and what others could have written.

    Raises:
        InvalidSettings: it is such a thing.
        FileNotFoundError: it is not there.
    """
    _check_status(path, path.lstat(), folder=folder)


def _check_status(path: Path, about: os.stat_result, *, folder: bool) -> None:
    """Refuse what is of another kind, and what others could have written: it would run as what was kept."""
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(about.st_mode):
        raise InvalidSettings(str(path), "a folder, no link" if folder else "a file", "something else")
    if hasattr(os, "getuid") and about.st_uid not in (os.getuid(), 0):
        raise InvalidSettings(str(path), "a file of yours", "another user's")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InvalidSettings(
            str(path), f"what only you can write (type: chmod go-w {path})", "others can write it"
        )


def is_safe(path: Path) -> bool:
    """Whether ``path`` is a folder that nobody else can write; the log says why not."""
    try:
        check(path, folder=True)
    except FileNotFoundError:
        return False
    except InvalidSettings as error:
        log.error("What was made there is left out: %s", error)
        return False
    return True


def remove(path: Path) -> None:
    """Take away a folder with all that is in it, or what stands in its place."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def sync(folder: Path) -> None:
    """What was renamed into ``folder`` survives a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
