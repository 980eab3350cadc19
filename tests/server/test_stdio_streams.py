from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
from pathlib import Path

from tests.server.stdio_server import (
    INITIALIZE,
    INITIALIZED,
    Program,
    Start,
    call,
    command,
    request,
)


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
