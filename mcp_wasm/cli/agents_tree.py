"""A tree of agents as a tree file describes it, alive in a runtime and reachable over its socket.

``mcp-wasm agents run`` and ``mcp-wasm serve --agents`` are two ways to one tree: what
it takes from its file, its folder and the settings is the same, and so is how it is looked at.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mcp_wasm.agents import tree_file
from mcp_wasm.agents.address import check_part
from mcp_wasm.agents.control import Control
from mcp_wasm.agents.control_socket import SOCKET, claimed
from mcp_wasm.agents.node import Node
from mcp_wasm.agents.running import FOLDER, running
from mcp_wasm.agents.tree_file import TreeFile
from mcp_wasm.cli import dotenv, terminal, wiring
from mcp_wasm.cli.mesh_joined import LOCAL, doors, joined
from mcp_wasm.config.llm import keys
from mcp_wasm.config.model import Config
from mcp_wasm.config.read import tables
from mcp_wasm.llm.service import Llm
from mcp_wasm.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that may run.

    ``config`` are the settings with what the tree file sets in their place, ``environ`` this process's
    variables and those of the file's ``.env``, ``name`` what the tree is called here.
    """

    file: Path
    name: str
    found: TreeFile
    config: Config
    environ: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where it keeps its memory and its socket."""
        return wiring.home(self.config) / FOLDER / self.name

    def claimed(self) -> AbstractContextManager[None]:
        """While the block lasts, no other process runs it.

        Raises:
            CallerError: one does.
        """
        return claimed(self.folder)


def read(config: Config, file: str, name: str = "") -> Tree:
    """The tree of ``file`` under the settings ``config``, called ``name`` in place of its own.

    Raises:
        InvalidSettings: if it cannot be read, others may write it, or it says what cannot be.
    """
    path = Path(file).expanduser()
    found = tree_file.load(path)
    # It grants, and names what runs.
    dotenv.check_own(path)
    for source in tree_file.sources(found.tree):
        if source.is_file():  # one that is not there is told by who starts it
            dotenv.check_own(source)
    own = check_part(name, "--name") if name else found.name
    environ = {**dotenv.read(path.absolute().parent), **os.environ}
    config = _with_tables(config, found, path)
    _warn(config, found)
    return Tree(path, own, found, _guarding(config, found, path), environ)


@asynccontextmanager
async def living(
    runtime: Runtime, tree: Tree, stop: Callable[[], None], *, node: str = ""
) -> AsyncIterator[Node]:
    """The tree runs while the block does; ``stop`` is called when a person asks for its end.

    ``node`` is the name of this node. ``tree.folder`` is claimed by the caller.

    Raises:
        McpWasmError: a child cannot be started.
    """
    llm = Llm(tree.config.llm, keys(tree.config.llm, tree.environ))
    async with (
        joined(tree.config, tree.environ, node) as bus,
        running(
            runtime,
            tree.found.tree,
            node=bus.node if bus else node or LOCAL,
            name=tree.name,
            llm=llm,
            bus=bus,
        ) as made,
        doors(bus, made),
    ):
        if bus is not None:
            bus.observe(made.note)
        about = {
            "tree": tree.name,
            "file": str(tree.file),
            "pid": os.getpid(),
            "started": time.time_ns() // 1_000_000,
        }
        control = Control(made, tree.folder / SOCKET, about, stop)
        await control.start()
        try:
            yield made
        finally:
            await control.close()


def _warn(config: Config, found: TreeFile) -> None:
    """Say of whom is kept only in a mesh what waits: the tree runs without one too, as on a desk."""
    for path, agent in tree_file.agents(found.tree):
        if agent.durable and config.mesh is None:
            terminal.note(
                f"{path} is durable, and that takes a mesh: what waits for it is lost with this process. "
                "Give the tree file a table [mesh]"
            )


def _guarding(config: Config, found: TreeFile, path: Path) -> Config:
    """The settings with what no guest may write: an agent that could would grant itself what it likes.

    The next start obeys the tree file and ``.env``, and what is granted to an agent holds for whatever lies
    where its component is.
    """
    own = (path.absolute(), path.absolute().parent / dotenv.NAME, *tree_file.sources(found.tree))
    return replace(config, guarded=(*config.guarded, *dict.fromkeys(own)))


def _with_tables(config: Config, found: TreeFile, path: Path) -> Config:
    """The settings with what the tree file sets in their place."""
    names = ("llm", "mesh", "state")
    own = {name: getattr(found, name) for name in names if getattr(found, name) is not None}
    read_ = tables(own, path)
    return replace(config, **{name: getattr(read_, name) for name in own})
