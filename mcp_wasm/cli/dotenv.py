"""The file ``.env`` beside a tree file: names and values that references such as ``env:NAME`` may ask for.

What is read here is no environment of anything: it is looked up where a person's settings or a grant name
a variable, and reaches no agent otherwise. The environment itself goes before it. Nothing in a
value is replaced or run, save the escapes of a value in double quotes.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from mcp_wasm.errors import InvalidSettings

NAME = ".env"
_LARGEST = 256 * 1024
_LINE = re.compile(
    r"""
    (?:export[ ]+)? (?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,127}) [ \t]*=[ \t]*
    (?: "(?P<double>(?:\\.|[^"\\])*)" | '(?P<single>[^']*)' | (?P<plain>(?:[^"'\#\s].*?)?) )
    (?:[ \t]+\#.*)?
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read(folder: Path) -> Mapping[str, str]:
    """The variables of ``folder``'s ``.env``; none where there is no such file.

    Raises:
        InvalidSettings: if it cannot be read, others may write it, or a line is none; no value is shown.
    """
    path = folder / NAME
    try:
        found = path.stat()
        if found.st_size > _LARGEST:
            raise InvalidSettings(str(path), f"at most {_LARGEST:,} bytes", f"{found.st_size:,}")
        check_own(path)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidSettings(str(path), "a file that can be read", error.strerror) from None
    except UnicodeDecodeError:
        raise InvalidSettings(str(path), "a text in UTF-8", "other bytes") from None
    return _variables(text, path)


def check_own(path: Path) -> None:
    """Accept a file that says what agents may do, or holds secrets, if nobody else can write it.

    Raises:
        InvalidSettings: if somebody can.
    """
    found = path.stat()
    if os.name != "posix":
        return
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InvalidSettings(
            str(path), f"a file that only you can write (type: chmod go-w {path})", "one that others can"
        )
    if found.st_uid not in {os.geteuid(), 0}:
        raise InvalidSettings(str(path), "a file of yours", "another user's")


def _variables(text: str, path: Path) -> Mapping[str, str]:
    found = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        match = _LINE.fullmatch(bare)
        if match is None:
            # The line may be a secret, so it is not shown.
            raise InvalidSettings(
                f"{path}: line {number}", "NAME=VALUE, NAME='VALUE' or NAME=\"VALUE\"", "something else"
            )
        double, single, plain = match["double"], match["single"], match["plain"]
        if double is not None:
            found[match["name"]] = re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), double)
        else:
            found[match["name"]] = plain if single is None else single
    return found
