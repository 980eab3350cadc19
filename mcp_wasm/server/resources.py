"""The resources: what each component says of itself, and oversized results in pages.

    mcp-wasm://components/<name>/wit        its world, as WIT text
    mcp-wasm://components/<name>/manifest   its manifest, tools, refusals and needs, as JSON
    mcp-wasm://agents/<path>/state, /events what agents are like (see ``agents``)
    mcp-wasm://results/<id>/<page>          a page of an oversized result; without the page, the first

A result is found only by the one it was made for; to anyone else it does not exist.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import TYPE_CHECKING

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, PaginatedRequestParams, ReadResourceRequestParams
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from mcp_wasm.errors import CallerError
from mcp_wasm.registry.tool import Component
from mcp_wasm.server.content import COMPLETE, RESULTS, Wire
from mcp_wasm.server.options import ServerOptions
from mcp_wasm.server.paging import page
from mcp_wasm.server.peer import Context, Peer, peer_of
from mcp_wasm.server.results import Page, ResultStore
from mcp_wasm.server.text import visible

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime
    from mcp_wasm.server.agents import AgentDoor

COMPONENTS = "mcp-wasm://components/"
PAGE_KEY = "mcp-wasm/page"

_COMPONENT_URI = re.compile(re.escape(COMPONENTS) + r"(?P<name>[^/?#]{1,128})/(?P<kind>wit|manifest)")
_RESULT_URI = re.compile(re.escape(RESULTS) + r"(?P<id>[A-Za-z0-9_-]{1,64})(?:/(?P<page>[1-9][0-9]{0,8}))?")
_NOT_FOUND = -32002
"""The code of the handshake protocols; 2026-07-28 retired it for INVALID_PARAMS."""
_LONGEST = 16 * 1024 * 1024
"""Characters of a component's WIT or manifest; both are bounded lower where they are read."""
_FRESH = COMPLETE | {"ttlMs": 0, "cacheScope": "private"}

_TEMPLATES: list[Wire] = [
    {
        "uriTemplate": COMPONENTS + "{name}/wit",
        "name": "WIT of a component",
        "description": "What a component imports and exports.",
        "mimeType": "text/plain",
    },
    {
        "uriTemplate": COMPONENTS + "{name}/manifest",
        "name": "Manifest of a component",
        "description": "Where a component comes from, its tools, what it needs and what is not published.",
        "mimeType": "application/json",
    },
    {
        "uriTemplate": RESULTS + "{id}/{page}",
        "name": "Page of an oversized result",
        "description": "The link beside a truncated result has the id; pages count from 1.",
    },
]


class Resources:
    """Serves ``resources/*`` for ``runtime`` and ``store``."""

    def __init__(
        self, runtime: Runtime, options: ServerOptions, store: ResultStore, agents: AgentDoor | None = None
    ) -> None:
        self._agents = agents
        self._runtime, self._options, self._store = runtime, options, store

    async def list(self, ctx: Context, params: PaginatedRequestParams) -> Wire:
        """One page of the components' resources."""
        seen = (each for each in self._runtime.components if self._may_see(peer_of(ctx), each.name))
        listed = [wire for component in seen for wire in _listed(component)]
        if self._agents is not None and self._agents.may(peer_of(ctx)):
            listed += self._agents.listed()
        listed.sort(key=lambda wire: str(wire["uri"]))
        keys = [wire["uri"] for wire in listed]
        shown, following = page(keys, listed, params.cursor, self._options.page_size)
        return {"resources": list(shown)} | _FRESH | ({"nextCursor": following} if following else {})

    async def templates(self, _ctx: Context, _params: PaginatedRequestParams) -> Wire:
        """The kinds of addresses."""
        return {"resourceTemplates": _TEMPLATES} | _FRESH

    async def read(self, ctx: Context, params: ReadResourceRequestParams) -> Wire:
        """The contents at an address.

        Raises:
            MCPError: when nothing is there, or not for this client.
        """
        peer = peer_of(ctx)
        contents = self._component(params.uri, peer) or self._result(params.uri, peer.owner)
        if contents is None and self._agents is not None and self._agents.may(peer):
            contents = await self._agents.read(params.uri)
        if contents is None:
            code = INVALID_PARAMS if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS else _NOT_FOUND
            uri = visible(params.uri, 300)
            raise MCPError(code, f"There is no resource {uri}", {"uri": uri})
        return {"contents": [{"uri": params.uri} | contents]} | _FRESH

    def content(self, uri: str, peer: Peer) -> bytes | None:
        """The whole of what is kept at an address, for code to be given; None where there is nothing."""
        found = _RESULT_URI.fullmatch(uri)
        if found is not None and not found["page"]:
            return self._store.whole(found["id"], peer.owner)
        component = self._component(uri, peer)
        return None if component is None else str(component["text"]).encode("utf-8", "replace")

    def _may_see(self, peer: Peer, component: str) -> bool:
        """Whether a client may call every tool of a component, all of which its WIT would tell."""
        if peer.identity is None or peer.identity.sees_all:
            return True
        names = [tool.name for tool in self._runtime.tools if tool.component == component]
        return bool(names) and all(map(peer.may, names))

    def _component(self, uri: str, peer: Peer) -> Wire | None:
        found = _COMPONENT_URI.fullmatch(uri)
        if found is None or not self._may_see(peer, found["name"]):
            return None
        try:
            component = self._runtime.component(found["name"])
        except (CallerError, KeyError):
            return None
        if found["kind"] == "wit":
            return {"mimeType": "text/plain", "text": visible(component.wit, _LONGEST)}
        # A control character inside a JSON string is an escape already.
        return {"mimeType": "application/json", "text": visible(self._manifest(component), _LONGEST)}

    def _result(self, uri: str, owner: str) -> Wire | None:
        found = _RESULT_URI.fullmatch(uri)
        kept = self._store.page(found["id"], owner, int(found["page"] or 1)) if found else None
        return _contents(found["id"], kept) if found and kept else None

    def _manifest(self, component: Component) -> str:
        """The manifest with what was found out of the binary. The source is named without its folder."""
        about = {
            "name": component.name,
            "digest": component.digest,
            "source": component.source.name,
            "tools": [tool.name for tool in self._runtime.tools if tool.component == component.name],
            "refused": [dataclasses.asdict(refusal) for refusal in component.refused],
            "needs": list(component.needs),
            "limits": dataclasses.asdict(component.limits),
            "manifest": component.manifest,
        }
        return json.dumps(about, indent=2, ensure_ascii=False, default=str)


def _contents(result_id: str, kept: Page) -> Wire:
    about: Wire = {"page": kept.number, "pages": kept.pages, "bytes": kept.total}
    if kept.number < kept.pages:
        about["next"] = f"{RESULTS}{result_id}/{kept.number + 1}"
    body = {"text": kept.data.decode()} if kept.text else {"blob": base64.b64encode(kept.data).decode()}
    return {"mimeType": kept.mime_type, "_meta": {PAGE_KEY: about}} | body


def _listed(component: Component) -> list[Wire]:
    base = f"{COMPONENTS}{component.name}/"
    return [
        {"uri": base + "wit", "name": f"{component.name}.wit", "mimeType": "text/plain"},
        {"uri": base + "manifest", "name": f"{component.name}.json", "mimeType": "application/json"},
    ]
