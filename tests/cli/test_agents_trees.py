from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.agents.guests import component
from tests.cli.conftest import Command
from tests.cli.trees import tree, until


@pytest.fixture
def place(tmp_path: Path) -> Path:
    component(tmp_path)
    return tmp_path


REFERRING = """
name = "{name}"

[agents.granted]
component = "base.wat"
tool = "environment"

[agents.granted.grants]
environment = [{ name = "TOKEN" }, { name = "OTHER" }]
secret = { name = "KEY", source = "env:SECRET" }

[agents.bare]
component = "base.wat"
tool = "environment"
"""


def test_what_env_says_reaches_the_agents_that_were_granted_it_and_no_others(
    place: Path, command: Command, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "base.wat").write_bytes(program("base").read_bytes())
    (place / ".env").write_text("TOKEN=from the file\nOTHER=unused\nSECRET='never shown'", encoding="utf-8")
    monkeypatch.setenv("OTHER", "from the environment")
    with tree(place, text=REFERRING):
        found = dict(json.loads(command("agents", "ask", "granted", "{}").out))
        assert found == {"TOKEN": "from the file", "OTHER": "from the environment", "KEY": "[secret KEY]"}
        assert json.loads(command("agents", "ask", "bare", "{}").out) == []


WRITING = """
name = "{name}"

[agents.tree]
component = "guests/files.wat"
tool = "write"
grants = { storage = { folder = ".", guest = "/data", write = true } }

[agents.guests]
component = "guests/files.wat"
tool = "write"
grants = { storage = { folder = "guests", guest = "/data", write = true } }

[agents.reports]
component = "guests/files.wat"
tool = "write"
grants = { storage = { folder = "reports", guest = "/data", write = true } }
"""


def test_no_agent_writes_over_the_file_that_grants_the_secrets_beside_it_or_what_agents_are_made_of(
    tmp_path: Path, command: Command, program: Callable[[str], Path]
) -> None:
    for name in ("guests", "reports"):
        (tmp_path / name).mkdir()
    (tmp_path / "guests" / "files.wat").write_bytes(program("files").read_bytes())
    with tree(tmp_path, text=WRITING):
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        for agent, file, written in (
            ("tree", "first.toml", False),
            ("tree", ".env", False),
            ("tree", "guests/files.wat", False),
            ("guests", "files.wat", False),
            ("reports", "report.md", True),
        ):
            asked = json.dumps({"dir": 0, "path": file, "size": 9})
            assert (int(command("agents", "ask", agent, asked).out) >= 0) is written, (agent, file)
    after = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert after.keys() - before.keys() == {tmp_path / "reports" / "report.md"}
    assert {file: after[file] for file in before} == before


FULL = """
name = "{name}"

[agents.refusing]
component = "agent.wasm"
batch = 1
mailbox = { capacity = 1 }

[agents.spilling]
component = "agent.wasm"
batch = 1
mailbox = { capacity = 1, overflow = "spill" }
"""


def test_a_full_mailbox_refuses_or_spills_and_what_was_spilled_outlives_the_killing_of_the_tree(
    place: Path, command: Command, home: Path
) -> None:
    def waiting(agent: str) -> str:
        """How many messages wait for it, and how many it has handled."""
        views = json.loads(command("agents", "tree", "--json").out)["views"]
        found = next(each for each in views if each["path"] == agent)
        return f"{sum(found['depths'])} {found['handled']}"

    with tree(place, name="full", text=FULL) as process:
        for agent in ("refusing", "spilling"):
            assert command("agents", "send", agent, '"s"').code == 0  # computes for long
            until(partial(waiting, agent), "^0 0$")
            assert command("agents", "send", agent, '"one"').code == 0
        full = command("agents", "send", "refusing", '"two"')
        assert (full.code, "The mailbox of refusing is full (1 messages)" in full.err) == (3, True)
        for number in range(5):
            assert command("agents", "send", "spilling", f'"message {number}"').code == 0
        assert waiting("spilling") == "6 0"
        until(partial(on_disk, home / "agents" / "full"), "^5$")
        process.kill()
    with tree(place, name="full", text=FULL):
        until(partial(waiting, "spilling"), "^0 5$")


def on_disk(folder: Path) -> str:
    """How many messages are written in a tree's folder."""
    for file in folder.glob("spill*.sqlite"):
        database = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(database):
            return str(database.execute("SELECT count(*) FROM messages").fetchone()[0])
    return "0"
