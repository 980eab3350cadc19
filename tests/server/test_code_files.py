"""Files of a run over MCP: in as text, bytes and resources; out as images, texts and links."""

from __future__ import annotations

import base64

import pytest

from mcp_wasm.code.contract import Produced
from mcp_wasm.runtime import Runtime
from mcp_wasm.server.code_files import IMAGES_INLINE, TEXT_INLINE, image, shown
from mcp_wasm.server.options import ServerOptions
from mcp_wasm.server.results import ResultStore
from tests.server.clients import text_of
from tests.server.coding import given, run, talking

pytestmark = pytest.mark.anyio

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LENGTH = "import * as fs from 'fs'; fs.readFileSync('a', 'utf8').length"
COPY = """
    import * as fs from "fs";
    fs.writeFileSync("copy.png", fs.readFileSync("in.png"));
    fs.writeFileSync("small.csv", "a,b\\n");
    fs.writeFileSync("d/large.txt", "x".repeat(100000));
    fs.readFileSync("in.txt", "utf8")
"""


async def test_files_go_in_and_come_out_each_in_its_way(coder: Runtime, era: str) -> None:
    data = base64.b64encode(PNG).decode()
    files = {"in.png": {"base64": data}, "in.txt": "hello", "d/kept.txt": "as it was"}
    async with talking(coder, era) as client:
        result = await run(client, COPY, files=files)
        found = given(result)
        assert found["value"] == "hello"
        listed = {each["path"]: each for each in found["files"]}
        assert listed.keys() == {"copy.png", "small.csv", "d/large.txt"}  # what was not changed stays
        assert listed["small.csv"]["text"] == "a,b\n"
        assert listed["small.csv"]["mimeType"] == "text/csv"
        (picture,) = [block for block in result.content if block.type == "image"]
        assert (picture.mime_type, base64.b64decode(picture.data)) == ("image/png", PNG)
        (link,) = [block for block in result.content if block.type == "resource_link"]
        assert (str(link.uri), link.name, link.size) == (listed["d/large.txt"]["uri"], "d/large.txt", 100_000)
        assert "text" not in listed["d/large.txt"]
        uri = listed["d/large.txt"]["uri"]
        again = given(await run(client, LENGTH, files={"a": {"uri": uri}}))
        assert again["value"] == 100_000
        read = await client.read_resource(listed["copy.png"]["uri"])
        assert base64.b64decode(read.contents[0].blob) == PNG  # type: ignore[union-attr]


async def test_what_is_too_large_for_the_text_limit_is_kept_whole(coder: Runtime, era: str) -> None:
    async with talking(coder, era, ServerOptions(result_page=1024 * 1024)) as client:
        result = await run(client, "'x'.repeat(1100000)")
        found = given(result)
        assert "value" not in found
        assert found["text"].startswith('"xxx')
        (said,) = found["truncated"]
        assert "16,384 of 1,100,002 bytes" in said
        uri = said.partition("the whole is the resource ")[2].partition("/1 to")[0]
        whole = given(await run(client, LENGTH, files={"a": {"uri": uri}}))
        assert whole["value"] == 1_100_002


async def test_more_than_the_folder_may_hold_is_stopped_and_said(coder: Runtime) -> None:
    code = "import {writeFileSync} from 'fs'; for (let i = 0; ; i++) writeFileSync(`f${i}`, 'x'.repeat(1e6))"
    async with talking(coder, "legacy") as client:
        result = await run(client, code)
    assert result.is_error
    assert "storage" in text_of(result) or "space" in text_of(result) or "quota" in text_of(result)
    assert "is still there" not in text_of(result)  # its folder is gone


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", ""),
        (b"<svg/>", ""),
        (b"", ""),
    ],
)
def test_an_image_is_told_from_how_it_begins(content: bytes, type_: str) -> None:
    assert image(content) == type_


def test_what_has_no_room_is_a_link_and_what_cannot_be_kept_is_said() -> None:
    store = ResultStore(max_bytes=IMAGES_INLINE + 100, max_count=8, seconds=60, page_bytes=100)
    small, large = Produced("a.txt", b"x" * TEXT_INLINE), Produced("b.txt", b"x" * (TEXT_INLINE + 1))
    found = shown([small, large], store, "me")
    assert ["text" in each for each in found.listed] == [True, False]
    assert [block["type"] for block in found.blocks] == ["resource_link"]
    picture = Produced("big.png", PNG + bytes(IMAGES_INLINE))
    assert [block["type"] for block in shown([picture], store, "me").blocks] == ["resource_link"]
    none = shown([Produced("huge.bin", b"\xff" * (IMAGES_INLINE + 101))], store, "me")
    assert none.blocks == []
    assert none.left_out == ["the file huge.bin was too large to keep"]
