"""Tools from inside code, over MCP: those that a person granted, what is denied, and asking for it."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_wasm.runtime import Runtime
from tests.server.clients import text_of
from tests.server.coding import given, run, talking
from tests.server.people import NO, ONCE, Person, denied

pytestmark = pytest.mark.anyio


async def test_describe_tools_gives_stubs_of_what_is_granted(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        python = (await client.call_tool("describe_tools", {})).structured_content
        typed = await client.call_tool("describe_tools", {"language": "typescript", "query": "add"})
        wrong = await client.call_tool("describe_tools", {"language": "c"})
    assert python is not None
    assert "def demo_add(" in python["result"]
    assert "Not granted to code" in python["result"]
    assert "demo_trap" in python["result"].partition("Not granted")[2]
    assert "demoAdd(" in text_of(typed)
    assert wrong.is_error
    assert "/language: expected one of python, typescript" in text_of(wrong)


async def test_code_calls_the_tools_that_a_person_granted_and_no_other(coder: Runtime, era: str) -> None:
    code = """
        import {demoAdd, demoRepeat, demoFind} from "tools";
        [demoAdd({a: 40, b: 2}), demoRepeat({text: "ab", times: 2}), demoFind({name: "one"})]
    """
    async with talking(coder, era) as client:
        assert given(await run(client, code))["value"][:2] == [42, "abab"]
        refused = await run(client, 'import * as tools from "tools"; tools.demoTrap()')
        assert refused.is_error
        assert denied(refused) == ["the tool demo_trap"]
        assert "mcp-wasm grants add code tools names=demo_trap" in text_of(refused)


async def test_a_person_allows_a_tool_and_the_code_runs_once_more(coder: Runtime, era: str) -> None:
    code = 'import * as tools from "tools"; tools.demoNothing(); "done"'
    person = Person(ONCE, NO)
    async with talking(coder, era, person=person) as client:
        assert given(await run(client, code))["value"] == "done"
        assert (await run(client, code)).is_error
    assert "run_code, a tool of the component code" in person.asked[0].message
    assert "call the tools `demo_nothing`" in person.asked[0].message
    assert len(person.asked) == 2


async def test_a_person_allows_a_tool_in_the_midst_of_a_session(coder: Runtime, era: str) -> None:
    code = 'const t = await import("tools"); t.demoNothing(); n'
    person = Person(ONCE)
    async with talking(coder, era, person=person) as client:
        begun = given(await run(client, 'import * as tools from "tools"; let n = 41', session="new"))
        assert given(await run(client, code, session=begun["session"]))["value"] == 41
    assert "call the tools `demo_nothing`" in person.asked[0].message


async def test_a_call_leaves_out_the_grants_that_it_says(coder: Runtime) -> None:
    code = 'import {demoAdd} from "tools"; demoAdd({a: 1, b: 2})'
    async with talking(coder, "legacy") as client:
        arguments = {"language": "javascript", "code": code}
        meta: Any = {"mcp-wasm/grants": []}
        assert (await client.call_tool("run_code", arguments, meta=meta)).is_error
        assert given(await run(client, code))["value"] == 3
