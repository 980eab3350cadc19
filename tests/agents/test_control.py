from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.agents import control, control_client, control_socket
from mcp_wasm.agents.control import Control
from mcp_wasm.agents.control_client import Client, running
from mcp_wasm.agents.control_socket import SOCKET, claimed, connected_to, is_claimed
from mcp_wasm.agents.node import Node
from mcp_wasm.errors import CallerError, GuestError, HostError
from tests.agents import nodes
from tests.agents.nodes import agent, tree

pytestmark = pytest.mark.anyio

ABOUT = {"tree": "t", "file": "t.toml", "pid": 1, "started": 0}


class Reached:
    """A node with its control, and what a client in a thread gets of it."""

    def __init__(self, node: Node, folder: Path, stopped: asyncio.Event, made: Control) -> None:
        self.node, self.folder, self.stopped, self.made = node, folder, stopped, made

    async def call(self, do: str, **request: Any) -> Any:
        def work() -> Any:
            with Client(self.folder) as client:
                return client.call(do, **request)

        return await asyncio.to_thread(work)

    async def raw(self, *lines: bytes) -> bytes:
        """What comes back for these bytes until the end of the connection, or a line for each."""

        def work() -> bytes:
            with connected_to(self.folder / SOCKET, 10) as open_, open_.makefile("rb") as file:
                got = b""
                for line in lines:
                    try:
                        open_.sendall(line)
                    except OSError:
                        break
                    got += file.readline()
                return got

        return await asyncio.to_thread(work)


@pytest.fixture
async def reached(tmp_path: Path) -> AsyncIterator[Reached]:
    async with nodes.starting(tmp_path) as start:
        node, stopped = (
            await start(tree(agent("a"), agent("b", limits={"fuel": 50_000_000}), intensity=5)),
            asyncio.Event(),
        )
        folder = tmp_path / "trees" / "t"
        folder.mkdir(parents=True)
        made = Control(node, folder / SOCKET, ABOUT, stopped.set)
        await made.start()
        yield Reached(node, folder, stopped, made)
        await made.close()


async def test_a_tree_is_looked_at_asked_and_sent_to(reached: Reached) -> None:
    assert await reached.call("about") == ABOUT | {"node": "here"}
    views = await reached.call("views")
    assert [(view["path"], view["type"]) for view in views] == [
        ("", "supervisor"),
        ("a", "agent"),
        ("b", "agent"),
    ]
    assert await reached.call("ask", to="a", payload="hello") == {
        "reply": "hello",
        "from": "a",
        "warning": "",
    }
    sent = await reached.call("send", to="b", payload={"x": 1}, priority="medium", kind="coordination")
    assert sent["warning"] == ""
    assert sent["id"]


async def test_a_crash_is_told_as_the_guests_and_a_restart_is_one(reached: Reached) -> None:
    watch = nodes.watch(reached.node)
    with pytest.raises(GuestError, match=r"a failed: .*unreachable"):
        await reached.call("ask", to="a", payload="c")
    await reached.call("restart", to="b")
    await watch.until(lambda: [event.path for event in watch.found("restarted")] == ["a", "b"])
    state = await reached.call("state", to="a")
    assert state["agent"]["restarts"] == 1
    assert state["memory"] == {}
    events = await reached.call("events", to="b", most=1000)
    assert {event["path"] for event in events} == {"b"}
    assert "restarted" in {event["what"] for event in events}


async def test_an_unknown_priority_is_normal_with_a_warning_and_an_event(reached: Reached) -> None:
    sent = await reached.call("send", to="b", payload="x", priority="urgent")
    assert "'urgent' is not known and was taken as normal" in sent["warning"]
    assert [each.what for each in reached.node.events.recent(path="b") if each.what == "warning"] == [
        "warning"
    ]


async def test_stopping_is_answered_and_then_asked_for(reached: Reached) -> None:
    assert await reached.call("stop") is None
    await asyncio.wait_for(reached.stopped.wait(), 10)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"do": "exec"}, "a request says what to do, one of about, views"),
    ({}, "a request says what to do"),
    ({"do": ["ask"]}, "a request says what to do"),
    ({"do": "ask", "payload": 1}, "to: expected the address"),
    ({"do": "ask", "to": "a"}, "payload: expected a JSON value"),
    ({"do": "ask", "to": "a", "payload": 1, "seconds": 0}, "seconds: expected a number above 0"),
    ({"do": "ask", "to": "a", "payload": 1, "seconds": 3601}, "at most 3600"),
    ({"do": "ask", "to": "a", "payload": 1, "seconds": True}, "seconds: expected"),
    ({"do": "ask", "to": "A B", "payload": 1}, "is no address of an agent"),
    ({"do": "ask", "to": "c", "payload": 1}, "There is no agent 'c'"),
    ({"do": "send", "to": "a", "payload": 1, "kind": "reply"}, "the kind of a message: expected one of"),
    ({"do": "send", "to": "a", "payload": "x" * (1024 * 1024)}, "at most 1,048,576 bytes of JSON"),
    ({"do": "state", "to": "nobody"}, "There is no agent"),
    ({"do": "state"}, "to: expected the address"),
    ({"do": "restart", "to": "nobody"}, "There is no agent"),
    ({"do": "events", "most": 0}, "from 1 to 1,000"),
    ({"do": "events", "most": 1001}, "from 1 to 1,000"),
]


async def test_what_is_wrong_with_a_request_is_told_and_the_connection_goes_on(reached: Reached) -> None:
    lines = [json.dumps(request).encode() + b"\n" for request, _ in REFUSED]
    junk = [
        b"\n",
        b"7\n",
        b"[]\n",
        b"not json\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"do": "about"}\n',
    ]
    answers = [json.loads(line) for line in (await reached.raw(*lines, *junk)).splitlines()]
    for (request, told), answer in zip(REFUSED, answers, strict=False):
        assert answer["fault"] == "caller", request
        assert told in answer["error"]
    for answer in answers[len(REFUSED) : -1]:
        assert answer == {"error": "a request is one JSON object on a line", "fault": "caller"}
    assert "ok" in answers[-1]


async def test_a_payload_of_the_largest_size_is_taken(reached: Reached) -> None:
    text = "x" * (1024 * 1024 - 2)
    answer = await reached.call("send", to="b", payload=text)
    assert answer["id"]


async def test_a_line_that_is_too_long_ends_the_connection_with_words(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reached.made.close()
    monkeypatch.setattr(control, "LONGEST_LINE", 1000)
    await reached.made.start()
    short = b'{"do": "about", "x": "' + b"y" * 900 + b'"}\n'
    assert b'"ok"' in await reached.raw(short)
    assert b"a request has 1,000 bytes at most" in await reached.raw(b"x" * 3000 + b"\n")


async def test_so_many_connections_are_served_and_not_one_more(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "CONNECTIONS", 3)
    held = [Client(reached.folder) for _ in range(3)]
    try:
        for client in held:
            await asyncio.to_thread(client.call, "about")
        with pytest.raises(CallerError, match="3 connections are open already"):
            await reached.call("about")
    finally:
        for client in held:
            client.__exit__(None, None, None)
    await _until(lambda: not reached.made._open)
    assert await reached.call("about")


async def test_who_hangs_up_is_waited_for_no_longer(reached: Reached) -> None:
    connection = await asyncio.to_thread(connected_to, reached.folder / SOCKET, 10)
    request = {"do": "ask", "to": "b", "payload": "s", "seconds": 3600}
    connection.sendall(json.dumps(request).encode() + b"\n")
    await _until(lambda: reached.node.slots["b"].mailbox.taken == 1)
    assert len(reached.made._open) == 1
    connection.close()
    await _until(lambda: not reached.made._open)


async def test_another_user_is_turned_away_at_both_ends(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int | None] = []
    real = control_socket.peer_user

    def other(connection: socket.socket) -> int | None:
        found.append(real(connection))
        return os.geteuid() + 1

    monkeypatch.setattr(control, "peer_user", other)
    with pytest.raises(HostError, match="has ended"):
        await reached.call("about")
    assert found == [os.geteuid()]
    monkeypatch.setattr(control_socket, "peer_user", other)
    with pytest.raises(CallerError, match="another user listens there"):
        await reached.call("about")


async def test_the_socket_and_its_folder_are_private_and_go_with_the_tree(reached: Reached) -> None:
    path = reached.folder / SOCKET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(reached.folder.stat().st_mode) == 0o700
    await reached.made.close()
    assert not path.exists()
    with pytest.raises(CallerError, match="no tree listens there"):
        Client(reached.folder)


async def test_trees_that_run_are_found_and_what_a_killed_one_left_is_not(
    reached: Reached, tmp_path: Path
) -> None:
    dead = tmp_path / "trees" / "dead"
    dead.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead / SOCKET))
    assert await asyncio.to_thread(running, tmp_path / "trees") == ["t"]
    control_socket.bound_at(dead / SOCKET).close()


async def test_a_path_longer_than_a_sockets_address_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    listening = control_socket.bound_at(folder / SOCKET)
    connected_to(folder / SOCKET, 5).close()
    listening.close()


async def test_a_tree_is_run_once_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "trees" / "t"
    assert not is_claimed(folder)
    with claimed(folder):
        assert is_claimed(folder)
        told: list[str] = []

        def second() -> None:
            try:
                with claimed(folder):
                    pass
            except CallerError as error:
                told.append(str(error))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert "A tree 't' runs already" in told[0]
    assert not is_claimed(folder)
    with claimed(folder):
        pass


async def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(reached.folder) as client, pytest.raises(HostError, match=r"not answered within 0\.01 s"):
        await asyncio.to_thread(client.call, "ask", 0.01, to="b", payload="s", seconds=30)
    assert control_client.SECONDS < 60


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
