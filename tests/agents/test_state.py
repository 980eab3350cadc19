"""The memory of agents: whose bucket is whose, also where several trees, nodes and guests share a backend."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.agents.state import UNNAMED, StoredState, bucket, part_of
from mcp_wasm.capability.grant import KeyValue
from mcp_wasm.errors import CallerError
from mcp_wasm.memory.options import StateOptions, store
from mcp_wasm.memory.protocol import Bounds, Store, check_bucket
from mcp_wasm.memory.redis import Redis
from mcp_wasm.mesh.kv import NatsKv
from mcp_wasm.mesh.options import MeshOptions
from tests.memory.nats_server import server
from tests.memory.redis_server import url
from tests.sandbox.host import state_guests as guests

LONGEST = "/".join("a" * 63 for _ in range(3)) + "/" + "b" * 63


def test_no_two_agents_have_one_bucket() -> None:
    agents = ("a", "a/b", "a/b/c", "a-b", "a_b", "ab", "b/a", "_moves", LONGEST, LONGEST[:-1], LONGEST[1:])
    parts = (
        "",
        "main.desk",
        "main.desk-2",
        "main-desk.x",
        "maind.esk",
        "a.b",
        "b.a",
        "a" * 63 + "." + "b" * 63,
    )
    # In one store there are either parts or none.
    for some in (parts[:1], parts[1:]):
        names = [bucket(agent, part) for part in some for agent in agents]
        assert len(set(names)) == len(names)
        for name in names:
            check_bucket(name)
    assert bucket("a/b", "main.desk") == "agent.main.desk.a.b"
    assert [len(bucket("a" * n)) for n in (122, 123)] == [128, 70]


def test_a_part_is_of_one_tree_and_one_node_and_a_node_without_a_name_keeps_one(tmp_path: Path) -> None:
    shared = StateOptions("redis", open=lambda _bounds, _name: pytest.fail("not yet"))
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    assert part_of(shared, one, "main", "desk") == part_of(shared, other, "main", "desk") == "main.desk"
    unnamed = [part_of(shared, folder, "main", UNNAMED) for folder in (one, other, one)]
    assert unnamed[0] == unnamed[2] != unnamed[1]
    assert unnamed[0].startswith("main.local-")
    assert part_of(StateOptions(), one, "main", UNNAMED) == ""  # the file is the tree's own
    for tree, node in (("a.b", "desk"), ("main", "a.b"), ("", "desk"), ("main", "A")):
        with pytest.raises(CallerError):
            part_of(shared, one, tree, node)


@pytest.fixture(params=["redis", "nats"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> StateOptions:
    """A backend that others use too, opened as ``cli.state_backend`` does: by the name of what it keeps."""

    def redis(bounds: Bounds, name: str) -> Store:
        return Redis(url(), bounds, prefix=f"{tmp_path}:{name}")

    def nats(bounds: Bounds, name: str) -> Store:
        options = MeshOptions(mesh=f"state-{abs(hash(tmp_path))}")
        return NatsKv(options, server().access, bounds, name=name, storage="memory")

    return StateOptions(request.param, open=redis if request.param == "redis" else nats)


@pytest.fixture
def memories(shared: StateOptions, tmp_path: Path) -> Iterator[dict[str, StoredState]]:
    """Those of two trees on two nodes."""
    with ExitStack() as stack:
        found = {}
        for tree, node in (("main", "desk"), ("main", "shelf"), ("other", "desk")):
            kept = stack.enter_context(closing(store(shared, tmp_path / tree / "memory.sqlite")))
            found[f"{tree}@{node}"] = StoredState(kept, part_of(shared, tmp_path, tree, node))
        yield found


def test_agents_of_one_path_keep_apart_what_they_remember_by_tree_and_node(
    memories: dict[str, StoredState],
) -> None:
    async def work() -> None:
        for name, each in memories.items():
            await each.store("a/b", [("state", name)])
        for name, each in memories.items():
            assert await each.load("a/b", ("*",)) == [("state", name)]
        await memories["main@desk"].store("a/b", [("state", None)])
        assert await memories["main@shelf"].load("a/b", ("state",)) == [("state", "main@shelf")]

    asyncio.run(work())


def test_a_guest_that_was_granted_every_bucket_reaches_no_agents_memory(
    shared: StateOptions, memories: dict[str, StoredState], home: Path
) -> None:
    asyncio.run(memories["main@desk"].store("a", [("state", "secret")]))
    everything = KeyValue("*", write=True)
    own = bucket("a", "main.desk")
    assert own == "agent.main.desk.a"
    names = (
        own,
        "agent.a",
        f"memory:{own}",
        f"../memory/{own}",
        f"*{own}",
        "agent.*",
        "memory",
        f"memory.{own}",
    )
    with guests.runtime(home, guests.keyvalue(), state=shared) as runtime:
        for name in names:
            got = guests.call(runtime, "get", everything, bucket=name, key="state")
            assert (got.failed, got.value) == (False, None), name
            keys = guests.call(runtime, "keys", everything, bucket=name, cursor=None)
            assert keys.value == {"keys": [], "cursor": None}
            assert not guests.call(runtime, "set", everything, bucket=name, key="state", value=b"mine").failed
            assert not guests.call(runtime, "delete", everything, bucket=name, key="state").failed
    assert asyncio.run(memories["main@desk"].load("a", ("*",))) == [("state", "secret")]


def test_a_guest_that_was_granted_every_bucket_reaches_no_agents_memory_in_a_file(home: Path) -> None:
    options = replace(StateOptions(), backend="sqlite")
    with closing(store(options, home / "agents" / "main" / "memory.sqlite")) as kept:
        memory = StoredState(kept)
        asyncio.run(memory.store("a", [("state", "secret")]))
        with guests.runtime(home, guests.keyvalue(), state=options) as runtime:
            got = guests.call(runtime, "get", KeyValue("*", write=True), bucket=bucket("a"), key="state")
            assert (got.failed, got.value) == (False, None)
        assert asyncio.run(memory.load("a", ("*",))) == [("state", "secret")]
