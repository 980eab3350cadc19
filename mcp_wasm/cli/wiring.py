"""From settings to a runtime: which folders hold components, and the runtime that publishes them."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_wasm.cli import settings
from mcp_wasm.config.model import Config
from mcp_wasm.errors import HostError

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

_log = logging.getLogger(__name__)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that say which components there are."""
    parser.add_argument(
        "--components",
        metavar="DIR",
        action="append",
        type=settings.folder,
        help="publish the components of this folder too; may be given several times",
    )
    parser.add_argument(
        "--no-bundled", action="store_true", help="leave out the tools that come with the package"
    )


def read(args: argparse.Namespace) -> Config:
    """The settings for a command with the flags of ``add_sources``."""
    config = settings.read(args)
    return replace(
        config,
        components=(*(args.components or ()), *config.components),
        bundled=config.bundled and not args.no_bundled,
    )


def home(config: Config) -> Path:
    """The home folder."""
    return config.home or settings.DEFAULT_HOME.expanduser()


def added(config: Config) -> Path:
    """The folder of components that ``mcp-wasm add`` copied."""
    return home(config) / "components"


def built(config: Config) -> Path:
    """The folder of the tools that come with the package, built or copied."""
    return home(config) / "bundled"


def folders(config: Config) -> Sequence[Path]:
    """Where components are looked for; of two with one name the first is published."""
    return (*config.components, added(config), *([built(config)] if config.bundled else []))


def new_runtime(config: Config) -> Runtime:
    """A runtime without components."""
    from mcp_wasm.runtime import Runtime  # loads the engine

    return Runtime(
        home=home(config),
        limits=config.limits,
        component_limits=config.component_limits,
        tools=config.tools,
        workers=config.workers,
        cache_bytes=config.cache_bytes,
    )


def open_runtime(config: Config) -> Runtime:
    """A runtime that has published every component of ``folders`` and follows their changes."""
    runtime = new_runtime(config)
    try:
        if config.bundled:
            unpack(config)
        runtime.watch(folders(config))
    except BaseException:
        runtime.close()
        raise
    return runtime


def unpack(config: Config) -> None:
    """Copy the tools that the package ships built into the home, unless they are there."""
    from mcp_wasm.build import bundled

    for tool in bundled.list_bundled():
        if tool.shipped is not None:
            try:
                bundled.build_bundled(tool, built(config))
            except (HostError, OSError) as error:
                # One tool that cannot be copied must not keep the others from being served.
                _log.warning("the bundled tool %s is left out: %s", tool.name, error)
