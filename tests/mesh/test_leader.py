"""Leader election: the decisions as tables, and two real processes of which the leader is killed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from mcp_wasm.mesh.kv_stream import Held
from mcp_wasm.mesh.leader import Leader, Watch
from mcp_wasm.mesh.server import Embedded
from tests.mesh.servers import Connect, until

OTHER = json.dumps("other").encode()
OWN = json.dumps("me").encode()


def test_a_lease_is_taken_when_free_and_when_its_holder_was_silent_for_a_term() -> None:
    watch = Watch("me", term=2.0)
    assert watch.wants(Held(), 100.0)
    assert watch.wants(Held(b"null", 9), 100.0)  # who had it stepped down
    assert not watch.wants(Held(OTHER, 10), 100.0)
    assert not watch.wants(Held(OTHER, 10), 101.9)
    assert watch.wants(Held(OTHER, 10), 102.0)
    assert not watch.wants(Held(OTHER, 11), 102.0)  # it was renewed after all
    assert not watch.wants(Held(OTHER, 11), 103.9)
    assert not Watch("me").wants(Held(OWN, 7), 100.0)  # not ours: of an earlier life


def test_a_leader_stops_believing_before_others_may_take_over() -> None:
    watch = Watch("me", term=2.0)
    watch.written(Held(), 5, 100.0)
    assert watch.leads(101.3)
    assert not watch.leads(101.5)
    other = Watch("other", term=2.0)
    assert not other.wants(Held(OWN, 5), 100.0)
    assert not other.wants(Held(OWN, 5), 101.9)
    assert watch.wants(Held(OWN, 5), 101.5)
    watch.written(Held(OWN, 5), 6, 101.5)
    assert watch.leads(102.0)
    assert watch.token == 5  # renewed, the same leadership
    watch.lost()
    assert not watch.leads(102.0)
    watch.written(Held(b"null", 8), 9, 104.0)
    assert watch.token == 9


@pytest.mark.anyio
async def test_of_several_one_leads_and_another_when_it_steps_down(
    server: Embedded, connect: Connect
) -> None:
    leaders = [Leader(await connect(server), "main", "cron", f"n{n}", term=3600) for n in range(3)]
    for each in leaders:
        await each.step()
    assert [bool(each.token) for each in leaders] == [True, False, False]
    first = leaders[0].token
    for each in (*leaders, *leaders):
        await each.step()
    assert [each.token for each in leaders] == [first, 0, 0]
    await leaders[0].start()
    await leaders[0].stop()
    assert leaders[0].token == 0
    await asyncio.gather(*(each.step() for each in leaders[1:]))
    tokens = sorted(each.token for each in leaders[1:])
    assert tokens[0] == 0
    assert tokens[1] > first


@pytest.mark.anyio
async def test_when_the_leading_process_is_killed_another_leads_with_a_larger_token(
    server: Embedded,
) -> None:
    async def child(holder: str) -> asyncio.subprocess.Process:
        program = str(Path(__file__).with_name("leader_child.py"))
        return await asyncio.create_subprocess_exec(
            sys.executable, program, str(server.places.folder), holder, stdout=asyncio.subprocess.PIPE
        )

    one = await child("one")
    other = None
    try:
        assert one.stdout is not None
        first = int(await one.stdout.readline())
        other = await child("other")
        assert other.stdout is not None
        word = asyncio.create_task(other.stdout.readline())
        one.kill()
        assert int(await word) > first > 0
    finally:
        for each in filter(None, (one, other)):
            if each.returncode is None:
                each.kill()
            await each.communicate()


@pytest.mark.anyio
async def test_a_leader_that_cannot_reach_nats_no_longer_leads(server: Embedded, connect: Connect) -> None:
    told: list[int] = []
    leader = Leader(await connect(server), "main", "cron", "me", term=0.3, changed=told.append)
    await leader.start()
    await until(lambda: leader.token)
    await server.stop()
    await until(lambda: not leader.token)
    await until(lambda: told[-1] == 0)
    await leader.stop()
