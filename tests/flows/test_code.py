"""Code on demand as a model and a person meet it: a server in its own process, a real client over stdio."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import wasmtime
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult
from wasmtime import component as engine

from mcp_wasm.runtime import Runtime
from tests import once
from tests.cli.conftest import start
from tests.server.clients import text_of
from tests.server.coding import given, grant_tools, run
from tests.server.people import Person, denied

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PROGRAMS = Path(__file__).parents[1] / "programs"

TYPESCRIPT = """
export type Found = { words: number, longest: string };

/** Looks at the words of a text. */
export function look(text: string, least?: number): Found {
  const words = text.split(/\\s+/).filter((word) => word.length >= (least ?? 1));
  return { words: words.length, longest: words.reduce((a, b) => (b.length > a.length ? b : a), "") };
}
"""

PYTHON = '''
from dataclasses import dataclass


@dataclass
class Found:
    words: int
    longest: str


def look(text: str, least: int = 1) -> Found:
    """Looks at the words of a text."""
    words = [word for word in text.split() if len(word) >= least]
    return Found(len(words), max(words, key=len, default=""))
'''


@asynccontextmanager
async def served(home: Path, era: str, person: Any = None, *flags: str | Path) -> AsyncIterator[Client]:
    """A client of ``mcp-wasm serve`` over stdio, which checks results against the schemas."""
    components = home / "components"
    components.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROGRAMS / "server_tools.wat", components / "demo.wat")
    arguments = ["-m", "mcp_wasm", "serve", "--no-bundled", *map(str, flags)]
    environment = {**os.environ, "MCP_WASM_HOME": str(home)}
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
    with anyio.fail_after(110):
        async with Client(stdio_client(parameters), mode=era, elicitation_callback=person) as client:
            await client.list_tools()
            yield client


def typed(home: Path, *words: str | Path) -> str:
    """What a command that a person types prints."""
    child = start([*words, "--no-bundled", "--home", home])
    out, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    return out


def elsewhere(component: Path, function: str, *arguments: Any) -> Any:
    """What a function of a component gives in an engine that knows nothing of us."""
    plain = wasmtime.Engine()
    linker = engine.Linker(plain)
    linker.add_wasip2()
    store = wasmtime.Store(plain)
    store.set_wasi(wasmtime.WasiConfig())
    instance = linker.instantiate(store, engine.Component.from_file(plain, str(component)))
    found = instance.get_func(store, function)
    assert found is not None
    given = found(store, *arguments)
    return getattr(given, "payload", given)


async def called(client: Client, tool: str, /, **arguments: Any) -> Any:
    result: CallToolResult = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content["result"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the runner of JavaScript is compiled once."""
    home = once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("code"))
    grant_tools(home, "demo_add", "demo_repeat", "demo_find")
    return home


@pytest.mark.toolchain
@pytest.mark.timeout(300)
async def test_python_runs(python_home: Path) -> None:
    async with served(python_home, "legacy") as client:
        found = given(await run(client, "print('hi')\nsum(range(7))", "python"))
    assert (found["value"], found["stdout"]) == (21, "hi\n")


@pytest.mark.toolchain
@pytest.mark.timeout(300)
async def test_c_runs(c_runtime: Runtime) -> None:
    code = '#include <stdio.h>\nint main(void) { printf("{\\"a\\": 1}\\n"); return 0; }'
    async with served(c_runtime.home, "2026-07-28") as client:
        assert given(await run(client, code, "c"))["stdout"] == '{"a": 1}\n'


async def made_in_each_way(home: Path, era: str, language: str, source: str) -> None:
    """A tool of code from its making to its export, through two servers and a person."""
    person = Person("Keep it")
    name = f"look_{language}"
    tool = f"{name}_look"
    async with served(home, era, person) as client:
        tests = [{"input": {"text": "a bb"}, "expected": {"words": 2, "longest": "bb"}}]
        made = await called(client, "create_tool", name=name, language=language, source=source, tests=tests)
        assert made["tools"] == [tool]
        listed = {each.name: each for each in (await client.list_tools(cache_mode="bypass")).tools}
        schema = listed[tool].input_schema
        assert schema["required"] == ["text"]
        assert schema["properties"]["text"]["type"] == "string"
        assert schema["additionalProperties"] is False
        output = listed[tool].output_schema
        assert output is not None
        assert output["properties"]["result"]["required"] == ["words", "longest"]
        assert await called(client, tool, text="a bb ccc", least=2) == {"words": 2, "longest": "ccc"}
        assert "stays" in await called(client, "keep_tool", name=name)
    (asked,) = person.asked
    assert f"A model made the tool {name}" in asked.message
    async with served(home, era) as client:
        assert await called(client, tool, text="a bb ccc") == {"words": 3, "longest": "ccc"}
        (kept,) = [each for each in await called(client, "list_made_tools") if each["name"] == name]
        assert (kept["kept"], kept["version"], kept["digest"]) == (True, 1, made["digest"])


async def test_a_tool_of_typescript_is_typed_called_kept_and_there_after_a_restart(shared: Path) -> None:
    await made_in_each_way(shared, "2026-07-28", "typescript", TYPESCRIPT)
    assert "look_typescript" in typed(shared, "made")


@pytest.mark.toolchain
@pytest.mark.timeout(300)
async def test_a_tool_of_python_is_typed_called_kept_there_after_a_restart_and_runs_elsewhere(
    python_home: Path, tmp_path: Path
) -> None:
    await made_in_each_way(python_home, "legacy", "python", PYTHON)
    component = Path(typed(python_home, "export", "look_python", "-o", tmp_path).strip())
    found = elsewhere(component, "look", "a bb ccc", 2)
    assert (getattr(found, "words", None), getattr(found, "longest", None)) == (2, "ccc")
    assert typed(python_home, "made", "remove", "look_python") == "removed look_python\n"


LIMITS: list[tuple[str, dict[str, Any], str]] = [
    ("while (true) {}", {"fuel": 10_000_000}, "The fuel limit was reached: 10,000,000 units allowed"),
    ("while (true) {}", {"timeout": 0.05}, "The deadline limit was reached: 0.05 s allowed"),
    ("const all = []; while (true) all.push('x'.repeat(1e6))", {}, "The memory limit was reached"),
    ("1", {"code": "x" * (1024 * 1024 + 1)}, "/code: expected at most 1,048,576 characters"),
    ("1", {"files": {f"f{n}": "" for n in range(65)}}, "/files: expected at most 64 files, got 65"),
]


async def test_code_runs_calls_what_was_granted_and_is_told_each_limit(shared: Path) -> None:
    code = """
        import {demoAdd, demoRepeat, demoFind} from "tools";
        let total = 0;
        for (let i = 0; i < 100; i++) total = demoAdd({a: total, b: 1});
        [total, demoRepeat({text: "ab", times: 2}), demoFind({name: "one"})]
    """
    async with served(shared, "legacy") as client:
        assert given(await run(client, "console.log('hi'); [1, 2].map((n) => n * 2)"))["value"] == [2, 4]
        assert given(await run(client, "const a: number = 20; a + 1", "typescript"))["value"] == 21
        assert given(await run(client, code))["value"][:2] == [100, "abab"]
        refused = await run(client, 'import * as tools from "tools"; tools.demoTrap()')
        assert refused.is_error
        assert denied(refused) == ["the tool demo_trap"]
        told = text_of(refused)
        assert "Only a person can allow it, by typing: mcp-wasm grants add code tools names=demo_trap" in told
        for code, rest, told in LIMITS:
            result = (
                await run(client, code, **rest)
                if "code" not in rest
                else await client.call_tool("run_code", {"language": "javascript", **rest})
            )
            assert result.is_error
            assert told in text_of(result), text_of(result)[:500]
        flood = given(await run(client, "for (let i = 0; i < 100; i++) console.log('x'.repeat(9999))"))
        assert len(flood["stdout"]) <= 64 * 1024
        assert any(line.startswith("stdout: the last ") for line in flood["truncated"])
        large = given(await run(client, "'x'.repeat(2 * 1024 * 1024)"))
        assert "value" not in large
        (told,) = large["truncated"]
        assert "the whole is the resource mcp-wasm://results/" in told


async def test_a_person_takes_code_away(home: Path) -> None:
    async with served(home, "legacy", None, "--no-code") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "demo_add" in names
        assert not {"run_code", "create_tool", "describe_tools"} & names
