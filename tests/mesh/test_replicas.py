"""Copies of nodes that meet over a real NATS server, and nodes of the mesh that would harm them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map

from mcp_wasm.errors import CallerError, McpWasmError
from mcp_wasm.memory import replica
from mcp_wasm.memory.replica import Replica
from mcp_wasm.mesh import replica_shared
from mcp_wasm.mesh.mesh import Mesh, running
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.replica_shared import Shared
from mcp_wasm.mesh.replicas import Replicas, shared
from mcp_wasm.mesh.server import Embedded
from tests.memory.test_replica import nested
from tests.mesh.nodes import met, node
from tests.mesh.servers import QUICK

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True, scope="module")
def ended() -> Iterator[None]:
    yield
    replica.close()


@contextlib.asynccontextmanager
async def sharing(folder: Path, server: Embedded, name: str) -> AsyncIterator[tuple[Mesh, Replicas]]:
    async with node(folder, server, name) as mesh, shared(mesh, folder / f"{name}.sqlite") as found:
        yield mesh, found


async def agreed(*copies: Shared, at: Any = None) -> None:
    """Until all copies are the same, and ``at`` is so of their value."""
    changed = asyncio.Event()
    ends = [each.observe(changed.set) for each in copies]
    while any(each.value != copies[0].value for each in copies) or (at and not at(copies[0].value)):
        changed.clear()
        await changed.wait()
    for end in ends:
        end()


async def edited(copy: Shared, name: str) -> None:
    async with copy.edit() as draft:
        draft.map[name] = Map({"by": name})
        draft.map["both"] = name
        draft.list.append(name)
        draft.text.insert(0, f"{name} ")


async def test_nodes_edit_one_replica_apart_while_nats_is_away_and_agree_when_they_meet(
    tmp_path: Path, server: Embedded
) -> None:
    async with (
        sharing(tmp_path, server, "one") as (_, first),
        sharing(tmp_path, server, "two") as (mesh, second),
        node(tmp_path, server, "other"),
    ):
        await met(mesh, "one", "other")
        one, two = await first.open("notes"), await second.open("notes")
        broken: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, what: broken.append(what))
        two.observe(lambda: 1 // 0)  # type: ignore[arg-type]
        await edited(one, "a")
        await agreed(one, two, at=lambda value: value["map"].get("both") == "a")
        async with two.edit() as draft:  # and the way back, without a meeting
            draft.map["back"] = True
        await agreed(one, two, at=lambda value: "back" in value["map"])
        assert broken
        assert one.sharers | two.sharers == {"one", "two"}  # the other node shares none

        await server.stop()
        await edited(one, "b")
        await edited(two, "c")
        async with two.edit() as draft:
            del draft.map["back"]
        assert one.value != two.value
        await server.start()
        await agreed(one, two, at=lambda value: len(value["list"]) == 3)
        value = one.value
        assert sorted(value["list"]) == ["a", "b", "c"]
        assert value["map"].keys() == {"a", "b", "c", "both"}
        assert value["map"]["both"] in {"b", "c"}
        assert sorted(value["text"].split()) == ["a", "b", "c"]


async def test_a_copy_is_edited_by_a_node_that_begins_while_nats_is_away_and_that_began_anew(
    tmp_path: Path, server: Embedded
) -> None:
    async with sharing(tmp_path, server, "one") as (_, first):
        one = await first.open("notes")
        async with sharing(tmp_path, server, "two") as (_, second):
            two = await second.open("notes")
            await edited(two, "x")
            await agreed(one, two, at=lambda value: "x" in value["map"])
        await edited(one, "y")

        away = MeshOptions(urls=("nats://127.0.0.1:9",), **QUICK)
        async with (
            running(tmp_path / "home-two", away, "two", wait=False) as mesh,
            shared(mesh, tmp_path / "two.sqlite") as alone,
        ):
            two = await alone.open("notes")
            assert two.value["map"]["both"] == "x"
            await edited(two, "z")
        async with sharing(tmp_path, server, "two") as (_, second):
            two = await second.open("notes")
            await agreed(one, two, at=lambda value: sorted(value["list"]) == ["x", "y", "z"])


def out(data: bytes) -> str:
    return base64.b64encode(data).decode()


def change(key: str) -> bytes:
    made = Replica()
    made.map[key] = 1
    return made.update()


async def refused(one: Shared, mesh: Mesh, update: Any) -> None:
    """Until the node ``one`` has refused an update that ``mesh`` sends, and forgotten that."""
    before = one.refused
    await mesh.peers.post("one", "replica_update", {"name": "notes", "update": update})
    while one.refused == before:  # noqa: ASYNC110 - the update travels
        await asyncio.sleep(0.002)
    one._heard.clear()


async def test_a_member_that_sends_what_is_damaged_or_hostile_harms_nothing(
    tmp_path: Path, server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        sharing(tmp_path, server, "one") as (_, first),
        sharing(tmp_path, server, "two") as (_, second),
        node(tmp_path, server, "bad") as bad,
    ):
        one, two = await first.open("notes"), await second.open("notes")
        await edited(one, "a")
        await agreed(one, two, at=lambda value: value["list"])
        await met(bad, "one")
        before = one.value
        huge = b"\x01" * (one._kept.most + 1)
        for update in (b"", b"nonsense", change("k")[:-2], nested(100_000), huge):
            await refused(one, bad, out(update))
        for body in (
            {"name": "notes", "version": out(b"\x80\xc2\xd7\x2f\x01\x01")},  # room for 100 million pairs
            {"name": "notes", "version": "*"},
            {"name": "notes", "version": 7},
            {"name": ["notes"]},
            {},
        ):
            with pytest.raises(McpWasmError):
                await bad.peers.ask("one", "replica_meet", body)
        assert (await bad.peers.ask("one", "replica_meet", {"name": "none"})) == {"shared": False}
        assert one.value == before

        # What is refused once costs the hearing: nothing of that node is looked at for a while.
        await bad.peers.post("one", "replica_update", {"name": "notes", "update": out(b"nonsense")})
        while not one._heard["bad"].quiet:  # noqa: ASYNC110 - the update travels
            await asyncio.sleep(0.002)
        await bad.peers.post("one", "replica_update", {"name": "notes", "update": out(change("late"))})
        with pytest.raises(McpWasmError, match="said too much"):
            await bad.peers.ask("one", "replica_meet", {"name": "notes", "version": out(b"\0")})
        await edited(two, "b")
        await agreed(one, two, at=lambda value: len(value["list"]) == 2)
        assert "late" not in one.value["map"]


async def test_a_member_that_floods_is_heard_up_to_a_rate(tmp_path: Path, server: Embedded) -> None:
    async with (
        sharing(tmp_path, server, "one") as (_, first),
        node(tmp_path, server, "bad") as bad,
    ):
        one = await first.open("notes")
        await met(bad, "one")
        body = {"name": "notes", "version": out(b"\0")}
        answers = await asyncio.gather(
            *(bad.peers.ask("one", "replica_meet", body) for _ in range(300)), return_exceptions=True
        )
        taken = sum(isinstance(each, dict) for each in answers)
        assert replica_shared._AT_ONCE <= taken < 300
        assert one.refused


async def test_only_nodes_that_are_allowed_hear_and_are_heard(tmp_path: Path, server: Embedded) -> None:
    async with (
        sharing(tmp_path, server, "one") as (_, first),
        sharing(tmp_path, server, "two") as (_, second),
        sharing(tmp_path, server, "three") as (mesh, third),
    ):
        one = await first.open("notes", nodes={"two"})
        three = await third.open("notes")
        await met(mesh, "one", "two")
        await edited(one, "secret")
        with pytest.raises(McpWasmError, match="is not for three"):
            await mesh.peers.ask("one", "replica_meet", {"name": "notes", "version": out(b"\0")})
        await mesh.peers.post("one", "replica_update", {"name": "notes", "update": out(change("k"))})
        two = await second.open("notes", nodes=["one"])
        await agreed(one, two, at=lambda value: value["list"] == ["secret"])
        assert three.value == {"map": {}, "list": [], "text": ""}
        assert "k" not in one.value["map"]
        assert one.sharers == {"two"}


async def test_a_replica_is_open_once_and_has_a_name(tmp_path: Path, server: Embedded) -> None:
    async with sharing(tmp_path, server, "one") as (_, first):
        await first.open("notes", most=768 * 1024)
        for name, most in (("notes", 1), ("a.b", 1), ("", 1), ("b", 0), ("b", 768 * 1024 + 1)):
            with pytest.raises(CallerError):
                await first.open(name, most=most)
