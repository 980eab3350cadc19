from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_wasm.agents import spill
from mcp_wasm.agents.child_spec import MailboxSpec
from mcp_wasm.agents.mailbox import Mailbox
from mcp_wasm.agents.message import Message, Priority
from mcp_wasm.agents.ports import Delivery, Settle
from mcp_wasm.agents.spill import Spills
from mcp_wasm.errors import MailboxFull, SpillFailed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tree" / "messages.db"


@pytest.fixture
def spills(path: Path) -> Iterator[Spills]:
    made = Spills(path)
    yield made
    made.close()


def delivery(number: int, priority: Priority = Priority.NORMAL, settle: Settle | None = None) -> Delivery:
    return Delivery(Message(str(number), "s", "a", f'"ü{number}"', 7, priority, "request", "re", 2), settle)


def mailbox(spills: Spills, capacity: int = 4, bound: int = 1000, *, kept: bool = False) -> Mailbox:
    return Mailbox(MailboxSpec(capacity, "spill", {}, bound), "a", spills.of("a", kept=kept))


def drain(box: Mailbox, most: int = 7) -> list[Message]:
    out: list[Message] = []
    while len(box):
        out += [each.message for each in asyncio.run(box.take(most))]
    return out


def test_what_does_not_fit_waits_on_disk_and_comes_back_in_order_as_it_was(spills: Spills) -> None:
    box = mailbox(spills)
    for number in range(2000 // 2):
        box.put(delivery(number))
    assert (len(box), box.depths, box.spilled) == (1000, (0, 0, 1000, 0), 996)
    assert drain(box) == [delivery(number).message for number in range(1000)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(steps=st.lists(st.tuples(st.sampled_from(list(Priority)), st.integers(0, 4)), max_size=60))
def test_the_order_of_each_lane_holds_whatever_is_on_disk(
    tmp_path: Path, steps: list[tuple[Priority, int]]
) -> None:
    made = Spills(tmp_path / "m.db")
    box, out = mailbox(made, capacity=3), list[Message]()
    for number, (priority, most) in enumerate(steps):
        box.put(delivery(number, priority))
        if most and len(box):
            out += [each.message for each in asyncio.run(box.take(most))]
    out += drain(box)
    made.close()
    for lane in Priority:
        expected = [str(number) for number, (priority, _) in enumerate(steps) if priority is lane]
        assert [message.id for message in out if message.priority is lane] == expected


def test_a_spill_takes_its_bound_and_refuses_the_next(spills: Spills) -> None:
    box = mailbox(spills, capacity=1, bound=2)
    for number in range(3):
        box.put(delivery(number))
    with pytest.raises(MailboxFull):
        box.put(delivery(3))
    assert (len(box), box.refused) == (3, 1)


def test_the_file_is_private_and_is_made_by_the_first_message_only(spills: Spills, path: Path) -> None:
    box = mailbox(spills, capacity=1)
    box.put(delivery(0))
    assert not path.exists()
    box.put(delivery(1))
    spills.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_mailbox_that_is_kept_has_its_messages_again_and_another_begins_empty(path: Path) -> None:
    first = Spills(path)
    for address in ("kept", "other"):
        box = Mailbox(MailboxSpec(1, "spill"), address, first.of(address, kept=True))
        for number in range(5):
            box.put(delivery(number))
    first.close()
    again = Spills(path)
    kept = Mailbox(MailboxSpec(1, "spill"), "kept", again.of("kept", kept=True))
    assert [message.id for message in drain(kept)] == ["1", "2", "3", "4"]
    assert len(Mailbox(MailboxSpec(1, "spill"), "other", again.of("other"))) == 0
    kept.put(delivery(9))
    kept.put(delivery(10))
    assert [message.id for message in drain(kept)] == ["9", "10"]
    again.close()


def test_what_its_sender_gives_again_is_settled_from_disk_and_not_kept(path: Path) -> None:
    heard: list[str] = []
    first = Spills(path)
    box = mailbox(first, capacity=1, kept=True)
    box.put(delivery(0))
    box.put(delivery(1))
    box.put(delivery(2, settle=lambda what, _why: heard.append(what)))
    first.close()
    assert [each.settle is not None for each in asyncio.run(box.take(1))] == [False]
    assert len(mailbox(Spills(path), kept=True)) == 1
    second = Spills(path)
    box = mailbox(second, capacity=1)
    for number in range(3):
        box.put(delivery(number, settle=lambda what, _why: heard.append(what)))
    for each in asyncio.run(box.take(1)) + box.close("end"):
        assert each.settle is not None
        each.settle("handled", "")
    assert heard == ["handled"] * 3
    second.close()


CHILD = """
import sys
from pathlib import Path
from mcp_wasm.agents.child_spec import MailboxSpec
from mcp_wasm.agents.mailbox import Mailbox
from mcp_wasm.agents.message import Message
from mcp_wasm.agents.ports import Delivery
from mcp_wasm.agents.spill import Spills
spills = Spills(Path(sys.argv[1]))
box = Mailbox(MailboxSpec(1, "spill"), "a", spills.of("a", kept=True))
for number in range(500):
    box.put(Delivery(Message(str(number), "s", "a", "null", 0)))
with spills.lock:
    spills.lock.wait_for(lambda: not spills._pending)
print("written", flush=True)
sys.stdin.read()
"""


def test_what_is_written_survives_the_killing_of_the_process(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        os.kill(child.pid, signal.SIGKILL)
    again = Spills(path)
    assert [message.id for message in drain(mailbox(again, kept=True))] == [str(n) for n in range(1, 500)]
    again.close()


def test_a_damaged_file_and_a_file_of_another_are_refused_with_words(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(SpillFailed, match=r"messages\.db: the file is damaged.*Move it away"):
        Spills(path).of("a")
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    with pytest.raises(SpillFailed, match="no file of messages of this version"):
        Spills(path).of("a")


def test_a_row_that_is_no_message_is_refused_with_words(path: Path) -> None:
    first = Spills(path)
    box = mailbox(first, capacity=1)
    box.put(delivery(0))
    box.put(delivery(1))
    first.close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE messages SET body = x'FF00'")
    other.close()
    again = Spills(path)
    with pytest.raises(SpillFailed, match="damaged"):
        asyncio.run(mailbox(again, kept=True).take(1))
    again.close()


@pytest.mark.parametrize("what", ["folder", "link"])
def test_a_file_that_cannot_be_written_makes_the_mailbox_refuse_with_the_reason(
    path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(spill, "PENDING", 2)
    made = Spills(path)
    box = mailbox(made, capacity=1)
    path.parent.mkdir()
    path.mkdir() if what == "folder" else path.symlink_to(path.parent / "elsewhere")
    for number in range(3):
        box.put(delivery(number))
    with pytest.raises(MailboxFull, match="On disk nothing more can be kept"):
        box.put(delivery(3))
    assert [message.id for message in drain(box)] == ["0", "1", "2"]
    made.close()


def test_a_spill_takes_so_many_bytes_and_refuses_the_next(spills: Spills) -> None:
    box = Mailbox(MailboxSpec(1, "spill", disk=100), "a", spills.of("a"))
    sent = filled(box)
    assert 2 <= sent < 10
    assert len(drain(box)) == sent
    assert filled(box) == sent


def filled(box: Mailbox) -> int:
    """How many messages it took."""
    for number in itertools.count():
        try:
            box.put(delivery(number % 10))
        except MailboxFull:
            return number
    raise AssertionError
