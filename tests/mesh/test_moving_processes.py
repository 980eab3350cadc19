"""An agent moves between trees that are real processes, one of which is killed in the midst of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.guests import component
from tests.mesh.servers import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(90)]

TREE = """
children = ["keeper"]
[agents.keeper]
component = "agent.wasm"
per = "life"
{standby}
[mesh]
name = "moves"
"""


@contextlib.asynccontextmanager
async def command(folder: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    line = [sys.executable, "-m", "mcp_wasm", "agents", *words, "--home", str(folder / "home")]
    made = await asyncio.create_subprocess_exec(*line, stdout=pipe, stderr=pipe)
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.communicate()


async def said(folder: Path, *words: str) -> tuple[int | None, str]:
    async with command(folder, *words) as made:
        out, err = await made.communicate()
        return made.returncode, (out + err).decode()


async def run(stack: contextlib.AsyncExitStack, folder: Path, name: str) -> asyncio.subprocess.Process:
    """A tree that runs, called as its node."""
    words = ("run", str(folder / f"{name}.toml"), "--name", name, "--node", name)
    made = await stack.enter_async_context(command(folder, *words))
    assert made.stderr is not None
    lines = [await made.stderr.readline()]
    while b"runs." not in lines[-1]:
        assert lines[-1], f"{name} ended: {lines}"
        lines.append(await made.stderr.readline())
    return made


async def phase(folder: Path, name: str) -> str:
    _, out = await said(folder, "tree", "--tree", name, "--json")
    views: list[dict[str, Any]] = json.loads(out)["views"]
    return next(str(view["phase"]) for view in views if view["path"] == "keeper")


async def test_an_agent_has_one_node_and_all_its_state_after_a_move_in_which_a_node_was_killed(
    tmp_path: Path,
) -> None:
    component(tmp_path)
    for name, standby in (("one", ""), ("two", 'standby = ["one"]')):
        (tmp_path / f"{name}.toml").write_text(TREE.format(standby=standby), encoding="utf-8")
    async with contextlib.AsyncExitStack() as stack:
        await run(stack, tmp_path, "one")
        two = await run(stack, tmp_path, "two")
        assert (await said(tmp_path, "ask", "--tree", "one", "keeper", '"k1"'))[0] == 0
        assert await phase(tmp_path, "two") == "standby"
        code, text = await said(tmp_path, "move", "--tree", "one", "keeper", "two")
        assert (code, await phase(tmp_path, "one")) == (0, "standby"), text
        back = asyncio.create_task(said(tmp_path, "move", "--tree", "two", "keeper", "one"))
        watched = tmp_path / "home" / "agents" / "two" / "memory.sqlite-wal"
        before = watched.read_bytes()
        await until(lambda: back.done() or watched.read_bytes() != before)  # it gives the agent away
        two.kill()
        await back
        await run(stack, tmp_path, "two")
        while sorted(phases := [await phase(tmp_path, name) for name in ("one", "two")]) != [
            "standby",
            "waiting",
        ]:
            assert phases.count("waiting") < 2
        code, text = await said(tmp_path, "ask", "--tree", "one", "keeper", '"k2"')
        assert (code, text.strip()) == (0, '"k1"')
