from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import anyio
import pytest
from mcp import Client, StdioServerParameters

CHILD = Path(__file__).with_name("child.py")
Program = Callable[[str], Path]
Start = Callable[..., "Server"]

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "0"},
}


def request(id_: int | str, method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode() + b"\n"


def call(id_: int | str, tool: str, **arguments: Any) -> bytes:
    return request(id_, "tools/call", name=tool, arguments=arguments)


INITIALIZE = request(0, "initialize", **HELLO)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


class Server:
    """A server process and the two ends of its pipes."""

    def __init__(self, command: list[str], **streams: Any) -> None:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        self.process = cast(subprocess.Popen[bytes], subprocess.Popen(command, **streams))

    @property
    def input(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def send(self, *lines: bytes) -> None:
        self.input.write(b"".join(lines))
        self.input.flush()

    def receive(self) -> dict[str, Any]:
        line = self.output.readline()
        assert line, "the server has closed its output"
        message: dict[str, Any] = json.loads(line)
        return message

    def greet(self) -> None:
        self.send(INITIALIZE, INITIALIZED)
        assert self.receive()["result"]["capabilities"]["tools"]["listChanged"] is True

    def add(self, id_: int = 77) -> None:
        self.send(call(id_, "demo_add", a=20, b=22))
        answer = self.receive()
        assert (answer["id"], answer["result"]["structuredContent"]) == (id_, {"result": 42})

    def ends(self) -> int:
        """The exit code; the server has far longer than the second it is allowed, for slow machines."""
        return self.process.wait(timeout=8)


def command(program: Program, *settings: str) -> list[str]:
    return [sys.executable, str(CHILD), "stdio", str(program("server_tools")), *settings]


@pytest.fixture
def start(program: Program) -> Iterator[Start]:
    running: list[Server] = []

    def begin(*settings: str, **streams: Any) -> Server:
        running.append(Server(command(program, *settings), **streams))
        return running[-1]

    yield begin
    for server in running:
        server.process.kill()
        server.process.wait()
        for stream in (server.process.stdin, server.process.stdout, server.process.stderr):
            if stream is not None:
                stream.close()


@pytest.mark.anyio
async def test_a_client_of_either_era_lists_and_calls(program: Program, era: str) -> None:
    first, *rest = command(program)
    parameters = StdioServerParameters(command=first, args=rest, env=dict(os.environ))
    with anyio.fail_after(15):
        async with Client(parameters, mode=era) as client:
            assert "demo_add" in [tool.name for tool in (await client.list_tools()).tools]
            result = await client.call_tool("demo_add", {"a": 1, "b": 2})
            assert result.structured_content == {"result": 3}
            with anyio.move_on_after(0.3):
                await client.call_tool("demo_spin", {})
            result = await client.call_tool("demo_repeat", {"text": "x" * 1000, "times": 900})
            assert len(result.structured_content["result"]) == 900_000


UNSERVABLE: list[tuple[bytes, int, int | None]] = [
    (b"garbage\n", -32700, None),
    (b"{" * 100_000 + b"\n", -32700, None),
    (b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":' + b"[" * 100_000 + b"\n", -32700, 5),
    (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":"\\ud800"}}\n', -32700, 5),
    (b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}\n', -32700, None),
    (b"\xff\xfe\xfd\n", -32700, None),
    (b"\x00\n", -32700, None),
    (b"[]\n", -32600, None),
    (b'"ping"\n', -32600, None),
    (b'{"jsonrpc":"1.0","id":5,"method":"ping"}\n', -32600, 5),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}\n', -32600, None),
    (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":[1]}\n', -32600, 5),
    (request(5, "no/such/method"), -32601, 5),
    (request(5, "tools/call"), -32602, 5),
    (request(5, "tools/call", name=7), -32602, 5),
    (request(5, "tools/call", name="demo_add", arguments=[1]), -32602, 5),
    (request(5, "tools/call", name="x" * 100_000), -32602, 5),
    (request(5, "tools/list", cursor="nonsense"), -32602, 5),
    (b'{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":"' + b"x" * 3_000_000 + b'"}}\n', -32600, 5),
]


def test_what_cannot_be_served_is_answered_and_the_next_call_works(start: Start) -> None:
    server = start("line_limit=2000000")
    server.greet()
    for line, code, id_ in UNSERVABLE:
        server.send(line)
        answer = server.receive()
        assert (answer["error"]["code"], answer["id"]) == (code, id_), line[:100]
        assert len(json.dumps(answer)) < 2000
        server.add()


HOSTILE_ARGUMENTS = [
    b'{"a":NaN,"b":1}',
    b'{"a":1e999,"b":1}',
    b'{"a":-Infinity,"b":1}',
    b'{"a":1.5,"b":1}',
    b'{"a":' + b"9" * 3000 + b',"b":1}',
    b'{"a":' + b"[" * 150 + b"]" * 150 + b',"b":1}',
    b'{"a":' + b'{"a":' * 150 + b"1" + b"}" * 150 + b',"b":1}',
    b'{"a":"' + b"x" * 1_000_000 + b'","b":1}',
    b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}",
    b'{"\\u0000":1,"b":1}',
]


def test_hostile_arguments_cost_one_call_and_a_short_answer(start: Start) -> None:
    server = start()
    server.greet()
    for arguments in HOSTILE_ARGUMENTS:
        head = b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"demo_add","arguments":'
        server.send(head + arguments + b"}}\n")
        answer = server.receive()
        assert answer["id"] == 5
        assert "Internal error" not in json.dumps(answer), arguments[:100]
        assert "error" in answer or answer["result"]["isError"], arguments[:100]
        assert len(json.dumps(answer)) < 20_000
        server.add()


@pytest.mark.parametrize("meta", [5, None, "x", [], {}, {"progressToken": []}])
def test_a_strange_first_request_does_not_end_the_server(start: Start, meta: object) -> None:
    server = start()
    server.send(request(1, "tools/list", _meta=meta))
    assert server.receive()["error"]["code"] == -32602
    server.greet()
    server.send(request(2, "tools/call", name="demo_add", arguments={"a": 1, "b": 2}, _meta=meta))
    assert server.receive()["id"] == 2
    server.add()


def test_a_call_before_the_handshake_is_refused(start: Start) -> None:
    server = start()
    server.send(call(1, "demo_add", a=1, b=2))
    assert server.receive()["error"]["code"] == -32602


def test_a_shortened_call_is_as_strict_as_any_other(start: Start) -> None:
    server = start()
    server.greet()
    strange: list[dict[str, Any]] = [
        {"name": None},
        {"name": "demo_add", "arguments": {"a": 1, "b": 2}, "_meta": "x"},
        {"name": "demo_add", "arguments": []},
        {"name": "demo_add", "arguments": {}, "task": 5},
        {"name": ["demo_add"], "arguments": {"a": 1, "b": 2}},
        {"name": "demo_add", "arguments": {"a": 1, "b": 2}, "_meta": {"progressToken": {}}},
    ]
    for number, params in enumerate(strange):
        server.send(request(number, "tools/call", **params))
        answer = server.receive()
        assert answer["id"] == number
        assert answer["error"]["code"] == -32602, params
    server.send(request(99, "tools/call", name="demo_add", arguments={"a": 1, "b": 2}, other=1, _meta={}))
    assert server.receive()["result"]["structuredContent"] == {"result": 3}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("demo_add", {"a": 1, "b": 2}),
        ("demo_add", {"a": "x"}),
        ("demo_find", {"name": ""}),
        ("demo_picture", {}),
        ("demo_nothing", {}),
        ("demo_trap", {}),
        ("nobody", {}),
    ],
)
def test_the_short_way_and_the_long_way_give_the_same_answer(
    start: Start, tool: str, arguments: dict[str, Any]
) -> None:
    server = start()
    server.greet()
    answers = []
    for extra in ({}, {"longer": True}):
        server.send(request(1, "tools/call", name=tool, arguments=arguments, **extra))
        answer = server.receive()
        answer.get("result", {}).get("_meta", {}).pop("mcp-wasm/cost", None)
        answers.append(answer)
    assert answers[0] == answers[1]


def test_blank_lines_and_carriage_returns_do_not_matter(start: Start) -> None:
    server = start()
    server.send(b"\n  \r\n" + INITIALIZE.replace(b"\n", b"\r\n") + b"\n\n" + INITIALIZED)
    server.receive()
    server.add()


def test_a_message_may_come_byte_by_byte_and_many_at_once(start: Start) -> None:
    server = start()
    server.greet()
    for at in range(len(line := call(1, "demo_add", a=1, b=1))):
        server.send(line[at : at + 1])
    assert server.receive()["id"] == 1
    server.send(b"".join(call(number, "demo_add", a=number, b=0) for number in range(300)))
    assert {server.receive()["id"] for _ in range(300)} == set(range(300))


def test_what_is_printed_in_the_process_never_reaches_the_protocol(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    server = start("noisy=1", stderr=subprocess.DEVNULL)
    server.greet()
    for number in range(50):
        server.add(number)


def test_a_request_before_the_end_of_input_is_still_answered(start: Start) -> None:
    server = start()
    out, _ = server.process.communicate(INITIALIZE + INITIALIZED + call(1, "demo_add", a=1, b=2), timeout=15)
    answers = {answer["id"]: answer for answer in map(json.loads, out.splitlines())}
    assert answers[1]["result"]["structuredContent"] == {"result": 3}
    assert server.ends() == 0


@pytest.mark.parametrize("stop", ["end of input", signal.SIGTERM, signal.SIGINT])
def test_the_end_ends_running_guests_and_the_process(start: Start, stop: signal.Signals | str) -> None:
    server = start()
    server.greet()
    server.send(b"".join(call(number, "demo_spin") for number in range(4)))
    server.send(request(9, "ping"))
    assert server.receive()["id"] == 9  # the calls have begun
    if isinstance(stop, str):
        server.input.close()
    else:
        server.process.send_signal(stop)
    assert server.ends() == 0


def test_a_client_that_goes_away_ends_the_process(start: Start) -> None:
    server = start()
    server.greet()
    server.output.close()
    server.send(call(1, "demo_repeat", text="x" * 1000, times=900))
    assert server.ends() == 0


def test_a_client_that_reads_late_gets_every_answer_and_the_server_holds_few(start: Start) -> None:
    server = start()
    server.greet()
    count = 150
    lines = b"".join(call(number, "demo_repeat", text="x" * 1000, times=900) for number in range(count))
    server.send(lines)
    answers = {server.receive()["id"] for _ in range(count)}
    assert answers == set(range(count))
    peak = Path(f"/proc/{server.process.pid}/status")
    if peak.exists():
        (line,) = [line for line in peak.read_text().splitlines() if line.startswith("VmHWM")]
        assert int(line.split()[1]) < 600_000  # all answers together are 270 MB, held several times over


def test_input_and_output_may_be_files(start: Start, tmp_path: Path) -> None:
    asked, answered = tmp_path / "in", tmp_path / "out"
    asked.write_bytes(INITIALIZE + INITIALIZED + call(1, "demo_add", a=1, b=2).rstrip())
    with asked.open("rb") as stdin, answered.open("wb") as stdout:
        assert start(stdin=stdin, stdout=stdout).ends() == 0
    assert [json.loads(line)["id"] for line in answered.read_bytes().splitlines()] == [0, 1]


def test_input_and_output_may_be_one_socket(start: Start) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = start(stdin=theirs.fileno(), stdout=theirs.fileno())
        theirs.close()
        with ours.makefile("rb") as answers:
            ours.sendall(INITIALIZE + INITIALIZED + call(1, "demo_add", a=1, b=2))
            assert [json.loads(answers.readline())["id"] for _ in range(2)] == [0, 1]
            ours.shutdown(socket.SHUT_WR)
            assert server.ends() == 0


def test_input_and_output_may_be_a_terminal(start: Start) -> None:
    ours, theirs = pty.openpty()
    server = start(stdin=theirs, stdout=theirs)
    os.close(theirs)
    os.write(ours, request(1, "ping"))
    answer = b""
    while b'"result"' not in answer:
        answer += os.read(ours, 4096)  # the terminal echoes the request first
    os.write(ours, b"\x04")
    assert server.ends() == 0
    os.close(ours)


def test_no_input_at_all_ends_the_process(start: Start) -> None:
    assert start(stdin=subprocess.DEVNULL).ends() == 0


def test_closed_streams_are_refused_with_a_word(program: Program) -> None:
    shell = " ".join(command(program)) + " <&-"
    done = subprocess.run(shell, shell=True, capture_output=True, timeout=15, check=False)
    assert done.returncode != 0
    assert b"standard input: expected an open stream" in done.stderr


def test_the_descriptors_are_as_before_when_serving_is_over(program: Program) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(
            command(program), stdin=subprocess.DEVNULL, stdout=theirs.fileno(), timeout=15, check=True
        )
        assert done.returncode == 0
        assert os.get_blocking(theirs.fileno())
