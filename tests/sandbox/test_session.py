"""Sessions: instances that live between calls, for those who were granted them, and end as they should."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import NOTHING, Environment, Grant, Nn, gather
from mcp_wasm.capability.grant import Sessions as Granted
from mcp_wasm.errors import (
    Busy,
    CallerError,
    CapabilityDenied,
    DeadlineExceeded,
    FuelExhausted,
    HandlesExhausted,
    InvalidArguments,
    SessionEnded,
    Trap,
)
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.session import Sessions, _fixed

COUNTERS = Path(__file__).parents[1] / "programs" / "counters.wat"


class Tools:
    """The counters' tools, called by one client under some grants."""

    def __init__(self, runtime: Runtime, client: str = "local", *approved: Grant) -> None:
        self.runtime, self.client, self.approved = runtime, client, approved or (Granted(),)

    def __call__(self, name: str, limits: dict[str, object] | None = None, /, **arguments: Any) -> Any:
        outcome = self.runtime.call_sync(
            f"counters_{name}", arguments, limits=limits, client=self.client, approved=self.approved
        )
        return outcome.value


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with Runtime(home=tmp_path) as runtime:
        runtime.add(COUNTERS)
        yield runtime


@pytest.fixture
def tools(runtime: Runtime) -> Tools:
    return Tools(runtime)


def sessions(runtime: Runtime) -> Sessions:
    return runtime.services.shared(Sessions)


def test_state_lives_between_calls(tools: Tools) -> None:
    counter = tools("new_counter", start=40)
    assert tools("counter_add", self=counter, by=1) == 41
    assert tools("counter_add", self=counter, by=1) == 42


def test_resources_of_one_client_meet(tools: Tools) -> None:
    a, b = tools("new_counter", start=1), tools("new_counter", start=2)
    both = tools("counter_merge", a=a, b=b)
    assert tools("counter_add", self=both, by=0) == 3


def test_what_a_call_takes_is_used_up(tools: Tools) -> None:
    a, b = tools("new_counter", start=1), tools("new_counter", start=2)
    tools("counter_merge", a=a, b=b)
    with pytest.raises(InvalidArguments, match="/self: expected a handle that is still valid"):
        tools("counter_add", self=a, by=1)


def test_a_handle_cannot_be_taken_twice_by_one_call(tools: Tools) -> None:
    a = tools("new_counter", start=1)
    with pytest.raises(InvalidArguments, match="/b: expected a handle that the call does not take already"):
        tools("counter_merge", a=a, b=a)
    assert tools("counter_add", self=a, by=1) == 2


def test_a_handle_of_another_resource_names_both(tools: Tools) -> None:
    lid = tools("make_lid")
    with pytest.raises(InvalidArguments, match="expected a handle to a counter, got a handle to a lid"):
        tools("counter_add", self=lid, by=1)


@pytest.mark.parametrize("text", ["", "abc", "A" * 22, "A" * 22 + ".", "A" * 22 + ".1\n", 7, None])
def test_what_is_no_handle_says_what_was_expected(tools: Tools, text: object) -> None:
    with pytest.raises(InvalidArguments, match="/self: expected a handle to a counter that another tool"):
        tools("counter_add", self=text, by=1)


def test_nothing_is_kept_without_a_grant(runtime: Runtime) -> None:
    with pytest.raises(CapabilityDenied, match="mcp-wasm grants add counters sessions") as denied:
        runtime.call_sync("counters_new_counter", {"start": 1})
    assert denied.value.report.denials[0].capability == "sessions"
    assert len(sessions(runtime)) == 0


def test_a_handle_is_of_no_use_without_the_grant(runtime: Runtime, tools: Tools) -> None:
    counter = tools("new_counter", start=1)
    with pytest.raises(CapabilityDenied):
        runtime.call_sync("counters_counter_add", {"self": counter, "by": 1})


def test_another_client_cannot_use_a_handle_nor_learn_that_it_exists(runtime: Runtime, tools: Tools) -> None:
    counter = tools("new_counter", start=1)
    other = Tools(runtime, "other")
    with pytest.raises(SessionEnded, match="there is no such session") as theirs:
        other("counter_add", self=counter, by=1)
    invented = "A" * 22 + ".1"
    with pytest.raises(SessionEnded) as nobodys:
        other("counter_add", self=invented, by=1)
    assert theirs.value.why == nobodys.value.why
    assert tools("counter_add", self=counter, by=1) == 2


def test_handles_of_two_sessions_do_not_meet(runtime: Runtime, tools: Tools) -> None:
    mine = tools("new_counter", start=1)
    theirs = Tools(runtime, "other")("new_counter", start=1)
    with pytest.raises(InvalidArguments, match="handles of one session"):
        tools("counter_merge", a=mine, b=theirs)


def test_a_trap_ends_the_session_and_says_so_afterwards(runtime: Runtime, tools: Tools) -> None:
    counter = tools("new_counter", start=1)
    with pytest.raises(Trap):
        tools("counter_fail", self=counter)
    assert len(sessions(runtime)) == 0
    with pytest.raises(SessionEnded, match=r"its session ended: The guest trapped.*Make a new one"):
        tools("counter_add", self=counter, by=1)
    assert tools("counter_add", self=tools("new_counter", start=1), by=1) == 2


@pytest.mark.parametrize(
    ("limits", "error"), [({"fuel": 100_000}, FuelExhausted), ({"deadline": 0.05}, DeadlineExceeded)]
)
def test_a_limit_ends_the_session(
    runtime: Runtime, tools: Tools, limits: dict[str, object], error: type[Exception]
) -> None:
    counter = tools("new_counter", start=1)
    with pytest.raises(error):
        tools("counter_spin", limits, self=counter)
    with pytest.raises(SessionEnded):
        tools("counter_add", self=counter, by=1)
    assert len(sessions(runtime)) == 0


def test_each_call_has_a_budget_of_its_own(tools: Tools) -> None:
    counter = tools("new_counter", {"fuel": 2000}, start=0)
    for number in range(1, 50):
        assert tools("counter_add", {"fuel": 2000}, self=counter, by=1) == number


def test_one_call_at_a_time(runtime: Runtime, tools: Tools) -> None:
    counter = tools("new_counter", start=1)
    busy = next(iter(sessions(runtime)._living.values())).busy
    with busy, pytest.raises(Busy, match="This session"):
        tools("counter_add", self=counter, by=1)
    with busy, pytest.raises(Busy, match="This session"):
        tools("new_counter", start=1)
    assert tools("counter_add", self=counter, by=1) == 2


def test_an_endless_call_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with Runtime(home=tmp_path, limits=Limits(fuel=10**15, deadline=10**6)) as runtime:
        runtime.add(COUNTERS)
        tools = Tools(runtime)
        counter = tools("new_counter", start=1)
        failed: list[BaseException] = []

        def spin() -> None:
            try:
                tools("counter_spin", self=counter)
            except BaseException as error:  # noqa: BLE001 - told below
                failed.append(error)

        thread = threading.Thread(target=spin)
        thread.start()
        living = next(iter(sessions(runtime)._living.values()))
        while not living.busy.locked():
            pass
    thread.join()
    assert type(failed[0]).__name__ == "Cancelled"


def test_as_many_sessions_as_granted_and_not_one_more(runtime: Runtime) -> None:
    clients = [Tools(runtime, f"c{number}", Granted(most=2)) for number in range(3)]
    first, second = (client("new_counter", start=1) for client in clients[:2])
    with pytest.raises(CallerError, match="2 sessions, and 2 may live at once"):
        clients[2]("new_counter", start=1)
    assert clients[0]("counter_finish", it=first) == 1  # its last handle: the session is over
    assert clients[2]("new_counter", start=1)
    assert clients[1]("counter_add", self=second, by=1) == 2


def test_as_many_handles_as_allowed_and_not_one_more(tmp_path: Path) -> None:
    with Runtime(home=tmp_path, limits=Limits(resources=3)) as runtime:
        runtime.add(COUNTERS)
        tools = Tools(runtime)
        for _ in range(3):
            tools("new_counter", start=1)
        with pytest.raises(HandlesExhausted):
            tools("new_counter", start=1)


def test_an_idle_session_ends_by_itself(tmp_path: Path) -> None:
    now = [100.0]
    with Runtime(home=tmp_path) as runtime:
        runtime.add(COUNTERS)
        found = runtime.services._shared[Sessions] = Sessions(runtime.services, lambda: now[0])
        tools = Tools(runtime, "local", Granted(idle=10))
        counter = tools("new_counter", start=1)
        now[0] += 9.9
        assert found.expire() == pytest.approx(0.1)
        assert tools("counter_add", self=counter, by=1) == 2
        now[0] += 10.1
        assert found.expire() == float("inf")
        with pytest.raises(SessionEnded, match="not used for 10 s"):
            tools("counter_add", self=counter, by=1)


def test_a_replaced_component_ends_its_sessions(runtime: Runtime, tools: Tools, tmp_path: Path) -> None:
    counter = tools("new_counter", start=1)
    other = tmp_path / "counters.wat"
    other.write_text(COUNTERS.read_text(encoding="utf-8") + ";; other", encoding="utf-8")
    text = other.read_text(encoding="utf-8").replace("(i32.const 16))", "(i32.const 20))")
    other.write_text(text, encoding="utf-8")
    runtime.add(other)
    with pytest.raises(SessionEnded, match="its component was replaced"):
        tools("counter_add", self=counter, by=1)


def test_a_model_that_was_opened_is_of_no_use_without_its_grant() -> None:
    """What stands behind its handle asks for no grant again, so the session ends with the grant."""
    granted = gather([Nn(("m",), Path("/models"))])
    assert _fixed(granted) != _fixed(NOTHING)


def test_grants_that_an_instance_cannot_change_end_its_session(runtime: Runtime, tools: Tools) -> None:
    counter = tools("new_counter", start=1)
    changed = Tools(runtime, "local", Granted(), Environment("A", "b"))
    with pytest.raises(SessionEnded, match="the grants of its component have changed"):
        changed("counter_add", self=counter, by=1)


def test_one_that_takes_long_to_end_holds_up_nobody_else(runtime: Runtime, tools: Tools) -> None:
    """Its connections may have to be closed, to a server that does not answer."""
    ending, may_end = threading.Event(), threading.Event()

    def end() -> None:
        ending.set()
        may_end.wait(60)

    counter = tools("new_counter", start=1)
    next(iter(sessions(runtime)._living.values())).live.call.at_end(end)
    thread = threading.Thread(target=lambda: tools("counter_finish", it=counter))
    thread.start()
    try:
        assert ending.wait(60)
        other = Tools(runtime, "other")
        assert other("counter_add", self=other("new_counter", start=1), by=1) == 2
    finally:
        may_end.set()
        thread.join()


def test_one_whose_call_has_not_ended_is_let_go_by_that_call(runtime: Runtime, tools: Tools) -> None:
    """The workers are waited for, but not for ever: the store of one that is late is still in use."""
    tools("new_counter", start=1)
    found = sessions(runtime)
    session = next(iter(found._living.values()))
    ended: list[bool] = []
    session.live.call.at_end(lambda: ended.append(True))
    session.busy.acquire()
    found.close()
    assert not ended
    found._leave(session, "")
    assert ended
    assert len(found) == 0


def test_nothing_is_left_behind(runtime: Runtime, tools: Tools) -> None:
    before = threading.active_count()
    for _ in range(50):
        counter = tools("new_counter", start=1)
        assert tools("counter_finish", it=counter) == 1
    assert len(sessions(runtime)) == 0
    assert threading.active_count() <= before + 10  # workers, and one that ends idle sessions
