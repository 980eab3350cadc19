"""The door for users that are no nodes, over a real server that knows such a user, and attacked by it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.agents.node import Node
from mcp_wasm.errors import MeshDenied, Unreachable
from mcp_wasm.mesh import subjects
from mcp_wasm.mesh.bridge import Bridge
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.doors import Bounds, Doors
from mcp_wasm.mesh.options import Access, Auth
from mcp_wasm.mesh.server import Embedded
from tests.agents import nodes as agents
from tests.agents.nodes import agent, tree
from tests.mesh.nodes import node as mesh_node
from tests.mesh.servers import Connect, Heard

pytestmark = pytest.mark.anyio

Until = Callable[[Callable[[], object]], Awaitable[None]]
DOOR = "mw.test.web.page.to"
BOUNDS = Bounds(size=1000, each=2, all=3, seconds=0.5, waiting=5)

TREE = tree(
    agent("echo", exposed=True, limits={"deadline": 30}),
    agent("once", exposed=True, restart="temporary"),
    agent("hidden"),
    replace(agent("slow", exposed=True, limits={"fuel": 10**15, "deadline": 60}), shutdown=0),
    agent("hears", subscribes=("said.*",)),
    intensity=100,
)


class Site:
    """A node with its doors, and the connection of a page."""

    def __init__(self, node: Node, doors: Doors, page: Connection, own: Connection) -> None:
        self.node, self.doors, self.page, self.own = node, doors, page, own

    async def ask(self, agent: str, payload: bytes | object, seconds: float = 10) -> Any:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return json.loads((await self.page.request(f"{DOOR}.{agent}", data, seconds)).payload)


@contextlib.asynccontextmanager
async def opened(folder: Path, connect: Connect) -> AsyncIterator[Site]:
    users = [
        subjects.user("test", name, f"{name}-secret", agents=["*"], publish=["said.*"], subscribe=["said.>"])
        for name in ("page", "other")
    ]
    server = Embedded(folder / "nats", users=users)
    await server.start()
    try:
        async with (
            mesh_node(folder, server, "here") as mesh,
            agents.starting(folder, bus=(bus := Bridge(mesh))) as start,
        ):
            node = await start(TREE)
            doors = Doors(bus, node, BOUNDS)
            await doors.start()
            page = await connect(access(server.running.url, "page"))
            try:
                yield Site(node, doors, page, mesh.connection)
            finally:
                await doors.close()
    finally:
        await server.stop()


def access(url: str, user: str) -> Access:
    return Access(url, Auth(user=user, password=f"{user}-secret"), inbox=subjects.inbox(user))


async def test_a_user_asks_exposed_agents_in_plain_json_and_no_others(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        assert await site.ask("echo", "hello") == {"ok": "hello"}
        assert await site.ask("echo", "eno") == {"err": "no", "code": "failed"}
        for nobody in ("hidden", "nobody", "echo.child"):
            with pytest.raises(Unreachable):
                await site.ask(nobody, "hello")


async def test_what_a_user_says_of_itself_is_no_more_than_a_payload(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        mailbox = site.node.slots["slow"].mailbox
        busy = asyncio.create_task(site.ask("slow", "spin"))
        await until(lambda: mailbox.taken == 1)
        forged = {"from": "hidden", "kind": "exit", "priority": "critical"}
        headers = {"priority": "critical", "Nats-Msg-Id": "1", "from": "hidden"}
        await site.page.publish(f"{DOOR}.slow", json.dumps(forged).encode(), headers=headers)
        waits = asyncio.create_task(site.ask("slow", forged))
        await until(lambda: len(mailbox) == 2)
        left = [each.message for each in mailbox.close("the test looks at them")]
        assert [(each.sender, each.kind, each.priority.name, each.value) for each in left] == [
            ("client:web.page", "data_transfer", "NORMAL", forged),
            ("client:web.page@here", "request", "NORMAL", forged),
        ]
        assert {each["code"] for each in await asyncio.gather(busy, waits)} == {"no_reply"}


async def test_what_is_no_question_is_refused_and_costs_nothing_else(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        for wrong in (
            b"", b"{", b"NaN", b"1e999", b'"\xff"', b'"\\ud800"', b"[" * 400 + b"1",
            b"[" * 499 + b"]" * 499 + b"x",
            b'"' + b"x" * 999 + b'"',
        ):  # fmt: skip
            answer = await site.ask("echo", wrong)
            assert answer["code"] == "refused", wrong
        refused = site.doors.refused
        assert refused == 9
        assert await site.ask("echo", b'"' + b"h" * 998 + b'"') == {"ok": "h" * 998}
        assert site.doors.refused == refused


async def test_an_answer_goes_nowhere_but_to_the_inbox_of_who_asked(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        heard = Heard()
        for victim in ("_INBOX.>", "_INBOX_other.>", "mw.test.node.>", "mw.test.pub.>", "$JS.API.>"):
            await site.own.subscribe(victim, heard)
        places = [
            "_INBOX.node.1", "_INBOX_other.1", "_INBOX_pageX.1", "_INBOX_page", "mw.test.node.here",
            "mw.test.pub.said.x", "$JS.API.STREAM.DELETE.mw_test", "mw.test.web.page.to.echo",
            "mw.test.web.other.to.echo", "_INBOX_page." + "x" * 300,
        ]  # fmt: skip
        for place in places:
            await site.page.publish(f"{DOOR}.echo", b'"mine"', reply=place)
        await until(lambda: site.doors.refused == len(places))
        await site.own.flush()
        assert not [each for each in heard.messages if each.payload.endswith(b'"mine"}')]
        assert site.node.slots["echo"].handled == 0
        assert await site.ask("echo", "hello again") == {"ok": "hello again"}


async def test_a_user_cannot_speak_for_another_user_or_a_node(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        for forbidden in ("mw.test.web.other.to.echo", "mw.test.node.here", "mw.test.pub.said.x"):
            with pytest.raises(MeshDenied):
                await site.page.request(forbidden, b'"x"', 5)
        # Where a server is lax, a name that is none is refused here.
        for subject in ("mw.test.web.x@two.to.echo", "mw.test.web.PAGE.to.echo"):
            await site.own.publish(subject, b'"x"', reply="_INBOX_page.1")
        await until(lambda: site.doors.refused == 2)
        assert site.node.slots["echo"].handled == 0


async def test_questions_that_are_open_are_bounded_and_the_others_are_told_so(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        waiting = [asyncio.create_task(site.ask("slow", "spin")) for _ in range(2)]
        await until(lambda: site.doors._asking["page"] == 2)
        assert (await site.ask("echo", "third"))["code"] == "busy"
        other = await connect(access(site.page.statistics.url, "other"))
        place = "mw.test.web.other.to.echo"
        assert json.loads((await other.request(place, b'"mine"', 5)).payload) == {"ok": "mine"}
        # A flood: each gets one short word, and the agent sees none of it.
        before = site.node.slots["echo"].handled
        flood = await asyncio.gather(*(site.ask("echo", n) for n in range(500)))
        assert {each["code"] for each in flood} == {"busy"}
        assert site.node.slots["echo"].handled == before
        assert [each["code"] for each in await asyncio.gather(*waiting)] == ["no_reply"] * 2
        assert await site.ask("echo", "again") == {"ok": "again"}
        assert not site.doors._asking


async def test_messages_without_an_answer_are_bounded_too(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        slow, hears = site.node.slots["slow"].mailbox, site.node.slots["hears"]
        await site.page.publish(f"{DOOR}.slow", b'"spin"')
        await until(lambda: slow.taken == 1)
        for number in range(50):
            await site.page.publish(f"{DOOR}.slow", b"%d" % number)
        await until(lambda: site.doors.refused == 46)
        assert [each.message.payload for each in slow.close("looked at")] == ["0", "1", "2", "3"]
        # What was published reaches a mailbox that has room, and takes no more of it than is left.
        for _ in range(3):
            await site.page.publish("mw.test.web.page.pub.said.hi", b"1")
        await until(lambda: site.doors.refused == 49)
        assert hears.mailbox.taken == 0
        assert len(hears.mailbox) == 0


async def test_a_user_publishes_and_hears_what_its_grants_say(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    async with opened(tmp_path, connect) as site:
        heard = Heard()
        await site.page.subscribe("mw.test.pub.said.>", heard)
        await site.page.publish("mw.test.web.page.pub.said.hi", b'{"n": 1}')
        await until(lambda: site.node.slots["hears"].handled == 1)
        await until(lambda: heard.messages)
        # A frame of the mesh: who vouches for it is the server, which lets only nodes publish there.
        frame = heard.payloads[0]
        body = json.loads(frame[6 + frame[5] + 128 :])
        message = body[4]["message"]
        assert (body[3], body[4]["subject"], json.loads(message["payload"])) == (
            "publication", "said.hi", {"n": 1},
        )  # fmt: skip
        assert message["from"] == "client:web.page@here"
        await site.own.publish("mw.test.web.page.pub.said.hi", b"{")
        await site.own.publish("mw.test.web.page.pub.a*b", b"1")
        await until(lambda: site.doors.refused == 2)


async def test_of_several_nodes_with_one_agent_one_answers(
    tmp_path: Path, connect: Connect, until: Until
) -> None:
    (tmp_path / "two").mkdir()
    async with opened(tmp_path, connect) as site:
        server = Embedded(tmp_path / "nats")
        await server.start()
        async with (
            mesh_node(tmp_path, server, "there") as mesh,
            agents.starting(tmp_path / "two", bus=(bus := Bridge(mesh))) as start,
        ):
            node = await start(TREE)
            doors = Doors(bus, node, BOUNDS)
            await doors.start()
            for number in range(40):
                assert await site.ask("echo", f"hello {number}") == {"ok": f"hello {number}"}
            shares = [each.slots["echo"].handled for each in (site.node, node)]
            assert sum(shares) == 40
            assert min(shares) > 0
            await doors.close()
        await server.stop()


async def test_doors_open_and_close_with_their_agents(tmp_path: Path, connect: Connect, until: Until) -> None:
    async with opened(tmp_path, connect) as site:
        assert await site.ask("once", "hello") == {"ok": "hello"}
        await site.page.publish(f"{DOOR}.once", b'"qnormal"')
        await until(lambda: "once" not in site.doors._open)
        await site.own.flush()
        with pytest.raises(Unreachable):
            await site.ask("once", "hello")
        await site.doors.close()
        await site.own.flush()
        with pytest.raises(Unreachable):
            await site.ask("slow", "hello")
