from __future__ import annotations

import pytest

from mcp_wasm.agents.child_spec import ChildSpec
from mcp_wasm.agents.events import Event
from mcp_wasm.agents.links import Links
from mcp_wasm.agents.message import Message
from tests.agents.children import Stage, branch, stage, tree, worker


class Heard:
    """What links made happen."""

    def __init__(self) -> None:
        self.killed: list[tuple[str, str]] = []
        self.told: list[tuple[str, str, str, str]] = []
        self.noted: list[tuple[str, str, str]] = []
        self.links = Links(lambda path, why: self.killed.append((path, why)), self._tell, self._note)

    def _tell(self, message: Message) -> None:
        value = message.value
        assert message.sender == "system"
        self.told.append((message.to, message.kind, value["path"], value["reason"]))

    def _note(self, path: str, what: str, detail: str) -> None:
        self.noted.append((path, what, detail))


def living(*paths: str) -> Heard:
    heard = Heard()
    for path in paths:
        heard.links.born(path)
    return heard


def test_the_failure_of_one_makes_the_other_exit_with_its_reason() -> None:
    for dies, other in (("a", "b"), ("b", "a")):
        heard = living("a", "b")
        heard.links.link("a", "b")
        heard.links.died(dies, "boom")
        assert heard.killed == [(other, "boom")]
        assert heard.noted == [(other, "linked_exit", f"{dies}: boom")]
        heard.links.died(other, "boom")
        assert len(heard.killed) == 1, "they answered each other"


@pytest.mark.parametrize(
    ("reason", "traps", "killed", "told"),
    [
        ("normal", False, [], []),
        ("normal", True, [], [("b", "exit", "a", "normal")]),
        ("shutdown", False, [("b", "shutdown")], []),
        ("boom", True, [], [("b", "exit", "a", "boom")]),
    ],
)
def test_a_normal_end_harms_nobody_and_one_that_traps_exits_is_told(
    reason: str, traps: bool, killed: list[tuple[str, str]], told: list[tuple[str, str, str, str]]
) -> None:
    heard = living("a", "b")
    heard.links.link("a", "b")
    heard.links.trap("b", on=traps)
    heard.links.died("a", reason)
    assert (heard.killed, heard.told) == (killed, told)


def test_a_circle_of_links_ends_each_once() -> None:
    heard = living("a", "b", "c")
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        heard.links.link(one, other)
    heard.links.died("a", "boom")
    for path, why in heard.killed:
        heard.links.died(path, why)
    assert sorted(set(heard.killed)) == [("b", "boom"), ("c", "boom")]
    assert not any(heard.links.linked(path) for path in "abc")


def test_one_that_came_back_is_not_taken_along_by_the_end_that_it_caused() -> None:
    heard = Heard()
    heard.links.declare_tree(tree(worker("a", links=("b",)), worker("b")))
    heard.links.born("a")
    heard.links.born("b")
    heard.links.died("a", "boom")
    heard.links.born("a")  # b was made to exit, and has not gone yet
    heard.links.died("b", "boom")
    assert heard.killed == [("b", "boom")]
    heard.links.born("b")
    assert heard.links.linked("a") == {"b"}


def test_a_monitor_is_told_of_any_end_once_and_is_harmed_by_none() -> None:
    heard = living("a", "b")
    heard.links.monitor("b", "a")
    heard.links.died("a", "normal")
    heard.links.born("a")
    heard.links.died("a", "boom")
    assert heard.told == [("b", "down", "a", "normal")]
    assert heard.killed == []


def test_the_death_of_the_watcher_undoes_its_monitors() -> None:
    heard = living("a", "b")
    heard.links.monitor("b", "a")
    heard.links.died("b", "boom")
    assert heard.links.watchers("a") == frozenset()
    heard.links.died("a", "boom")
    assert heard.told == []


def test_links_and_monitors_to_nobody_answer_at_once() -> None:
    heard = living("a")
    heard.links.monitor("a", "b")
    heard.links.link("a", "b")
    assert heard.told == [("a", "down", "b", "noproc")]
    assert heard.killed == [("a", "noproc")]


def test_what_was_undone_has_no_effect() -> None:
    heard = living("a", "b")
    heard.links.link("a", "b")
    heard.links.monitor("b", "a")
    heard.links.unlink("b", "a")
    heard.links.demonitor("b", "a")
    heard.links.died("a", "boom")
    assert (heard.killed, heard.told) == ([], [])


def test_what_specs_say_holds_again_after_each_start() -> None:
    heard = Heard()
    heard.links.declare_tree(
        tree(worker("a", links=("tier/b",)), branch("tier", worker("b", monitors=("a",))))
    )
    for _ in range(2):
        heard.links.born("a")
        heard.links.born("tier/b")
        assert heard.links.linked("a") == {"tier/b"}
        assert heard.links.watchers("a") == {"tier/b"}
        heard.links.died("a", "boom")
        heard.links.died("tier/b", "boom")
    assert heard.killed == [("tier/b", "boom")] * 2
    assert heard.told == [("tier/b", "down", "a", "boom")] * 2


def test_what_is_gone_for_good_leaves_nothing_behind() -> None:
    heard = Heard()
    spec: ChildSpec = worker("a", links=("b",), monitors=("b",))
    heard.links.declare("a", spec)
    for path in ("a", "b"):
        heard.links.seen(Event(0, path, "ready"))
    heard.links.trap("a")
    heard.links.seen(Event(0, "a", "forgotten"))
    tables = [table for name, table in vars(heard.links).items() if isinstance(table, dict | set)]
    assert [table for table in tables if table] == [{"b"}]  # b lives, and nothing else is known


@pytest.mark.anyio
async def test_linked_children_of_a_running_tree_come_back_together() -> None:
    async with stage() as on:
        links = _linked(on, [])
        spec = tree(worker("a"), worker("b", links=("a",)), worker("c"), intensity=2)
        links.declare_tree(spec)
        on.events.observe(links.seen)
        await on.start(spec)
        await on.exit("a", "!boom")
        await on.until(lambda: on.did.count("+b") == 2)
        await on.settled()
        assert on.what("exited") == [("a", "boom"), ("b", "boom")]
        assert on.did.count("+c") == 1
        assert links.linked("a") == {"b"}


@pytest.mark.anyio
async def test_the_stop_of_a_tree_with_links_and_monitors_stays_in_order() -> None:
    async with stage() as on:
        told: list[Message] = []
        links = _linked(on, told)
        spec = tree(worker("a"), worker("b", links=("a",)), worker("c", links=("b",), monitors=("a",)))
        links.declare_tree(spec)
        on.events.observe(links.seen)
        await on.start(spec)
        on.supervisor.stop()
        assert await on.ended() == "shutdown"
        assert next(each for each in on.did if each[0] == "-") == "-c"
        assert on.living == []


def _linked(on: Stage, told: list[Message]) -> Links:
    def kill(path: str, reason: str) -> None:
        on.supervisor.kill(path, reason)

    return Links(kill, told.append, lambda _path, _what, _detail: None)
