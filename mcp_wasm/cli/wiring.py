"""From settings to a runtime: which folders hold components, and the runtime that publishes them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.cli import settings, state_backend
from mcp_wasm.config.model import Config
from mcp_wasm.errors import HostError, InvalidSettings
from mcp_wasm.sandbox.redact import Redactor, redacted

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
        options=config.options + tuple(w for f in args.components or () for w in ("--components", str(f))),
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
    own = (*config.components, added(config), *([built(config)] if config.bundled else []))
    # A project must not put its own component in place of one whose name a person trusts.
    return (*own, *config.late)


def new_runtime(
    config: Config, audit: AuditOptions | None = None, environ: Mapping[str, str] | None = None
) -> Runtime:
    """A runtime without components; ``environ`` is what grants may refer to (None: this process's own).

    Raises:
        InvalidSettings: if an audit log is asked for and cannot be written.
    """
    from mcp_wasm.runtime import Runtime  # loads the engine

    environ = os.environ if environ is None else environ
    state = state_backend.opened(config, home(config), environ)
    try:
        runtime = Runtime(
            home=home(config),
            limits=config.limits,
            component_limits=config.component_limits,
            tools=config.tools,
            workers=config.workers,
            cache_bytes=config.cache_bytes,
            environ=environ,
            policy=config.grants,
            options=config.options,
            state=state,
            audit=audit,
        )
        runtime.services.guarded = config.guarded
    except OSError as error:
        if audit is None:
            raise
        expected = "a folder for the audit log that can be written ([audit] enabled = false does without)"
        raise InvalidSettings(f"{error.filename or home(config)}", expected, error.strerror) from None
    return runtime


@contextlib.contextmanager
def open_runtime(
    config: Config,
    *,
    patience: float | None = None,
    audit: AuditOptions | None = None,
    compiling: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Runtime]:
    """A runtime that has published every component of ``folders`` and follows their changes.

    A component that was never seen before takes seconds to look at where it is
    large. After ``patience`` seconds (None: as long as it takes) the runtime is
    given with what is published by then, and the rest comes while it is used. With
    ``audit`` every call is written down, with ``compiling`` scripts that people kept
    are compiled beside everything else.
    """
    with new_runtime(config, audit, environ) as runtime, redacted(runtime.services.shared(Redactor)):
        if config.bundled:
            unpack(config)
        if patience is None:
            _publish(runtime, config, compiling)
            yield runtime
            return
        closing = threading.Event()
        publishing = threading.Thread(
            target=_watch, args=(runtime, config, compiling, closing), name="mcp-wasm publishing"
        )
        publishing.start()
        try:
            publishing.join(patience)
            yield runtime
        finally:
            closing.set()
            runtime.close()
            publishing.join()


def _publish(runtime: Runtime, config: Config, compiling: bool) -> None:
    runtime.watch(folders(config))
    # After what people installed, which goes before what was made.
    runtime.made.load(compiling=compiling)


def _watch(runtime: Runtime, config: Config, compiling: bool, closing: threading.Event) -> None:
    try:
        _publish(runtime, config, compiling)
    except Exception:  # noqa: BLE001 - a thread's top: what is published already is served all the same
        if not closing.is_set():
            _log.exception("looking at the folders failed")


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
