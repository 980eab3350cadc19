"""Which mesh a command joins, and as whom: the settings, and the flags that go over them."""

from __future__ import annotations

import argparse
import importlib.util
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mcp_wasm.config.model import Config
from mcp_wasm.errors import CallerError, MeshMissing

if TYPE_CHECKING:
    from mcp_wasm.mesh.options import MeshOptions


@dataclass(frozen=True, slots=True)
class Joining:
    """The way to a mesh, this node's name in it (``""``: the machine's) and the mesh's key, if it was set."""

    options: MeshOptions
    node: str
    key: str | None = field(default=None, repr=False)


def add_mesh(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("mesh, over [mesh] in the settings")
    group.add_argument(
        "--nats",
        metavar="URL",
        action="append",
        default=[],
        help="a NATS server, may be given several times (default: one that is started for the home)",
    )
    group.add_argument("--mesh-name", metavar="NAME", help="which mesh (default: main)")
    group.add_argument("--node", metavar="NAME", default="", help="this node's name (default: the machine's)")


def check_installed() -> None:
    """What a node of a mesh needs is here.

    Raises:
        MeshMissing: the extra is not installed.
    """
    for package, module in (("nats-py", "nats"), ("nkeys", "nkeys")):
        if importlib.util.find_spec(module) is None:
            raise MeshMissing(package)


def joining(args: argparse.Namespace, config: Config) -> Joining:
    """The mesh that the settings and the flags name.

    Raises:
        InvalidSettings: they name none.
        MeshMissing: the extra is not installed.
    """
    check_installed()
    from mcp_wasm.mesh.options import MeshOptions  # the extra's too

    options, node, key = MeshOptions(), "", None
    if config.mesh is not None:
        options, key = config.mesh.resolved(os.environ)
        node = config.mesh.node
    try:
        if args.nats:
            options = replace(options, urls=tuple(args.nats))
        if args.mesh_name:
            options = replace(options, mesh=args.mesh_name)
    except CallerError as error:
        raise CallerError(f"--nats or --mesh-name: {error}") from None
    return Joining(options, args.node or node, key)
