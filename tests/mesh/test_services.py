from __future__ import annotations

import json
from pathlib import Path

import pytest
from nats.micro.service import ServiceInfo, ServicePing, ServiceStats

from mcp_wasm.mesh.server import Embedded
from tests.mesh.nodes import node
from tests.mesh.servers import Connect

pytestmark = pytest.mark.anyio


async def test_the_tools_of_nats_see_a_node_as_a_service(
    tmp_path: Path, server: Embedded, connect: Connect
) -> None:
    async with node(tmp_path, server, "one") as mesh:
        wire = await connect(server)
        ping = ServicePing.from_dict(json.loads((await wire.request("$SRV.PING", b"", 5)).payload))
        assert (ping.name, ping.metadata) == ("mcp-wasm", {"mesh": "test", "node": "one"})
        info = ServiceInfo.from_dict(json.loads((await wire.request("$SRV.INFO.mcp-wasm", b"", 5)).payload))
        assert [each.subject for each in info.endpoints] == ["mw.test.node.one"]
        asked = f"$SRV.STATS.mcp-wasm.{ping.id}"
        stats = ServiceStats.from_dict(json.loads((await wire.request(asked, b"", 5)).payload))
        assert abs(stats.started.timestamp() - mesh.seals.boot / 1000) < 86_400
