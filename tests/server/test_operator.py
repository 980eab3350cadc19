from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult
from wasmtime import wat2wasm

from mcp_wasm.errors import CallerError, InvalidSettings
from mcp_wasm.runtime import Runtime
from mcp_wasm.server import operator
from mcp_wasm.server.app import build
from mcp_wasm.server.options import ServerOptions
from tests.server import doors as hung
from tests.server.clients import connected, text_of
from tests.server.people import NO, ONCE, SESSION, Person, asking

pytestmark = pytest.mark.anyio

MODERN = "2026-07-28"


@pytest.fixture
def runtime(home: Path, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    hung.hang(monkeypatch)
    with Runtime(home=home, workers=2) as running:
        running.add(program("server_tools"), name="demo")
        yield running


@pytest.fixture
def folder(tmp_path: Path, program: Callable[[str], Path]) -> Path:
    """A folder with tiny.wasm, doors.wasm and sub/tiny.wasm, beside an outside.wasm."""
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    tiny = bytes(wat2wasm(program("tiny").read_text()))
    for path in (inside / "tiny.wasm", inside / "sub" / "tiny.wasm", tmp_path / "outside.wasm"):
        path.write_bytes(tiny)
    (inside / "doors.wasm").write_bytes(bytes(wat2wasm(program("doors/server_doors").read_text())))
    return inside


@pytest.fixture
def options(folder: Path) -> ServerOptions:
    return ServerOptions(allow_load=(folder,))


async def load(client: Any, path: str | Path = "tiny.wasm", name: str = "calc") -> CallToolResult:
    result: CallToolResult = await client.call_tool("load_component", {"path": str(path), "name": name})
    return result


async def names(client: Any) -> set[str]:
    return {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}


async def test_without_the_flag_a_model_cannot_load(runtime: Runtime, era: str, folder: Path) -> None:
    async with connected(runtime, era) as client:
        assert not {"load_component", "unload_component"} & await names(client)
        with pytest.raises(MCPError, match="no tool named"):
            await load(client, folder / "tiny.wasm")
    assert len(runtime.components) == 1


@pytest.mark.parametrize("path", ["tiny.wasm", "sub/tiny.wasm", "{folder}/tiny.wasm"])
async def test_what_is_loaded_is_marked_and_called_like_any_other(
    runtime: Runtime, era: str, options: ServerOptions, folder: Path, path: str
) -> None:
    async with connected(runtime, era, options) as client:
        loaded = await load(client, path.format(folder=folder))
        assert loaded.structured_content is not None
        about = loaded.structured_content["result"]
        assert about["component"] == "loaded_calc"
        assert about["digest"] == runtime.component("loaded_calc").digest
        listed = {tool.name: tool for tool in (await client.list_tools(cache_mode="bypass")).tools}
        assert set(about["tools"]) <= listed.keys()
        tool = listed["loaded_calc_add"]
        assert tool.description is not None
        assert tool.description.startswith("Loaded by a model while the server runs")
        assert tool.meta is not None
        assert tool.meta["mcp-wasm/loaded"] is True
        assert "mcp-wasm/loaded" not in (listed["demo_add"].meta or {})
        assert text_of(await client.call_tool("loaded_calc_add", {"a": 40, "b": 2})) == '{"result":42}'
        await client.call_tool("unload_component", {"name": "loaded_calc"})
        assert "loaded_calc_add" not in await names(client)


async def test_a_change_of_the_list_is_announced(runtime: Runtime, options: ServerOptions) -> None:
    told = anyio.Event()

    async def hear(message: Any) -> None:
        if "list_changed" in str(getattr(message, "method", "")):
            told.set()

    from mcp import Client

    with anyio.fail_after(10):
        async with Client(build(runtime, options), mode="legacy", message_handler=hear) as client:
            await client.list_tools()
            await load(client)
            await told.wait()


async def test_what_is_loaded_lasts_until_the_server_ends(
    runtime: Runtime, era: str, options: ServerOptions
) -> None:
    async with connected(runtime, era, options) as client:
        await load(client)
        copy = runtime.component("loaded_calc").source
        assert copy.is_file()
    assert [component.name for component in runtime.components] == ["demo"]
    assert not copy.exists()


async def test_what_lies_beside_the_file_is_not_read(
    runtime: Runtime, era: str, options: ServerOptions, folder: Path
) -> None:
    (folder / "tiny.toml").write_text('name = "demo"\n[tools.add]\ntitle = "Trust me"\n')
    async with connected(runtime, era, options) as client:
        await load(client)
        # Nor does the copy follow the file.
        (folder / "tiny.wasm").write_bytes(b"something else")
        assert text_of(await client.call_tool("loaded_calc_add", {"a": 1, "b": 2})) == '{"result":3}'
        assert all(tool.title != "Trust me" for tool in runtime.tools)


@pytest.mark.parametrize(
    "name", ["", "Calc", "1calc", "calc-x", "calc ", "кalc", "a" * 26, "a\n", "../x", "demo/x", "a\u200b"]
)
async def test_a_name_is_plain_and_short(
    runtime: Runtime, era: str, options: ServerOptions, name: str
) -> None:
    async with connected(runtime, era, options) as client:
        result = await load(client, name=name)
    assert result.is_error
    assert "/name: expected" in text_of(result)


async def test_an_installed_name_cannot_be_taken_or_unloaded(
    runtime: Runtime, era: str, options: ServerOptions, program: Callable[[str], Path]
) -> None:
    runtime.add(program("server_tools"), name="loaded_mine")
    digest = runtime.component("loaded_mine").digest
    async with connected(runtime, era, options) as client:
        assert not (await load(client, name="demo")).is_error  # as loaded_demo
        taken = await load(client, name="mine")
        assert taken.is_error
        assert "There is a component named loaded_mine already" in text_of(taken)
        again = await load(client, name="demo")
        assert again.is_error
        for name in ("demo", "loaded_mine", "nothing"):
            refused = await client.call_tool("unload_component", {"name": name})
            assert refused.is_error
            assert "was not loaded" in text_of(refused)
    assert runtime.component("loaded_mine").digest == digest


async def test_a_tool_cannot_take_another_ones_name(
    runtime: Runtime, era: str, options: ServerOptions, program: Callable[[str], Path]
) -> None:
    # `loaded` + `calc-add` would be called as `loaded_calc` + `add`.
    source = program("tiny").read_text().replace('"add"', '"calc-add"')
    other = options.allow_load[0] / "other.wat"
    other.write_text(source)
    runtime.add(other, name="loaded")
    before = runtime.tool("loaded_calc_add")
    async with connected(runtime, era, options) as client:
        refused = await load(client)
    assert refused.is_error
    assert "would be named as one of loaded" in text_of(refused)
    assert runtime.tool("loaded_calc_add") is before


@pytest.mark.parametrize(
    "policy",
    [
        '[grants.loaded_calc]\ntrust = "name"\n[[grants.loaded_calc.keyvalue]]\nbucket = "*"\n',
        "[grants.loaded_calc]\n",
        "this is no policy",
    ],
)
async def test_a_name_that_has_grants_cannot_be_taken(
    runtime: Runtime, era: str, options: ServerOptions, policy: str
) -> None:
    runtime.home.mkdir(parents=True, exist_ok=True)
    (runtime.home / "grants.toml").write_text(policy)
    async with connected(runtime, era, options) as client:
        refused = await load(client)
    assert refused.is_error
    assert "loaded_calc cannot be loaded" in text_of(refused)
    assert len(runtime.components) == 1


async def test_what_is_loaded_has_no_grants_and_a_person_sees_that_a_model_loaded_it(
    runtime: Runtime, era: str, options: ServerOptions
) -> None:
    person = Person(SESSION)
    async with asking(runtime, era, person, options) as client:
        await load(client, "doors.wasm", "doors")
        result = await client.call_tool("loaded_doors_try", {"name": "notes"})
        assert result.structured_content == {"result": True}
        await client.call_tool("unload_component", {"name": "loaded_doors"})
        await load(client, "tiny.wasm", "doors")  # other bytes: what was allowed is not theirs
    (asked,) = person.asked
    assert "A MODEL HAD THIS COMPONENT LOADED" in asked.message
    assert asked.requested_schema["properties"]["answer"]["enum"] == [NO, ONCE, SESSION]


async def test_what_is_no_component_is_refused_and_leaves_nothing(
    runtime: Runtime, era: str, options: ServerOptions, folder: Path
) -> None:
    bad = {
        "text": b"hello",
        "module": b"\0asm\x01\0\0\0",
        "cut": (folder / "tiny.wasm").read_bytes()[:-7],
        "bomb": b"\0asm\x0d\0\x01\0" + b"\x00\xff\xff\xff\xff\x0f" + b"\0" * 100,
        "empty": b"",
    }
    async with connected(runtime, era, options) as client:
        for name, content in bad.items():
            (folder / f"{name}.wasm").write_bytes(content)
            result = await load(client, f"{name}.wasm", name)
            assert result.is_error
            assert "mcp-wasm-loaded-" not in text_of(result)
        assert not (await load(client, "tiny.wasm", "text")).is_error
        assert len(runtime.components) == 2


async def test_what_is_loaded_is_bounded_in_number_and_bytes(
    runtime: Runtime, options: ServerOptions, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (folder / "tiny.wasm").stat().st_size
    async with connected(runtime, MODERN, options) as client:
        monkeypatch.setattr(operator, "_MOST_BYTES_EACH", size - 1)
        assert "at most" in text_of(await load(client))
        monkeypatch.setattr(operator, "_MOST_BYTES_EACH", size)
        monkeypatch.setattr(operator, "_MOST_BYTES", 2 * size)
        assert [(await load(client, name=name)).is_error for name in "abc"] == [False, False, True]
        monkeypatch.setattr(operator, "_MOST_BYTES", 100 * size)
        monkeypatch.setattr(operator, "_MOST", 3)
        assert [(await load(client, name=name)).is_error for name in "de"] == [False, True]
        await client.call_tool("unload_component", {"name": "loaded_a"})
        assert not (await load(client, name="e")).is_error


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"path": "tiny.wasm"},
        {"path": 1, "name": "x"},
        {"path": "tiny.wasm", "name": "x", "grants": "all"},
    ],
)
async def test_arguments_are_checked(
    runtime: Runtime, era: str, options: ServerOptions, arguments: dict[str, Any]
) -> None:
    async with connected(runtime, era, options) as client:
        result = await client.call_tool("load_component", arguments)
    assert result.is_error
    assert "nothing was run" in text_of(result)


async def test_two_loads_of_one_name_at_once_are_one(runtime: Runtime, options: ServerOptions) -> None:
    results: list[bool] = []
    loading = operator.Operator(runtime, options.allow_load)

    async def one() -> None:
        try:
            await loading.call("load_component", {"path": "tiny.wasm", "name": "calc"})
            results.append(True)
        except CallerError:
            results.append(False)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(one)
    assert sorted(results) == [False, False, True]


async def test_a_client_that_leaves_does_not_end_what_others_use(
    runtime: Runtime, options: ServerOptions
) -> None:
    from mcp import Client

    server = build(runtime, options)
    with anyio.fail_after(10):
        async with Client(server, mode=MODERN) as stays:
            async with Client(server, mode=MODERN) as leaves:
                await load(leaves)
            assert text_of(await stays.call_tool("loaded_calc_add", {"a": 1, "b": 1})) == '{"result":2}'


def test_a_folder_that_is_not_there_is_an_error(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="allow_load"):
        build(runtime, ServerOptions(allow_load=(tmp_path / "missing",)))
