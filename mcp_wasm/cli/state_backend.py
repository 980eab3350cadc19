"""State that is kept on another machine, or by all nodes of a mesh: from the settings to what opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mcp_wasm.config.mesh import MeshSettings
from mcp_wasm.config.model import Config
from mcp_wasm.errors import InvalidSettings, MeshMissing
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.memory.protocol import Bounds, Store

_PLAIN = ("redis://", "rediss://", "unix://")


def opened(config: Config, home: Path, environ: Mapping[str, str]) -> StateOptions:
    """The options of state, with how to open it where this process does not keep it itself.

    Raises:
        InvalidSettings: a secret that leads to nothing, or Redis without a URL.
    """
    match config.state.backend:
        case "redis":
            url = _url(config.state.url, environ)
            return replace(config.state, open=lambda bounds, name: _redis(url, bounds, name))
        case "nats":
            options, _ = (config.mesh or MeshSettings()).resolved(environ)
            folder = options.folder or home / "mesh" / "nats"
            # The node's own server, if there are no others: the same folder as a node of the mesh takes.
            options = replace(options, folder=folder)

            def nats(bounds: Bounds, name: str) -> Store:
                try:
                    from mcp_wasm.mesh.kv import NatsKv  # an extra, and 100 ms of import
                except ImportError as error:
                    raise MeshMissing(error.name or "nats-py") from None
                return NatsKv(options, bounds=bounds, name=name)

            return replace(config.state, open=nats)
    return config.state


def _redis(url: str, bounds: Bounds, name: str) -> Store:
    try:
        from mcp_wasm.memory.redis import Redis  # an extra
    except ImportError as error:
        raise MeshMissing(error.name or "redis", "redis") from None
    return Redis(url, bounds, prefix=f"mcp-wasm:{name}")


def _url(given: str, environ: Mapping[str, str]) -> str:
    if given.startswith(_PLAIN):
        return given
    expected = "redis://HOST, rediss://HOST, unix://PATH, or a reference to that (env:NAME, file:PATH)"
    if not given:
        raise InvalidSettings("state.url", expected, "nothing")
    # It loads the sandbox, which a command without a runtime does without.
    from mcp_wasm.sandbox import secrets

    try:
        found = secrets.resolve(given, environ)
    except secrets.Unresolved as error:
        raise InvalidSettings("state.url", expected, str(error)) from None
    if not found.startswith(_PLAIN):
        raise InvalidSettings("state.url", expected, "another text behind the reference")
    return found
