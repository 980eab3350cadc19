from __future__ import annotations

import base64

import pytest
from mcp.shared.exceptions import MCPError

from mcp_wasm.server.paging import page


def walk(keys: list[str], size: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        items, cursor = page(keys, keys, cursor, size)
        pages.append(list(items))
        if cursor is None:
            return pages


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 23])
def test_every_item_is_on_one_page(count: int) -> None:
    keys = [f"tool_{number:02}" for number in range(count)]
    pages = walk(keys, 5)
    assert [key for shown in pages for key in shown] == keys
    assert len(pages) == max(1, -(-count // 5))


def test_an_item_added_or_removed_between_pages_neither_repeats_nor_hides_another() -> None:
    first, cursor = page(list("bcdfh"), list("bcdfh"), None, 3)
    rest, _ = page(list("abdefh"), list("abdefh"), cursor, 9)
    assert list(first) == ["b", "c", "d"]
    assert list(rest) == ["e", "f", "h"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "5",
        "YWZ0ZXI",
        "é",
        "\ud800",
        "\x00",
        "A" * 10_000,
        base64.b64encode(b"after:\xff").decode(),
        base64.b64encode(b"before:a").decode(),
        "YWZ0\nZXI6YQ==",
    ],
)
def test_a_cursor_of_someone_else_is_refused(cursor: str) -> None:
    with pytest.raises(MCPError) as refused:
        page(["a"], ["a"], cursor, 5)
    assert refused.value.code == -32602
