"""Subjects of a mesh, and what a user of NATS may do with them: as tables, and on a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.errors import CallerError, MeshDenied
from mcp_wasm.mesh import subjects
from mcp_wasm.mesh.options import Access, Auth
from mcp_wasm.mesh.server import Embedded
from mcp_wasm.mesh.subjects import FromUser, Parsed
from mcp_wasm.mesh.traffic import Received
from tests.mesh.servers import Connect, Heard, until


def test_subjects_are_read_back() -> None:
    assert subjects.of("main", "node", "n-1") == "mw.main.node.n-1"
    assert subjects.of("main", "pub", "") == "mw.main.pub."
    assert subjects.read("main", "mw.main.node.n-1") == Parsed("node", ("n-1",))
    assert subjects.read("other", "mw.main.node.n-1") is None
    assert subjects.read("main", "mw.main2.node.n-1") is None
    assert subjects.published_as("main", subjects.published("main", "a.b")) == "a.b"
    assert subjects.published_as("main", "mw.main.node.a") is None
    assert subjects.from_user("main", subjects.to_agent("main", "page", "c/news")) == FromUser(
        "page", "c/news"
    )
    assert subjects.from_user("main", "mw.main.web.page.pub.a.b") == FromUser("page", subject="a.b")
    assert subjects.matches(subjects.from_users("main"), "mw.main.web.page.to.x")


@pytest.mark.parametrize(
    "word", ["", ".", "a..b", "a b", "a\r\nb", "*a", "a>", ">.a", "a.>.b", "ä", "$JS.API", "a/b", "x" * 256]
)
def test_what_is_no_part_of_a_subject_is_refused(word: str) -> None:
    with pytest.raises(CallerError, match="of a subject"):
        subjects.of("main", word, "a")
    with pytest.raises(CallerError):
        subjects.of(word, "pub", "a")
    with pytest.raises(CallerError):
        subjects.to_agent("main", word, "a")
    with pytest.raises(CallerError):
        subjects.user("main", "page", "p", publish=[word])


@pytest.mark.parametrize(
    ("reply", "may"),
    [
        ("_INBOX_page.a.b", True),
        ("", False),
        ("_INBOX_page", False),
        ("_INBOX_other.a", False),
        ("mw.main.node.n1", False),
        ("$JS.API.STREAM.PURGE.KV_state", False),
        ("_INBOX_page.>", False),
    ],
)
def test_a_user_has_no_one_answer_where_it_may_not_publish(reply: str, may: bool) -> None:
    assert subjects.answers_to("page", reply) is may


@given(st.text(max_size=12))
def test_no_name_leads_into_another_area(text: str) -> None:
    cases: list[tuple[Callable[[], str], str]] = [
        (lambda: subjects.published("m", text), "mw.m.pub."),
        (lambda: subjects.to_agent("m", text, "a"), "mw.m.web."),
        (lambda: subjects.to_agent("m", "u", text), "mw.m.web.u.to."),
    ]
    for make, begin in cases:
        try:
            made = make()
        except CallerError:
            continue
        assert made.startswith(begin)


@pytest.mark.parametrize("agents", ["col*", "c/n*", "**", "*/a", "a@node", "a/*@node", "A", "a.b", ">"])
def test_a_pattern_of_agents_that_nats_cannot_enforce_is_refused(agents: str) -> None:
    with pytest.raises(CallerError):
        subjects.user("main", "page", "p", agents=[agents])


def test_grants_become_permissions() -> None:
    found = subjects.user(
        "main", "page", "p", agents=["a/*", "a/b", "c"], publish=["x.*", "x.y"], subscribe=["z.>", "z.q"]
    )
    own = "mw.main.web.page"
    assert found.publish == (f"{own}.to.c", f"{own}.pub.x.*", f"{own}.to.a.>")
    assert found.subscribe == ("_INBOX_page.>", "mw.main.pub.z.>")
    assert subjects.user("main", "page", "p").publish == ()
    assert subjects.user("main", "page", "p", agents=["*"]).publish == (f"{own}.to.>",)


PAGE = Auth(user="page", password="page-secret")

MAY_PUBLISH = ["mw.main.web.page.to.news", "mw.main.web.page.pub.x.y"]
MAY_NOT_PUBLISH = [
    "mw.main.web.page.to.other",
    "mw.main.web.page.to.news.child",
    "mw.main.web.page.pub.x",
    "mw.main.web.other.to.news",  # in another's name
    "mw.main.pub.x.y",
    "mw.main.node.n1",
    "mw.main.box.news",
    "mw.main.hello",
    "_INBOX.abc.def",  # answers in another's place
    "_INBOX_page.x",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.PURGE.KV_state",
    "$KV.state.k",
    "$SYS.REQ.SERVER.PING",
]
MAY_NOT_HEAR = [
    ">",
    "*",
    "mw.>",
    "mw.main.>",
    "mw.main.pub.>",
    "mw.main.pub.secret",
    "mw.main.web.>",
    "mw.main.web.page.>",
    "mw.main.node.*",
    "_INBOX.>",
    "_INBOX_other.>",
    "$JS.EVENT.>",
    "$KV.>",
    "$SYS.>",
]


@pytest.mark.anyio
async def test_the_server_itself_keeps_a_user_to_its_grants(tmp_path: Path, connect: Connect) -> None:
    page = subjects.user(
        "main", "page", "page-secret", agents=["news"], publish=["x.*"], subscribe=["open.*"]
    )
    nobody = subjects.user("main", "nobody", "nobody-secret")
    server = Embedded(tmp_path / "nats", users=[page, nobody])
    await server.start()
    try:
        node = await connect(server)
        all_of_it, heard = Heard(), Heard()
        await node.subscribe(">", all_of_it)

        async def answer(message: Received) -> None:
            if subjects.answers_to("page", message.reply):
                await node.publish(message.reply, b"hello " + message.payload)

        await node.subscribe(subjects.from_users("main"), answer)
        attacker = await connect(Access(server.running.url, PAGE, inbox=subjects.inbox("page")))
        assert (await attacker.request(MAY_PUBLISH[0], b"page", 5)).payload == b"hello page"
        await attacker.subscribe("mw.main.pub.open.*", heard)
        await node.publish("mw.main.pub.open.door", b"1")
        await until(lambda: heard.messages)
        all_of_it.messages.clear()
        for subject in (*MAY_PUBLISH, *MAY_NOT_PUBLISH):
            await attacker.publish(subject, b"attack")
        # The server lets this through: whoever answers has to look.
        await attacker.publish(MAY_PUBLISH[0], b"attack", reply="mw.main.node.n1")
        await attacker.flush()
        for pattern in MAY_NOT_HEAR:
            with pytest.raises(MeshDenied, match="subscribe to"):
                await attacker.subscribe(pattern, heard)
            with pytest.raises(MeshDenied):
                await attacker.subscribe(pattern, heard, queue="workers")
        with pytest.raises(MeshDenied, match="publish to"):
            await attacker.request("mw.main.node.n1", b"", 60)
        none = await connect(Access(server.running.url, Auth(user="nobody", password="nobody-secret")))
        await none.publish("anything", b"attack")
        await none.flush()
        with pytest.raises(MeshDenied):
            await none.subscribe("_INBOX.a", heard)
        await node.flush()
        assert {each.subject for each in all_of_it.messages if each.payload == b"attack"} == set(MAY_PUBLISH)
        assert attacker.statistics.denied >= len(MAY_NOT_PUBLISH)
        assert attacker.statistics.reconnects == 0
    finally:
        await server.stop()
