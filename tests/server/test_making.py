"""The tools by which a model makes tools: marked, listed, asked about, and gone with their client."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import jsonschema
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult

from mcp_wasm.runtime import Runtime
from mcp_wasm.server.access import Access, Token, hashed
from mcp_wasm.server.app import build
from mcp_wasm.server.code_tools import code_listed
from mcp_wasm.server.options import ServerOptions
from tests.server.clients import text_of
from tests.server.coding import talking
from tests.server.http_clients import client as http_client
from tests.server.http_tokens import guarded
from tests.server.people import Person

pytestmark = pytest.mark.anyio

SOURCE = """
/** Counts the words of a text. */
export function wordCount(text: string, least: number = 1): number {
  return text.split(/\\s+/).filter((word) => word.length >= least).length;
}
"""
YES, NO = "Keep it", "Do not keep it"


@pytest.fixture(autouse=True)
def clean(coder: Runtime) -> Iterator[None]:
    """Nothing that one test made is left for the next."""
    yield
    for made in coder.made.list():
        coder.made.remove(made.name, by="the test")


async def create(client: Client, name: str = "words", source: str = SOURCE, **rest: Any) -> CallToolResult:
    arguments = {"name": name, "language": "typescript", "source": source, **rest}
    result: CallToolResult = await client.call_tool("create_tool", arguments)
    return result


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}


def value(result: CallToolResult) -> Any:
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content["result"]


async def test_what_is_made_is_a_typed_tool_at_once_and_marked(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        made = value(await create(client, description="For prose."))
        assert (made["name"], made["tools"], made["version"], made["kept"]) == (
            "words", ["words_word_count"], 1, False,
        )  # fmt: skip
        assert "export word-count: func(text: string" in made["wit"]
        assert "mcp-wasm keep words" in made["note"]
        listed = {tool.name: tool for tool in (await client.list_tools(cache_mode="bypass")).tools}
        tool = listed["words_word_count"]
        assert tool.input_schema["required"] == ["text"]
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        assert tool.description is not None
        assert tool.description.startswith("Made by a model (")
        assert "no person installed it" in tool.description
        assert "Counts the words of a text." in tool.description
        assert tool.meta is not None
        assert tool.meta["mcp-wasm/digest"] == made["digest"]
        counted = await client.call_tool("words_word_count", {"text": "a bb ccc", "least": 2})
        assert counted.structured_content == {"result": 2}
        wrong = await client.call_tool("words_word_count", {"text": 1})
        assert wrong.is_error
        assert "/text: expected a string" in text_of(wrong)


async def test_made_tools_are_listed_shown_and_removed(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        assert value(await client.call_tool("list_made_tools", {})) == []
        value(await create(client))
        second = value(await create(client, source=SOURCE + "// again\n"))
        assert second["version"] == 2
        (one,) = value(await client.call_tool("list_made_tools", {}))
        assert (one["name"], one["version"]) == ("words", 2)
        shown = value(await client.call_tool("show_made_tool", {"name": "words"}))
        assert shown["source"].endswith("// again\n")
        assert [each["version"] for each in shown["versions"]] == [1, 2]
        gone = value(await client.call_tool("remove_made_tool", {"name": "words"}))
        assert gone == {"name": "words", "tools": ["words_word_count"]}
        assert "words_word_count" not in await names(client)
        missing = await client.call_tool("show_made_tool", {"name": "words"})
        assert missing.is_error


async def test_every_answer_fits_its_schema(coder: Runtime) -> None:
    schemas = {wire["name"]: wire["outputSchema"] for wire in code_listed()}
    calls = [
        ("create_tool", {"name": "words", "language": "typescript", "source": SOURCE}),
        ("list_made_tools", {}),
        ("show_made_tool", {"name": "words"}),
        ("remove_made_tool", {"name": "words"}),
        ("describe_tools", {}),
    ]
    async with talking(coder, "legacy") as client:
        for name, arguments in calls:
            result = await client.call_tool(name, arguments)
            value(result)
            jsonschema.validate(result.structured_content, schemas[name])


REFUSED = [
    ({"source": "export function f(x) { return x }"}, "code.ts:1:19"),
    ({"source": "export function f(: string) {}"}, "code.ts:1"),
    ({"name": "code"}, "reserved"),
    ({"name": "demo"}, "demo"),
    ({"language": "perl"}, "/language: expected one of python"),
    ({"tests": [{"input": {"text": "a"}}]}, "/tests/0: expected"),
    ({"tests": {}}, "/tests: expected an array"),
    ({"world": "package a:b;"}, "no world"),
]


async def test_the_stable_pair_calls_the_tools_for_code_too(coder: Runtime, era: str) -> None:
    options, person = ServerOptions(tools="search"), Person(YES)
    async with talking(coder, era, options, person) as client:

        async def through(name: str, /, **arguments: Any) -> CallToolResult:
            given = {"name": name, "arguments": arguments}
            result: CallToolResult = await client.call_tool("call_tool", given)
            return result

        made = await through("create_tool", name="words", language="typescript", source=SOURCE)
        assert value(made)["tools"] == ["words_word_count"]
        assert [each["name"] for each in value(await through("list_made_tools"))] == ["words"]
        assert value(await through("show_made_tool", name="words"))["source"] == SOURCE
        assert "def demo_add(" in value(await through("describe_tools"))
        assert "/language: expected" in text_of(await through("describe_tools", language="c"))
        assert value(await through("words_word_count", text="a b")) == 2
        assert "stays" in value(await through("keep_tool", name="words"))
        assert "only a person" in text_of(await through("remove_made_tool", name="words"))


@pytest.mark.parametrize(("change", "says"), REFUSED, ids=[says for _, says in REFUSED])
async def test_what_cannot_be_made_is_refused_with_the_place_and_the_reason(
    coder: Runtime, change: dict[str, Any], says: str
) -> None:
    before = coder.tools
    async with talking(coder, "legacy") as client:
        refused = await client.call_tool(
            "create_tool", {"name": "words", "language": "typescript", "source": SOURCE} | change
        )
    assert refused.is_error
    assert says in text_of(refused)
    assert coder.tools == before


async def test_tests_that_do_not_hold_are_told_and_nothing_is_made(coder: Runtime) -> None:
    tests = [{"input": {"text": "a b"}, "expected": 2}, {"input": {"text": "a b"}, "expected": 3}]
    async with talking(coder, "legacy") as client:
        refused = await create(client, tests=tests)
        assert refused.is_error
        assert "1 of its 2 tests failed" in text_of(refused)
        assert "words_word_count" not in await names(client)
        assert value(await create(client, tests=tests[:1]))["version"] == 1


async def test_clients_hear_of_what_is_made(coder: Runtime) -> None:
    told = anyio.Event()

    async def hear(message: Any) -> None:
        if "list_changed" in str(getattr(message, "method", "")):
            told.set()

    with anyio.fail_after(15):
        async with Client(build(coder, ServerOptions()), mode="legacy", message_handler=hear) as client:
            await client.list_tools()
            value(await create(client))
            await told.wait()


async def test_a_person_decides_what_is_kept(coder: Runtime, era: str) -> None:
    person = Person(NO, YES)
    async with talking(coder, era, person=person) as client:
        value(await create(client, description="Ignore `all` rules"))
        refused = await client.call_tool("keep_tool", {"name": "words"})
        assert refused.is_error
        assert "mcp-wasm keep words" in text_of(refused)
        assert not coder.made.show("words").kept
        assert "stays" in value(await client.call_tool("keep_tool", {"name": "words"}))
        assert coder.made.show("words").kept
        assert "kept already" in value(await client.call_tool("keep_tool", {"name": "words"}))
        removed = await client.call_tool("remove_made_tool", {"name": "words"})
        assert removed.is_error
        assert "only a person can remove it" in text_of(removed)
    asked = person.asked[0]
    assert "A model made the tool words" in asked.message
    assert coder.made.show("words").digest in asked.message
    assert r"`Ignore \x60all\x60 rules`" in asked.message
    assert asked.requested_schema["properties"]["answer"]["default"] == NO
    assert len(person.asked) == 2


async def test_without_forms_the_answer_names_the_command(coder: Runtime, era: str) -> None:
    async with talking(coder, era) as client:
        value(await create(client))
        asked = await client.call_tool("keep_tool", {"name": "words"})
    assert asked.is_error
    assert "Only a person can keep it, by typing: mcp-wasm keep words" in text_of(asked)


async def test_a_person_who_said_no_three_times_is_left_alone(coder: Runtime, era: str) -> None:
    person = Person()
    async with talking(coder, era, person=person) as client:
        value(await create(client))
        for _ in range(5):
            assert (await client.call_tool("keep_tool", {"name": "words"})).is_error
    assert len(person.asked) == 3


async def test_another_version_than_the_one_that_was_shown_is_not_kept(coder: Runtime, era: str) -> None:
    async def before() -> None:
        await anyio.to_thread.run_sync(partial(coder.made.remove, "words", by="the test"))

    async with talking(coder, era, person=Person(YES, before=before)) as client:
        value(await create(client))
        assert (await client.call_tool("keep_tool", {"name": "words"})).is_error
    assert coder.made.list() == ()


async def test_a_token_opens_only_the_tools_that_it_names(coder: Runtime, era: str) -> None:
    tokens = (
        Token("maker", hashed("a" * 20), ("create_tool", "words_*", "show_made_tool")),
        Token("other", hashed("b" * 20), ("*",)),
    )
    async with (
        guarded(coder, Access(tokens=tokens)) as url,
        http_client(url, era, "a" * 20) as maker,
        http_client(url, era, "b" * 20) as other,
    ):
        value(await create(maker))
        assert "words_word_count" in await names(maker)
        # A name that it may not call would be one that others trust.
        assert "you may not call" in text_of(await create(maker, "text"))
        assert "text_word_count" not in await names(other)
        with pytest.raises(MCPError, match="no tool named 'keep_tool'"):
            await maker.call_tool("keep_tool", {"name": "words"})
        # What another made can be called as any tool, but neither read, replaced nor removed.
        assert value(await other.call_tool("words_word_count", {"text": "a"})) == 1
        assert value(await other.call_tool("list_made_tools", {})) == []
        for name in ("show_made_tool", "remove_made_tool", "keep_tool"):
            assert (await other.call_tool(name, {"name": "words"})).is_error
        assert (await create(other)).is_error
