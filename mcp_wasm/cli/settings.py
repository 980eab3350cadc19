"""Where settings come from: the environment, the settings file, flags; the only reader of the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from mcp_wasm.capability.sizes import parse_size
from mcp_wasm.config.access import fetched
from mcp_wasm.config.keys import FILE_NAME, TABLES
from mcp_wasm.config.model import Config
from mcp_wasm.config.read import load
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.access import Access

HOME, CONFIG, TOKEN = "MCP_WASM_HOME", "MCP_WASM_CONFIG", "MCP_WASM_TOKEN"
DEFAULT_HOME = Path("~/.mcp-wasm")
_LARGEST_SECRET = 16 * 1024

_OWN = ("home", "cache_bytes", "http", "access", "tokens", "audit", "state", "grants")
"""What of the settings a file that merely lies in the working folder cannot set at all."""


def read(args: argparse.Namespace, environment: Mapping[str, str] | None = None) -> Config:
    """The settings for a command: flags over environment over file over defaults; ``home`` is always set.

    Raises:
        InvalidSettings: for a wrong file or value.
    """
    given = os.environ if environment is None else environment
    home = _folder(args.home or given.get(HOME) or DEFAULT_HOME)
    named = args.config or given.get(CONFIG)
    config = _file(named, home)
    http = replace(config.http, token=given.get(TOKEN) or config.http.token)
    chosen = home if args.home or given.get(HOME) else config.home or home
    options = ["--config", str(_folder(named))] if named else []
    options += ["--home", str(home)] if home != _folder(DEFAULT_HOME) else []
    if config.source is not None and not named and config.source.parent != home:
        # Found only where this command was typed, and perhaps another person's project.
        options += [word for folder in config.components for word in ("--components", str(folder))]
        config = replace(config, components=(), late=config.components)
    # A guest that could write there would grant itself what it likes when a server starts the next time.
    guarded = (_folder(named) if named else home / FILE_NAME, _folder(DEFAULT_HOME))
    return replace(config, home=chosen, http=http, options=tuple(options), guarded=guarded)


def _file(named: str | None, home: Path) -> Config:
    if named:
        return load(_folder(named))
    here = Path(FILE_NAME)
    if here.is_file():
        _check_owner(here)
        # Where the working folder is the home, the file is the person's own.
        trusted = home == Path.cwd()
        found = load(here.absolute(), trusted=trusted)
        return found if trusted else _with_own(found, _own(home))
    return _own(home)


def _own(home: Path) -> Config:
    path = home / FILE_NAME
    return load(path) if path.is_file() else Config()


def _with_own(found: Config, own: Config) -> Config:
    """The settings of a project, and the person's own in what a project has no say in.

    Its mere presence must not take away the tokens that clients have to send, a
    limit that is lower, or a tool that is hidden.
    """
    server = replace(
        found.server,
        approvals=found.server.approvals and own.server.approvals,
        code=found.server.code and own.server.code,
        **{key.name: getattr(own.server, key.name) for key in TABLES["server"] if key.trusted},
    )
    names = {*found.component_limits, *own.component_limits}
    return replace(
        found,
        **{name: getattr(own, name) for name in _OWN},
        server=server,
        tools={**found.tools, **own.tools},
        limits=_lower(found.limits, own.limits),
        component_limits={
            name: _lower(*(each.component_limits.get(name, each.limits) for each in (found, own)))
            for name in names
        },
    )


def _lower(first: Limits, second: Limits) -> Limits:
    both = {each.name: (getattr(first, each.name), getattr(second, each.name)) for each in fields(Limits)}
    return Limits(**{name: min(values) for name, values in both.items()})


def _check_owner(path: Path) -> None:
    """A file that another user put where commands are run is not obeyed."""
    if hasattr(os, "getuid") and path.stat().st_uid not in (os.getuid(), 0):
        raise InvalidSettings(str(path), "a file of yours, or one named with --config", "another owner's")


def access(config: Config, environment: Mapping[str, str] | None = None) -> Access:
    """Who may do how much over HTTP, with the secrets of all tokens fetched.

    Raises:
        InvalidSettings: for a token without a secret.
    """
    given = os.environ if environment is None else environment
    return replace(config.access, tokens=fetched(config.tokens, given, _secret))


def _secret(path: Path) -> str:
    """The text of a file that has nothing but a secret."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST_SECRET).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(str(path), "a file with a secret", type(error).__name__) from None


def folder(text: str) -> Path:
    """The type of a flag that names a folder that is there."""
    path = _folder(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def size(text: str) -> int:
    """The type of a flag that is a number of bytes."""
    found = parse_size(text)
    if found is None:
        raise argparse.ArgumentTypeError(f'{text!r} is no number of bytes such as "64 MiB"')
    return found


def _folder(path: Path | str) -> Path:
    return Path(path).expanduser().absolute()
