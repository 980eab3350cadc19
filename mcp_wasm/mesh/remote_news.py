"""Which tools other nodes have, kept in this node's runtime.

A tool is known by its component's name and bytes. Where nodes have other bytes under one name, those
that this node heard of first stay while any node has them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging

from mcp_wasm.errors import McpWasmError
from mcp_wasm.mesh.announcement import ComponentNews
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.tool_news import component_in
from mcp_wasm.registry.tool import Component, Remote
from mcp_wasm.runtime import Runtime

_log = logging.getLogger(__name__)

_MOST = 1000
"""Components of other nodes that are shown here."""


class RemoteNews:
    """Keeps in ``runtime`` the components that other nodes of ``mesh`` have; their calls go by ``remote``."""

    def __init__(self, mesh: Mesh, runtime: Runtime, remote: Remote) -> None:
        self._mesh, self._runtime, self._remote = mesh, runtime, remote
        self._kept: dict[str, Component] = {}
        self._chosen: dict[str, ComponentNews] = {}
        self.changed = asyncio.Event()
        """Set when a node came, went or has something else."""

    async def follow(self) -> None:
        """Follow what others have, until cancelled."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            await self._update()

    async def _update(self) -> None:
        found = []
        for name, (news, nodes) in sorted(self._wanted().items()):
            component = self._kept.get(news.shown)
            if component is None or component.name != name:
                component = await self._fetch(name, news, nodes)
            if component is not None:
                found.append(component)
        self._kept = {self._chosen[each.name].shown: each for each in found}
        self._runtime.put_remote(found)

    def _wanted(self) -> dict[str, tuple[ComponentNews, list[str]]]:
        """The components that others have, by name, with the nodes that have those bytes."""
        every: dict[str, dict[ComponentNews, list[str]]] = {}
        for node, peer in sorted(self._mesh.directory.peers.items()):
            for name, news in peer.description.components.items():
                every.setdefault(name, {}).setdefault(news, []).append(node)
        chosen: dict[str, ComponentNews] = {}
        for name, ones in every.items():
            before = self._chosen.get(name)
            chosen[name] = before if before is not None and before in ones else next(iter(ones))
            if len(ones) > 1 and before is None:
                used = ", ".join(ones[chosen[name]])
                _log.warning("nodes have different components named %s; that of %s is used", name, used)
        self._chosen = dict(list(chosen.items())[:_MOST])
        return {name: (news, every[name][news]) for name, news in self._chosen.items()}

    async def _fetch(self, name: str, news: ComponentNews, nodes: list[str]) -> Component | None:
        for node in nodes:
            try:
                answer = await self._mesh.peers.ask(node, "component", {"shown": news.shown})
                packed = answer.get("packed")
                data = base64.b64decode(packed if isinstance(packed, str) else "", validate=True)
                return component_in(data, name, news, self._runtime.limits, self._remote)
            except binascii.Error:
                _log.warning("what %s tells of %s is damaged", node, name)
            except McpWasmError as error:
                _log.warning("the component %s of %s is left out: %s", name, node, error)
        return None
