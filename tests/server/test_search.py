from __future__ import annotations

from typing import Any

import pytest

from mcp_wasm.server.search import SearchIndex


def tool(name: str, description: str, *parameters: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {} for name in parameters}}
    return {"name": name, "title": name, "description": description, "inputSchema": schema}


TOOLS = [
    tool("csv_profile", "Describe the columns of a CSV table.", "text"),
    tool("text_diff", "Compare two texts line by line.", "before", "after"),
    tool("text_patch", "Apply a difference to a text.", "text", "patch"),
    tool("units_convert", "Convert a quantity to another unit, such as miles to kilometres.", "quantity"),
]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("diff", "text_diff"),
        ("patch a text", "text_patch"),
        ("convert miles", "units_convert"),
        ("CSV", "csv_profile"),
        ("unit", "units_convert"),
        ("quantity", "units_convert"),
    ],
)
def test_the_best_fit_comes_first(query: str, first: str) -> None:
    assert SearchIndex(TOOLS).search(query, 10)[0]["name"] == first


def test_an_empty_query_gives_all_by_name_and_a_strange_one_nothing() -> None:
    index = SearchIndex(list(reversed(TOOLS)))
    assert [found["name"] for found in index.search("", 3)] == ["csv_profile", "text_diff", "text_patch"]
    assert index.search("zzzz", 10) == []
    assert len(index.search("𝄞 \x00 .* [", 10)) == len(TOOLS)


def test_what_is_found_says_how_to_call_it() -> None:
    (found,) = SearchIndex(TOOLS).search("csv", 1)
    assert found.keys() == {"name", "description", "inputSchema"}
