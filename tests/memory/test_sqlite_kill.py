"""``kill -9`` at random points while processes write: nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_wasm.memory.protocol import ENTRY_BYTES
from mcp_wasm.memory.sqlite import Sqlite
from tests.memory.writing_child import THREADS, Step, steps

ROOT = Path(__file__).parents[2]
CHILD = ROOT / "tests" / "memory" / "writing_child.py"


@dataclass(frozen=True, slots=True)
class Written:
    """What one thread of a killed process had been told is kept: its first ``acknowledged`` steps."""

    bucket: str
    seed: str
    acknowledged: int

    def may_hold(self) -> list[tuple[dict[str, bytes], int]]:
        """What its bucket holds and how often it added: without and with the step that it was at."""
        held: dict[str, bytes] = {}
        added, found = 0, []
        for number, step in enumerate(itertools.islice(steps(self.seed), self.acknowledged + 1), 1):
            if number > self.acknowledged:
                found.append((dict(held), added))
            added += _follow(held, step)
        return [*found, (held, added)]


def _follow(held: dict[str, bytes], step: Step) -> bool:
    kind, items = step
    if kind == "delete":
        for key in items:
            held.pop(key, None)
    else:
        held |= items
    return kind == "add"


def killed(how: str, path: Path, names: tuple[str, ...], chance: random.Random) -> list[Written]:
    """Let one process a name write, kill them all somewhere, and return what they had been told."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    seeds = {name: str(chance.random()) for name in names}
    children = {
        name: subprocess.Popen(
            [sys.executable, str(CHILD), how, str(path), name, seeds[name]],
            stdout=subprocess.PIPE,
            env=environment,
        )
        for name in names
    }
    said = dict.fromkeys(names, b"")
    for name, child in children.items():
        assert child.stdout is not None
        for _ in range(chance.randrange(0, 80)):
            said[name] += child.stdout.readline()
    sum(range(chance.randrange(300_000)))  # so that it falls anywhere within a write
    for child in children.values():
        os.kill(child.pid, signal.SIGKILL)
    for name, child in children.items():
        said[name] += child.communicate()[0]
        assert child.returncode == -signal.SIGKILL
    told = {name: [int(line.split()[0]) for line in text.splitlines()] for name, text in said.items()}
    return [
        Written(f"{name}{thread}", f"{seeds[name]}{thread}", told[name].count(thread))
        for name, thread in itertools.product(names, range(THREADS))
    ]


def check(path: Path, written: list[Written], count: int) -> int:
    """Every bucket holds what it may; ``count`` is the shared number before. The shared number now."""
    least = most = count
    with closing(Sqlite(path)) as store:
        for thread in written:
            keys = store.list_keys(thread.bucket).keys
            values = [value or b"" for value in store.get_many(thread.bucket, keys)]
            found = dict(zip(keys, values, strict=True))
            fitting = [added for held, added in thread.may_hold() if held == found]
            assert fitting, f"{thread.bucket} after {thread.acknowledged} acknowledged steps"
            least, most = least + min(fitting), most + max(fitting)
            usage = store.usage(thread.bucket)
            assert usage.keys == len(found)
            assert usage.bytes == sum(len(k) + len(v) + ENTRY_BYTES for k, v in found.items())
        now = int(store.get("shared", "count") or 0)
    assert least <= now <= most
    return now


def run(folder: Path, rounds: int, seed: int, how: str = "store") -> int:
    """So many kills of processes that write to one file; how many steps were acknowledged."""
    path, chance = folder / "state" / "keyvalue.sqlite", random.Random(seed)
    everything: list[Written] = []
    count = 0
    for turn in range(rounds):
        names = (f"one{turn}-", f"two{turn}-")[: 1 + turn % 2]
        written = killed(how, path, names, chance)
        count = check(path, written, count)
        everything += written
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(Sqlite(path)) as store:
        # What earlier rounds were told is still there after the later ones.
        for thread in everything:
            held = [held for held, _ in thread.may_hold()]
            keys = store.list_keys(thread.bucket).keys
            assert dict(zip(keys, store.get_many(thread.bucket, keys), strict=True)) in held
        assert store.increment("shared", "count", 1) == count + 1
    return sum(thread.acknowledged for thread in everything)


@pytest.mark.timeout(60)
def test_a_few_kills_lose_no_acknowledged_write(tmp_path: Path) -> None:
    assert run(tmp_path, rounds=4, seed=1) > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_no_acknowledged_write(tmp_path: Path) -> None:
    assert run(tmp_path, rounds=100, seed=2) > 2_500


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kills_of_servers_whose_guests_write_lose_no_acknowledged_write(tmp_path: Path) -> None:
    assert run(tmp_path, rounds=30, seed=3, how="guest") > 500
