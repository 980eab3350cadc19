"""What a model is told of the tools that it can call from code: those that fit, and how to get more."""

from __future__ import annotations

import ast
from dataclasses import replace

from mcp_wasm.capability.grant import Grants, Tools
from mcp_wasm.code.stubs import CHARACTERS, Described, describe, stubs
from mcp_wasm.component.types import Field, Function, Handle, Param, Record, Tuple, Type
from mcp_wasm.registry.tool import Tool
from tests.code.stub_tools import ALL, LANGUAGES, STRING, U32, tool


def described(tools: list[Tool], grants: Grants = ALL, query: str = "", limit: int = 20) -> Described:
    return describe(tools, grants, "python", query, limit)


THREE = [
    tool("text_diff", docs="Compare two texts."),
    tool("text_patch"),
    tool("hash_digest", docs="Hash it."),
]


def test_a_query_finds_the_tools_that_fit() -> None:
    assert described(THREE, query="text").callable == ("text_diff", "text_patch")
    assert described(THREE, query="compare").callable == ("text_diff",)
    assert described(THREE).callable == ("hash_digest", "text_diff", "text_patch")
    nothing = described(THREE, query="zzzz")
    assert nothing.callable == ()
    assert nothing.text == "# No tool fits 'zzzz'.\n"
    assert described([]).text == "# There are no tools.\n"


def test_only_granted_tools_are_shown_as_functions_and_a_person_is_told_how_to_grant_the_others() -> None:
    found = described(THREE, Grants(tools=(Tools(("text_*",)),)))
    assert found.callable == ("text_diff", "text_patch")
    assert found.not_granted == ("hash_digest",)
    assert "def hash_digest" not in found.text
    assert "# hash_digest: Hash it." in found.text
    assert "`mcp-wasm grants add code tools names=hash_digest`" in found.text
    assert described(THREE, Grants()).callable == ()
    ast.parse(described(THREE, Grants()).text)


def test_the_command_that_grants_finds_the_same_home() -> None:
    found = describe(THREE, Grants(), "typescript", options=("--home", "/some/where"))
    assert "mcp-wasm grants add code tools names=hash_digest --home /some/where" in found.text


def test_more_tools_than_the_limit_are_named_with_what_to_do() -> None:
    found = described(THREE, limit=2)
    assert found.callable == ("hash_digest", "text_diff")
    assert found.left_out == ("text_patch",)
    assert "# Left out here: text_patch.\n" in found.text
    assert described(THREE, limit=3).left_out == ()
    many = [tool(f"tool_{number:03}") for number in range(200)]
    assert "and 160 more" in described(many, limit=20).text
    assert len(described(many, Grants()).text) < 3000


def test_an_answer_is_no_longer_than_it_may_be() -> None:
    wide = Record(tuple(Field(f"field-{i}", U32, "Some words of docs.") for i in range(60)), name="wide")
    many = [tool(f"tool_{i:02}", result=replace(wide, fields=wide.fields[i:])) for i in range(30)]
    found = described(many, limit=30)
    assert CHARACTERS // 2 < len(found.text) < CHARACTERS + 2000
    assert found.left_out
    assert found.callable + found.left_out == tuple(each.name for each in many)
    ast.parse(found.text)


def test_one_tool_with_endless_types_is_shown_without_them() -> None:
    huge = Record(tuple(Field(f"field-{i}", U32, "Some words of docs.") for i in range(600)), name="huge")
    forms = {"python": "def f(p: Any) -> Any", "typescript": "f(p: unknown): unknown"}
    for language in LANGUAGES:
        found = describe([tool("f", Param("p", huge), result=huge)], ALL, language)
        assert forms[language] in found.text
        assert len(found.text) < 2000


def test_types_that_share_parts_are_written_once_and_not_as_a_tree() -> None:
    shared: Type = Tuple((STRING, U32))
    for _ in range(40):
        shared = Tuple((shared, shared))
    made = replace(tool("f"), function=Function("", "f", (), shared))
    for language in LANGUAGES:
        assert len(stubs([made], language)) < 4000


def test_a_tool_whose_calls_belong_to_a_session_is_none_that_code_can_call() -> None:
    handle = tool("counter_new", result=Handle(True, "counter", exported=True))
    assert described([handle, *THREE]).callable == ("hash_digest", "text_diff", "text_patch")
