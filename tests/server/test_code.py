"""``run_code`` over MCP: what a run gives, in both eras, on the runner that the package ships."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.code.contract import LANGUAGES
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access, Token, hashed
from mcp_wasm.server.code_tools import CODE_TOOLS, RUN_OUTPUT
from mcp_wasm.server.options import ServerOptions
from tests.server.clients import text_of
from tests.server.coding import given, run, talking
from tests.server.http_clients import client as http_client
from tests.server.http_tokens import guarded

pytestmark = pytest.mark.anyio


async def test_the_tools_are_listed_with_schemas_that_say_what_they_take(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools.keys() >= CODE_TOOLS
    ran = tools["run_code"]
    assert ran.input_schema["required"] == ["language", "code"]
    assert ran.input_schema["properties"]["language"]["enum"] == list(LANGUAGES)
    assert ran.output_schema == RUN_OUTPUT
    for name in CODE_TOOLS:
        tool = tools[name]
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.output_schema is not None
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.input_schema["type"] == tool.output_schema["type"] == "object"
        assert not {"anyOf", "oneOf", "allOf"} & (tool.input_schema.keys() | tool.output_schema.keys())
        assert tool.annotations is not None
    assert (ran.annotations.read_only_hint, ran.annotations.open_world_hint) == (False, True)  # type: ignore[union-attr]
    assert tools["describe_tools"].annotations.read_only_hint is True  # type: ignore[union-attr]


async def test_a_run_gives_its_value_and_what_it_cost_and_both_forms_are_one(
    coder: Runtime, era: str
) -> None:
    async with talking(coder, era) as client:
        result = await run(client, "1 + 1")
    found = given(result)
    assert found.keys() == {"value", "cost"}
    assert found["value"] == 2
    assert found["cost"]["fuel"] > 0
    assert json.loads(text_of(result)) == result.structured_content
    jsonschema.validate(result.structured_content, RUN_OUTPUT)
    assert result.meta is not None
    assert result.meta["mcp-wasm/cost"]["fuel"] == found["cost"]["fuel"]


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("({a: [1, 2.5, null, true, 'ä😀']})", {"a": [1, 2.5, None, True, "ä😀"]}),
        ("null", None),
        ("2 ** 53", "9007199254740992"),
        ("const main = (input) => input.a * 2; ", 42),
        ("var result = [1]", [1]),
    ],
)
async def test_values_keep_their_digits_and_characters(coder: Runtime, code: str, value: Any) -> None:
    async with talking(coder, "legacy") as client:
        found = given(await run(client, code, input={"a": 21}))
    assert found.get("value") == value


async def test_what_is_printed_is_told_apart(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        found = given(await run(client, "console.log('out'); console.error('err'); undefined"))
    assert (found["stdout"], found["stderr"]) == ("out\n", "err\n")
    assert "value" not in found


async def test_a_failure_names_type_message_line_and_what_was_printed(coder: Runtime, era: str) -> None:
    code = "console.log('step 1');\nfunction f() {\n  null.x;\n}\nf();"
    async with talking(coder, era) as client:
        result = await run(client, code)
    assert result.is_error
    assert result.structured_content is None
    text = text_of(result)
    assert text.startswith("TypeError: ")
    assert "(line 3, column" in text
    assert "code.js:3" in text
    assert "code.js:5" in text
    assert "stdout so far:\nstep 1" in text
    assert result.meta is not None
    failure = result.meta["mcp-wasm/failure"]
    assert (failure["type"], failure["line"], failure["limit"]) == ("TypeError", 3, None)


WRONG = [
    ({"code": "1"}, "/language: expected one of python, javascript"),
    ({"language": "perl", "code": "1"}, "/language: expected one of python"),
    ({"language": "javascript"}, "/code: expected a string, got nothing"),
    ({"language": "javascript", "code": 1}, "/code: expected a string, got 1"),
    ({"language": "javascript", "code": "x" * (1024 * 1024 + 1)}, "/code: expected at most 1,048,576"),
    ({"language": "javascript", "code": "\ud800"}, "/code: expected text"),
    ({"language": "javascript", "code": "1", "cod": ""}, "/cod: expected no such parameter"),
    ({"language": "javascript", "code": "1", "timeout": 0}, "/timeout: expected a positive number"),
    ({"language": "javascript", "code": "1", "timeout": True}, "/timeout: expected a positive number"),
    ({"language": "javascript", "code": "1", "fuel": 1.5}, "/fuel: expected an integer of at least 1"),
    ({"language": "javascript", "code": "1", "session": "x" * 65}, "/session: expected at most 64"),
    ({"language": "c", "code": "1", "session": "new"}, "/session: expected no session"),
    ({"language": "javascript", "code": "1", "files": []}, "/files: expected an object"),
    ({"language": "javascript", "code": "1", "files": {"a": 1}}, "/files/a: expected a text"),
    ({"language": "javascript", "code": "1", "files": {"a": {"base64": "%"}}}, "/files/a: expected base64"),
    (
        {"language": "javascript", "code": "1", "files": {"a": {"uri": "file:///etc/passwd"}}},
        "/files/a: expe",
    ),
    ({"language": "javascript", "code": "1", "files": {"../a": ""}}, "/files: expected a relative path"),
    ({"language": "javascript", "code": "1", "files": {"/a": ""}}, "/files: expected a relative path"),
    ({"language": "javascript", "code": "1", "files": {"a": "", "a/b": ""}}, "/files: expected a file or"),
    (
        {"language": "javascript", "code": "1", "files": {f"f{n}": "" for n in range(65)}},
        "/files: expected at most 64 files, got 65",
    ),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[says for _, says in WRONG])
async def test_wrong_arguments_are_named_and_nothing_runs(
    coder: Runtime, arguments: dict[str, Any], says: str
) -> None:
    from mcp_wasm.server.code_wanted import run_wanted

    if any(isinstance(value, str) and not value.isascii() for value in arguments.values()):
        with pytest.raises(Exception, match=says):  # what a client of the SDK cannot even send
            run_wanted(arguments, lambda _uri: None)
        return
    async with talking(coder, "legacy") as client:
        result = await client.call_tool("run_code", arguments)
    assert result.is_error
    assert text_of(result).startswith("The arguments of run_code were refused, nothing was run:")
    assert says in text_of(result)


async def test_another_clients_token_decides_who_may_run_code(coder: Runtime, era: str) -> None:
    tokens = (Token("coder", hashed("a" * 20), ("run_code",)), Token("caller", hashed("b" * 20), ("demo_*",)))
    async with guarded(coder, Access(tokens=tokens)) as url:
        async with http_client(url, era, "a" * 20) as session:
            assert [tool.name for tool in (await session.list_tools()).tools] == ["run_code"]
            assert given(await run(session, "6 * 7"))["value"] == 42
            with pytest.raises(MCPError, match="no tool named 'describe_tools'"):
                await session.call_tool("describe_tools", {})
        async with http_client(url, era, "b" * 20) as session:
            assert "run_code" not in [tool.name for tool in (await session.list_tools()).tools]
            with pytest.raises(MCPError, match="no tool named 'run_code'"):
                await run(session, "1")


async def test_a_server_without_code_has_none_of_it(coder: Runtime, era: str) -> None:
    async with talking(coder, era, ServerOptions(code=False)) as client:
        assert not CODE_TOOLS & {tool.name for tool in (await client.list_tools()).tools}
        assert "run_code" not in (client.instructions or "")
        for name in sorted(CODE_TOOLS):
            with pytest.raises(MCPError, match="no tool named"):
                await client.call_tool(name, {"language": "javascript", "code": "1"})


@pytest.mark.parametrize("served", [True, False])
async def test_a_tool_of_a_component_never_takes_the_place_of_ours(
    home: Path, program: Callable[[str], Path], served: bool
) -> None:
    settings = {"demo_add": ToolSetting(name="describe_tools")}
    with Runtime(home=home, workers=2, tools=settings) as runtime:
        runtime.add(program("server_tools"), name="demo")
        async with talking(runtime, "legacy", ServerOptions(code=served)) as client:
            if served:
                assert "demo_add" not in text_of(await client.call_tool("describe_tools", {"query": "zzz"}))
            else:
                added = await client.call_tool("describe_tools", {"a": 1, "b": 2})
                assert added.structured_content == {"result": 3}


async def test_a_cancelled_run_stops_and_leaves_its_place(coder: Runtime) -> None:
    async with talking(coder, "legacy") as client:
        for _ in range(2 * 4):  # more than there are workers
            with anyio.move_on_after(0.02):
                await run(client, "while (true) {}")
        assert given(await run(client, "1"))["value"] == 1
