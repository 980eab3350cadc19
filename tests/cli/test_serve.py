from __future__ import annotations

import contextlib
import json
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.cli.serve import _address, _sum
from mcp_wasm.config.model import Config, Http
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.code_tools import CODE_TOOLS
from mcp_wasm.server.search import PAIR
from tests.cli.conftest import Command, start

PROMPT = 10

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def call(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def lines(*messages: dict[str, Any]) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def test_stdio_answers_until_the_input_ends(folder: Path) -> None:
    child = start(["serve", "--components", folder, "--no-bundled"])
    assert child.stdin is not None
    assert child.stdout is not None
    answers = []
    for message in (
        INITIALIZE,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        call(2, "tools/list"),
        call(3, "tools/call", name="tiny_add", arguments={"a": 2, "b": 3}),
    ):
        child.stdin.write(lines(message))
        child.stdin.flush()
        if "id" in message:
            answers.append(json.loads(child.stdout.readline()))
    out, err = child.communicate(timeout=PROMPT)
    assert (child.returncode, out, err) == (0, "", "")
    assert answers[0]["result"]["serverInfo"]["version"].startswith("0.")
    assert "tiny_add" in {tool["name"] for tool in answers[1]["result"]["tools"]}
    assert answers[2]["result"]["structuredContent"] == {"result": 5}


def test_the_search_pair_alone_is_listed_when_asked_for(folder: Path) -> None:
    child = start(["serve", "--components", folder, "--no-bundled", "--tools", "search"])
    out, _ = child.communicate(lines(INITIALIZE, call(2, "tools/list")), timeout=PROMPT)
    listed = json.loads(out.splitlines()[1])["result"]["tools"]
    assert {tool["name"] for tool in listed} == PAIR | CODE_TOOLS


def test_http_asks_for_the_token_of_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_WASM_TOKEN", "open sesame")
    child = start(["serve", "--components", folder, "--no-bundled", "--http", "127.0.0.1:0"])
    assert child.stderr is not None
    url = child.stderr.readline().split()[-1]
    request = urllib.request.Request(url, data=json.dumps(INITIALIZE).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    request.add_header("Accept", "application/json, text/event-stream")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PROMPT)
    refused.value.close()
    request.add_header("Authorization", "Bearer open sesame")
    with urllib.request.urlopen(request, timeout=PROMPT) as answer:
        accepted = answer.status
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=PROMPT)
    assert (refused.value.code, accepted, child.returncode) == (401, 200, 0)


def test_beyond_loopback_without_a_token_is_refused(command: Command) -> None:
    ran = command("serve", "--http", "0.0.0.0:0", "--no-bundled")
    assert ran.code == 2
    assert "a token" in ran.err


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_server_ends_its_background_builds(folder: Path) -> None:
    """The bundled tools' build has a process of its own, which must not outlive the server."""
    child = start(["serve", "--components", folder], start_new_session=True)
    out, err = child.communicate(lines(INITIALIZE), timeout=PROMPT)
    assert (child.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[0])["id"] == 1
    assert running(child.pid) == []


def running(group: int) -> list[str]:
    """The processes of a group; one that has ended counts no more, whether or not anybody took note."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            name, _, rest = path.read_text(encoding="utf-8").partition(") ")
            state, _parent, own = rest.split()[:3]
            if int(own) == group and state not in "ZX":
                found.append(name)
    return found


def test_a_folder_to_load_from_has_to_be_there(command: Command, tmp_path: Path) -> None:
    ran = command("serve", "--no-bundled", "--allow-load", tmp_path / "missing")
    assert ran.code == 2
    assert "there is no folder" in ran.err


def test_what_was_denied_is_summed_up() -> None:
    told = _sum({("fetch", "network"): 1200, ("fetch", "keyvalue"): 1})
    assert told == "Denied while serving: fetch keyvalue 1, fetch network 1,200"


ADDRESSES = [
    (None, Http(), None),
    (None, Http(port=80), ("127.0.0.1", 80)),
    (None, Http("::1", 0), ("::1", 0)),
    ("8000", Http("10.0.0.1", 1), ("10.0.0.1", 8000)),
    ("localhost:8000", Http(port=1), ("localhost", 8000)),
    ("[::1]:8000", Http(), ("::1", 8000)),
]


@pytest.mark.parametrize(("given", "http", "address"), ADDRESSES)
def test_the_address_is_read(given: str | None, http: Http, address: tuple[str, int] | None) -> None:
    assert _address(given, Config(http=http)) == address


@pytest.mark.parametrize(
    "given", ["", "host", "host:", ":80", "host:-1", "host:65536", "host:８０", "host:80:"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidSettings, match="HOST:PORT"):
        _address(given, Config())
