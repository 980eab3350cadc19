from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent

from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.app import build
from mcp_wasm.server.options import ServerOptions


def limited(limits: Any) -> Any:
    """The ``_meta`` of a request that narrows its limits."""
    return {"mcp-wasm/limits": limits}


@asynccontextmanager
async def connected(
    runtime: Runtime, era: str, options: ServerOptions | None = None
) -> AsyncIterator[Client]:
    with anyio.fail_after(15):
        async with Client(build(runtime, options or ServerOptions()), mode=era) as client:
            yield client


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.mark.anyio
async def test_tools_are_listed_by_name_with_schemas_and_annotations(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        tools = (await client.list_tools()).tools
    names = [tool.name for tool in tools]
    assert names == sorted(names)
    assert "demo_add" in names
    add = tools[names.index("demo_add")]
    assert add.input_schema["required"] == ["a", "b"]
    assert add.output_schema is not None
    assert add.output_schema["required"] == ["result"]
    assert add.annotations is not None
    assert (add.annotations.read_only_hint, add.annotations.open_world_hint) == (True, False)
    assert (add.annotations.destructive_hint, add.annotations.idempotent_hint) == (False, True)
    assert add.meta is not None
    assert add.meta["mcp-wasm/component"] == "demo"
    assert len(add.meta["mcp-wasm/digest"]) == 64


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["dynamic", "search", "both"])
async def test_the_pages_of_the_list_hold_every_tool_once(runtime: Runtime, era: str, mode: Any) -> None:
    options = ServerOptions(tools=mode, page_size=2)
    names: list[str] = []
    async with connected(runtime, era, options) as client:
        cursor = None
        while True:
            page = await client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
    own = [tool.name for tool in runtime.tools] if mode != "search" else []
    pair = ["call_tool", "search_tools"] if mode != "dynamic" else []
    assert names == sorted(own + pair)


@pytest.mark.anyio
async def test_a_result_is_structured_and_the_same_json_in_text(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        await client.list_tools()
        result = await client.call_tool("demo_add", {"a": 40, "b": 2})
    assert result.structured_content == {"result": 42}
    assert text_of(result) == '{"result":42}'
    assert not result.is_error
    assert result.meta is not None
    cost = result.meta["mcp-wasm/cost"]
    assert cost.keys() == {"fuel", "queueMs", "compileMs", "instantiateMs", "runMs", "digest"}
    assert cost["fuel"] > 0


@pytest.mark.anyio
async def test_a_function_without_result_says_null(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        await client.list_tools()
        result = await client.call_tool("demo_nothing", {})
    assert (text_of(result), result.structured_content) == ('{"result":null}', {"result": None})


@pytest.mark.anyio
async def test_an_error_of_the_function_is_told_in_words_and_json(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_find", {"name": ""})
    assert result.is_error
    assert result.structured_content is None
    assert text_of(result) == 'no such user\n{"err":"no such user"}'


@pytest.mark.anyio
async def test_an_image_is_content_and_nothing_else(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        result = await client.call_tool("demo_picture", {})
    assert tools["demo_picture"].output_schema is None
    assert result.structured_content is None
    (block,) = result.content
    assert block.type == "image"
    assert block.mime_type == "image/png"


@pytest.mark.anyio
async def test_an_unknown_tool_is_a_protocol_error_with_the_nearest_names(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("demo_ad", {})
    assert refused.value.code == -32602
    assert "demo_add" in refused.value.message
    assert "demo_add" in refused.value.data["nearest"]


@pytest.mark.anyio
async def test_wrong_arguments_are_named_to_the_model(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_add", {"a": "x", "b": 2})
    assert result.is_error
    assert "/a" in text_of(result)


@pytest.mark.anyio
async def test_a_limit_names_itself_its_value_and_how_to_raise_it(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_spin", {}, meta=limited({"fuel": 50_000}))
    assert result.is_error
    said = text_of(result)
    assert "fuel limit" in said
    assert "50,000" in said
    assert "mcp-wasm.toml" in said
    assert result.meta is not None
    assert result.meta["mcp-wasm/cost"]["fuel"] >= 50_000


@pytest.mark.anyio
async def test_a_trap_is_told_in_words(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_trap", {})
    assert result.is_error
    assert "trapped" in text_of(result)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"fuel": -1}, "limits.fuel"),
        ({"fuel": "many"}, "limits.fuel"),
        ({"deadline": True}, "limits.deadline"),
        ({"instances": 5}, "limits.instances"),
        (["fuel"], "mcp-wasm/limits"),
        ("fuel", "mcp-wasm/limits"),
    ],
)
async def test_a_limit_that_is_none_is_refused_by_name(
    runtime: Runtime, era: str, limits: Any, named: str
) -> None:
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("demo_add", {"a": 1, "b": 2}, meta=limited(limits))
    assert refused.value.code == -32602
    assert named in refused.value.message


@pytest.mark.anyio
async def test_a_call_cannot_widen_its_limits(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_add", {"a": 1, "b": 2}, meta=limited({"fuel": 10**15}))
        cut = await client.call_tool(
            "demo_repeat", {"text": "x" * 1024, "times": 1100}, meta=limited({"text": 10**9})
        )
    assert not result.is_error
    assert "Truncated" in text_of(cut)


@pytest.mark.anyio
async def test_an_oversized_result_is_cut_says_so_and_is_read_in_pages(runtime: Runtime, era: str) -> None:
    options = ServerOptions(result_page=1000)
    async with connected(runtime, era, options) as client:
        await client.list_tools()  # from here on the client checks results against the output schemas
        cut = await client.call_tool("demo_repeat", {"text": "é", "times": 2000}, meta=limited({"text": 101}))
        said = text_of(cut)
        assert '{"result":"éé' in said
        assert "100 of 4,013 bytes" in said or "101 of 4,013 bytes" in said
        assert not cut.is_error
        assert cut.structured_content is not None
        assert cut.structured_content.keys() == {"truncated"}
        link = next(block for block in cut.content if block.type == "resource_link")
        assert link.size == 4013
        whole, uri = "", link.uri
        while uri:
            (page,) = (await client.read_resource(uri)).contents
            assert page.meta is not None
            whole += getattr(page, "text", "")
            uri = page.meta["mcp-wasm/page"].get("next", "")
        assert whole == '{"result":"' + "é" * 2000 + '"}'
        for strange in (
            f"{link.uri}/6",
            f"{link.uri}/0",
            f"{link.uri}x",
            f"{link.uri}/1/2",
            f"{link.uri}/99999999",
        ):
            with pytest.raises(MCPError):
                await client.read_resource(strange)


@pytest.mark.anyio
async def test_a_small_result_is_never_cut(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        await client.list_tools()
        result = await client.call_tool("demo_add", {"a": 1, "b": 2}, meta=limited({"text": 1}))
    assert result.structured_content == {"result": 3}


@pytest.mark.anyio
async def test_an_oversized_error_is_cut_too(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_find", {"name": ""}, meta=limited({"text": 5}))
    assert result.is_error
    assert text_of(result).startswith("no su\n[Truncated: 5 of")


@pytest.mark.anyio
async def test_the_stable_pair_finds_and_calls_tools_as_if_called_directly(
    runtime: Runtime, era: str
) -> None:
    async with connected(runtime, era, ServerOptions(tools="search")) as client:
        await client.list_tools()
        found = await client.call_tool("search_tools", {"query": "add"})
        assert found.structured_content is not None
        best = found.structured_content["result"][0]
        assert best["name"] == "demo_add"
        assert best["inputSchema"]["required"] == ["a", "b"]

        direct = await client.call_tool("demo_add", {"a": 1, "b": 2})
        through = await client.call_tool("call_tool", {"name": "demo_add", "arguments": {"a": 1, "b": 2}})
        assert through.content == direct.content
        assert through.structured_content == direct.structured_content
        wrong = await client.call_tool("demo_add", {"a": "x"})
        assert text_of(
            await client.call_tool("call_tool", {"name": "demo_add", "arguments": {"a": "x"}})
        ) == text_of(wrong)
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("call_tool", {"name": "nobody"})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "arguments", "pointer"),
    [
        ("call_tool", {}, "/name"),
        ("call_tool", {"name": "call_tool"}, "/name"),
        ("call_tool", {"name": "call_tool", "arguments": {"name": "call_tool"}}, "/name"),
        ("call_tool", {"name": "search_tools", "arguments": {"query": ""}}, "/name"),
        ("call_tool", {"name": "demo_add", "arguments": '{"a":1,"b":2}'}, "/arguments"),
        ("call_tool", {"name": "demo_add", "args": {}}, "/args"),
        ("search_tools", {}, "/query"),
        ("search_tools", {"query": 5}, "/query"),
        ("search_tools", {"query": "", "limit": 0}, "/limit"),
        ("search_tools", {"query": "", "limit": True}, "/limit"),
    ],
)
async def test_wrong_arguments_of_the_pair_are_named(
    runtime: Runtime, era: str, name: str, arguments: dict[str, Any], pointer: str
) -> None:
    async with connected(runtime, era, ServerOptions(tools="both")) as client:
        result = await client.call_tool(name, arguments)
    assert result.is_error
    assert f"- {pointer}: expected" in text_of(result)


@pytest.mark.anyio
async def test_the_pair_is_not_there_unless_asked_for(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("search_tools", {"query": ""})


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


@pytest.mark.anyio
async def test_giving_up_a_call_stops_its_guest(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era) as client:
        for _ in range(6):  # more than there are workers: each must be free again
            with anyio.move_on_after(0.2):
                await client.call_tool("demo_spin", {})
        result = await client.call_tool("demo_add", {"a": 1, "b": 2})
    assert result.structured_content == {"result": 3}


@pytest.mark.anyio
async def test_a_fault_of_ours_says_an_id_and_nothing_else(
    runtime: Runtime, era: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a secret of the host")

    monkeypatch.setattr(runtime, "call", broken)
    async with connected(runtime, era) as client:
        result = await client.call_tool("demo_add", {"a": 1, "b": 2})
    assert result.is_error
    said = text_of(result)
    assert "secret" not in said
    fault = said.split()[2]
    assert len(fault) == 8
    assert fault in caplog.text
    assert "a secret of the host" in caplog.text


@pytest.mark.anyio
async def test_a_fault_outside_of_calls_leaks_nothing_either(
    runtime: Runtime, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("a secret of the host")

    monkeypatch.setattr(runtime, "component", broken)
    async with connected(runtime, era) as client:
        with pytest.raises(MCPError) as failed:
            await client.read_resource("mcp-wasm://components/demo/wit")
    assert failed.value.code == -32603
    assert "secret" not in failed.value.message


@pytest.mark.anyio
async def test_the_end_of_the_server_answers_the_calls_that_it_stops(runtime: Runtime, era: str) -> None:
    server = build(runtime, ServerOptions())
    answers: list[CallToolResult] = []
    with anyio.fail_after(15):
        async with Client(server, mode=era) as client, anyio.create_task_group() as group:

            async def spin() -> None:
                answers.append(await client.call_tool("demo_spin", {}))

            group.start_soon(spin)
            group.start_soon(spin)
            await client.call_tool("demo_add", {"a": 1, "b": 2})
            while len(answers) < 2:
                server.end_calls()  # a call that has not yet arrived is not in flight
                await anyio.sleep(0.01)
    assert all(answer.is_error and "ending" in text_of(answer) for answer in answers)


def component_less(runtime: Runtime) -> ServerOptions:
    runtime.remove("demo")
    return ServerOptions()


@pytest.mark.anyio
async def test_a_server_without_tools_lists_none_and_says_so(runtime: Runtime, era: str) -> None:
    async with connected(runtime, era, component_less(runtime)) as client:
        assert (await client.list_tools()).tools == []
        assert (await client.list_resources()).resources == []
        with pytest.raises(MCPError, match="There is no tool named 'demo_add'"):
            await client.call_tool("demo_add", {"a": 1, "b": 2})


@pytest.mark.anyio
async def test_a_component_cannot_take_the_names_of_the_pair(
    home: Path, program: Callable[[str], Path], era: str
) -> None:
    settings = {"demo_add": ToolSetting(name="call_tool")}
    with Runtime(home=home, tools=settings) as runtime:
        runtime.add(program("server_tools"), name="demo")
        async with connected(runtime, era, ServerOptions(tools="both")) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names.count("call_tool") == 1
            result = await client.call_tool("call_tool", {"a": 1, "b": 2})
            assert result.is_error
        async with connected(runtime, era) as client:
            result = await client.call_tool("call_tool", {"a": 1, "b": 2})
            assert result.structured_content == {"result": 3}


@pytest.mark.anyio
async def test_a_hidden_tool_is_neither_listed_nor_found_nor_called(
    home: Path, program: Callable[[str], Path], era: str
) -> None:
    settings = {"demo_add": ToolSetting(hidden=True)}
    with Runtime(home=home, tools=settings) as runtime:
        runtime.add(program("server_tools"), name="demo")
        async with connected(runtime, era, ServerOptions(tools="both")) as client:
            assert "demo_add" not in [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("search_tools", {"query": "add"})
            assert "demo_add" not in text_of(found)
            for name, arguments in (("demo_add", {}), ("call_tool", {"name": "demo_add"})):
                with pytest.raises(MCPError, match="There is no tool"):
                    await client.call_tool(name, arguments)
            (manifest,) = (await client.read_resource("mcp-wasm://components/demo/manifest")).contents
            assert '"demo_add"' not in getattr(manifest, "text", "")
