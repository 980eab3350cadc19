from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.audit.file import CURRENT, AppendFile
from mcp_wasm.audit.record import Arguments, Denied, Record, line, timestamp
from mcp_wasm.audit.sink import append, folder_of
from mcp_wasm.cli.audit import following
from tests.cli.conftest import Command, start

NOW = time.time()


def call(number: int, outcome: str = "ok", **rest: object) -> Record:
    fields: dict[str, object] = {"tool": "demo_add", "component": "demo", "client": "token ci"} | rest
    return Record(at=NOW - 1000 + number, id=f"{number}", event="call", outcome=outcome, **fields)  # type: ignore[arg-type]


RECORDS = [
    call(1, fuel=1234, ms=1.5, digest="ab" * 32, arguments=Arguments("00", 2)),
    call(2, "limit:fuel", tool="demo_spin"),
    call(3, denials=(Denied("network", "GET https://example.com/", "no grant", "demo", 2),)),
    Record(at=NOW - 500, id="4", event="grant", component="demo", detail="network"),
    Record(at=NOW - 400, id="5", event="lost", count=7),
]


@pytest.fixture
def log(home: Path) -> Path:
    append(folder_of(home), RECORDS)
    return folder_of(home)


def test_the_log_is_a_table_the_last_record_at_its_end(command: Command, log: Path) -> None:
    ran = command("audit")
    rows = ran.out.splitlines()
    assert rows[0].split() == [
        "TIME",
        "EVENT",
        "CLIENT",
        "TOOL",
        "DIGEST",
        "OUTCOME",
        "FUEL",
        "MS",
        "DETAILS",
    ]
    assert len(rows) == 6
    assert "demo_add" in rows[1]
    assert "abababababab" in rows[1]
    assert "1,234" in rows[1]
    assert "network: GET https://example.com/" in rows[3]
    assert "7 records" in rows[5]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["-n", "2"], ["4", "5"]),
        (["--tool", "demo_spin"], ["2"]),
        (["--component", "demo"], ["1", "2", "3", "4"]),
        (["--client", "token ci", "-n", "1"], ["3"]),
        (["--outcome", "limit"], ["2"]),
        (["--denied"], ["3"]),
        (["--event", "grant"], ["4"]),
        (["--since", timestamp(NOW - 450)], ["5"]),
        (["--since", "7d", "--tool", "demo_add"], ["1", "3"]),
    ],
)
def test_what_is_asked_for_is_shown(command: Command, log: Path, words: list[str], ids: list[str]) -> None:
    out = command("audit", "--json", *words).out
    assert [json.loads(text)["id"] for text in out.splitlines()] == ids


def test_the_summary_has_sums(command: Command, log: Path) -> None:
    out = command("audit", "--summary").out
    assert "failures      1 (33.3 %)" in out
    assert "demo       network  2" in out
    document = json.loads(command("audit", "--summary", "--json").out)
    assert (document["calls"], document["failures"], document["fuel"], document["lost"]) == (3, 1, 1234, 7)
    assert document["denials"] == [{"component": "demo", "capability": "network", "count": 2}]


HOSTILE = "\x1b[2Jgone\x9b31m\u202etxet\r\nforged  call"


def test_a_hostile_record_moves_no_cursor_and_forges_no_row(command: Command, home: Path) -> None:
    record = call(
        1, HOSTILE, tool=HOSTILE, client=HOSTILE, denials=(Denied(HOSTILE, HOSTILE, HOSTILE, HOSTILE),)
    )
    append(folder_of(home), [record])
    for words in ([], ["--json"], ["--summary"], ["--summary", "--json"]):
        out = command("audit", *words).out
        assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(out), words
    assert len(command("audit").out.splitlines()) == 2


def test_a_torn_line_and_another_programs_lines_are_told_and_passed_over(command: Command, log: Path) -> None:
    with (log / CURRENT).open("ab") as file:
        file.write(b'\x1b]0;title\x07\n{"v":1,"time":"2026-')
    ran = command("audit", "--json")
    assert len(ran.out.splitlines()) == 5
    assert "2 lines could not be read" in ran.err


def test_an_empty_log_says_where_it_looked(command: Command) -> None:
    ran = command("audit")
    assert (ran.code, ran.out) == (0, "")
    assert "no such records" in ran.err


@pytest.mark.parametrize("words", [["--since", "yesterday"], ["-n", "-1"], ["-n", "many"]])
def test_wrong_flags_are_named(command: Command, words: list[str]) -> None:
    ran = command("audit", *words)
    assert ran.code == 2
    assert words[1] in ran.err


def test_following_sees_what_comes_also_past_a_rotation(tmp_path: Path) -> None:
    file = AppendFile(tmp_path, max_bytes=400, keep=9)
    numbers = iter(range(20))

    def write() -> None:
        number = next(numbers)
        file.append(line(call(number)))

    seen = following(tmp_path, 0, write)
    assert [next(seen).id for _ in range(12)] == [str(number) for number in range(12)]
    file.close()


def test_a_server_writes_what_it_did_and_the_command_shows_it(
    command: Command, folder: Path, program: Callable[[str], Path]
) -> None:
    messages = [
        {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "t", "version": "0"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
         "params": {"name": "tiny_add", "arguments": {"a": 1, "b": 2}}},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
         "params": {"name": "tiny_crash", "arguments": {}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "nothing", "arguments": {}}},
    ]  # fmt: skip
    served = start(["serve", "--components", folder, "--no-bundled"])
    assert served.stdin is not None
    assert served.stdout is not None
    for message in messages:
        served.stdin.write(json.dumps(message) + "\n")
    served.stdin.flush()
    answers = {json.loads(served.stdout.readline())["id"] for _ in range(4)}
    served.communicate(timeout=15)
    assert answers == {0, 1, 2, 3}
    found = [json.loads(text) for text in command("audit", "--json", "--event", "call").out.splitlines()]
    assert sorted((each["tool"], each["outcome"], each["client"], each["transport"]) for each in found) == [
        ("nothing", "unknown tool", "local", "stdio"),
        ("tiny_add", "ok", "local", "stdio"),
        ("tiny_crash", "trap", "local", "stdio"),
    ]


def test_a_server_whose_log_cannot_be_written_says_so_and_does_not_begin(home: Path, folder: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "audit").write_text("a file", encoding="utf-8")
    served = start(["serve", "--components", folder, "--no-bundled"])
    _, err = served.communicate("", timeout=15)
    assert served.returncode == 2
    assert "audit log" in err
    (home / "mcp-wasm.toml").write_text("[audit]\nenabled = false\n", encoding="utf-8")
    served = start(["serve", "--components", folder, "--no-bundled"])
    _, err = served.communicate("", timeout=15)
    assert served.returncode == 0, err


def test_what_was_granted_and_revoked_is_shown_bounded_and_safe(command: Command, home: Path) -> None:
    grants = (f"storage: {'x' * 400}", "clock: \x1b[2J", "random: ", "sessions: ", "logging: ")
    append(folder_of(home), [Record(at=NOW, id="1", event="revoke", component="demo", grants=grants)])
    row = command("audit").out.splitlines()[1]
    assert "storage: xxx" in row
    assert "clock: \\x1b[2J" in row
    assert row.endswith("and 2 more")
    assert len(row) < 400
