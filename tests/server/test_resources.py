from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.runtime import Runtime
from tests.server.clients import connected


@pytest.mark.anyio
async def test_components_describe_themselves_as_resources(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        listed = [resource.uri for resource in (await client.list_resources()).resources]
        templates = (await client.list_resource_templates()).resource_templates
        (wit,) = (await client.read_resource("mcp-wasm://components/demo/wit")).contents
        (manifest,) = (await client.read_resource("mcp-wasm://components/demo/manifest")).contents
    assert listed == ["mcp-wasm://components/demo/manifest", "mcp-wasm://components/demo/wit"]
    assert len(templates) == 3
    assert "world" in getattr(wit, "text", "")
    assert '"demo_add"' in getattr(manifest, "text", "")
    assert "/programs" not in getattr(manifest, "text", "")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "uri",
    [
        "mcp-wasm://components/nobody/wit",
        "mcp-wasm://components/demo/secret",
        "mcp-wasm://components/demo",
        "mcp-wasm://components/../wit",
        "mcp-wasm://components/demo/wit/",
        "mcp-wasm://components/demo/wit?x",
        "mcp-wasm://results/" + "A" * 32,
        "mcp-wasm://results/",
        "file:///etc/passwd",
        "",
        "x" * 100_000,
    ],
)
async def test_an_unknown_resource_is_an_error_of_the_era(runtime: Runtime, era: str, uri: str) -> None:
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert refused.value.code == (-32002 if era == "legacy" else -32602)
    assert len(refused.value.message) < 1000
