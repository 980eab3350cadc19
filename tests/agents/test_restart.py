"""OTP's cases as a table.

``SUITE`` names a case of its ``supervisor_SUITE``, ``docs`` is the manual, ``source`` is ``supervisor.erl``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, Restart, Strategy, SupervisorSpec
from mcp_wasm.agents.restart import OUTCOMES, SCOPES, Decision, Rules, check, counted, decide, exited_well
from mcp_wasm.errors import CallerError


@dataclass(frozen=True)
class Child:
    restart: Restart = "permanent"
    significant: bool = False
    running: bool = True


P, T, X = Child("permanent"), Child("transient"), Child("temporary")
REST = Child("transient", running=False)
ST, SX = Child("transient", significant=True), Child("temporary", significant=True)


def places(*children: Child) -> dict[str, Child]:
    return dict(zip("abcdefgh", children, strict=False))


def done(stop: str = "", start: str = "", forget: str = "", end: str | None = None) -> dict[str, Any]:
    return {"stop": tuple(stop), "start": tuple(start), "forget": tuple(forget), "end": end}


ONE: Strategy = "one_for_one"
ALL: Strategy = "one_for_all"
REST_: Strategy = "rest_for_one"
SIMPLE: Strategy = "simple_one_for_one"
ANY = Rules(ONE, auto_shutdown="any_significant")
EVERY = Rules(ONE, auto_shutdown="all_significant")

CASES: list[tuple[str, Rules, dict[str, Child], str, str, dict[str, Any]]] = [
    ("SUITE:permanent_normal", Rules(ONE), places(P), "a", "normal", done(start="a")),
    ("SUITE:transient_normal", Rules(ONE), places(T), "a", "normal", done()),
    ("SUITE:temporary_normal", Rules(ONE), places(X), "a", "normal", done(forget="a")),
    ("SUITE:permanent_shutdown", Rules(ONE), places(P), "a", "shutdown", done(start="a")),
    ("SUITE:permanent_shutdown, a term", Rules(ONE), places(P), "a", "shutdown: x", done(start="a")),
    ("SUITE:transient_shutdown", Rules(ONE), places(T), "a", "shutdown", done()),
    ("SUITE:transient_shutdown, a term", Rules(ONE), places(T), "a", "shutdown: x", done()),
    ("SUITE:temporary_shutdown", Rules(ONE), places(X), "a", "shutdown", done(forget="a")),
    ("SUITE:temporary_shutdown, a term", Rules(ONE), places(X), "a", "shutdown: x", done(forget="a")),
    ("SUITE:permanent_abnormal", Rules(ONE), places(P), "a", "abnormal", done(start="a")),
    ("SUITE:transient_abnormal", Rules(ONE), places(T), "a", "abnormal", done(start="a")),
    ("SUITE:temporary_abnormal", Rules(ONE), places(X), "a", "abnormal", done(forget="a")),
    ("SUITE:temporary_bystander, one for all", Rules(ALL), places(P, X), "a", "killed",
     done(stop="b", start="a", forget="b")),
    ("SUITE:temporary_bystander, rest for one", Rules(REST_), places(P, X), "a", "killed",
     done(stop="b", start="a", forget="b")),
    ("SUITE:one_for_one", Rules(ONE), places(P, P), "a", "abnormal", done(start="a")),
    ("SUITE:one_for_one_escalation", Rules(ONE, 0), places(P, P), "a", "abnormal",
     done(stop="b", end="shutdown")),
    ("SUITE:one_for_all", Rules(ALL), places(P, P), "a", "abnormal", done(stop="b", start="ab")),
    ("SUITE:one_for_all_escalation", Rules(ALL, 0), places(P, P, P), "b", "abnormal",
     done(stop="ca", end="shutdown")),
    ("SUITE:simple_one_for_one", Rules(SIMPLE), places(P, P), "b", "abnormal", done(start="b")),
    ("SUITE:simple_one_for_one_escalation", Rules(SIMPLE, 0), places(P, P), "a", "abnormal",
     done(stop="b", end="shutdown")),
    ("SUITE:rest_for_one", Rules(REST_), places(P, P, P), "b", "abnormal", done(stop="c", start="bc")),
    ("SUITE:rest_for_one, the first", Rules(REST_), places(P, P, P), "a", "abnormal",
     done(stop="cb", start="abc")),
    ("SUITE:rest_for_one, the last", Rules(REST_), places(P, P, P), "c", "abnormal", done(start="c")),
    ("SUITE:rest_for_one_escalation", Rules(REST_, 0), places(P, P), "a", "abnormal",
     done(stop="b", end="shutdown")),
    ("source, start_children: one for all starts what had ended too", Rules(ALL), places(P, REST, P), "c",
     "abnormal", done(stop="a", start="abc")),
    ("source, del_child: an ended child of a template is dropped", Rules(SIMPLE), places(T, T), "a", "normal",
     done(forget="a")),
    ("docs:one_for_all, an exit that restarts nothing", Rules(ALL), places(T, P), "a", "normal",
     done()),
    ("docs:never ignores the significant", Rules(ONE), places(ST, P), "a", "normal", done()),
    ("docs:any, a transient one that ended well", ANY, places(P, ST, ST, P), "b", "normal",
     done(stop="dca", end="shutdown")),
    ("docs:any, a temporary one that failed", ANY, places(SX, P),
     "a", "abnormal", done(stop="b", forget="a", end="shutdown")),
    ("docs:any, a transient one that failed is started again", ANY,
     places(ST, P), "a", "abnormal", done(start="a")),
    ("docs:any, one that is not significant", ANY, places(T, ST), "a",
     "normal", done()),
    ("docs:all, not the last", EVERY, places(ST, ST, P), "a", "normal",
     done()),
    ("docs:all, the last", EVERY,
     places(ST, Child("transient", significant=True, running=False), P), "a", "normal",
     done(stop="c", end="shutdown")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "children", "id_", "reason", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_child_s_exit_is_decided_as_otp_does(
    rules: Rules, children: dict[str, Child], id_: str, reason: str, expected: dict[str, Any]
) -> None:
    found = decide(rules, children, id_, reason, (), 100.0)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("intensity", "times", "ends"),
    [
        (0, [0.0], True),
        (1, [0.0], False),
        (1, [0.0, 5.0], True),  # a restart exactly one period ago still counts
        (1, [0.0, 5.001], False),
        (2, [0.0, 1.0], False),
        (2, [0.0, 1.0, 2.0], True),
        (2, [0.0, 4.0, 6.0, 9.5], False),
        (2, [0.0, 4.0, 6.0, 8.0], True),
    ],
)
def test_more_than_intensity_restarts_within_the_period_end_the_supervisor(
    intensity: int, times: list[float], ends: bool
) -> None:
    """docs: MaxR in MaxT; supervisor_SUITE:multiple_restarts."""
    rules = Rules("one_for_one", intensity, 5.0)
    history: tuple[float, ...] = ()
    for now in times[:-1]:
        earlier = decide(rules, places(P), "a", "crash", history, now)
        assert earlier.end is None
        history = earlier.history
    last = decide(rules, places(P), "a", "crash", history, times[-1])
    assert (last.end, last.gave_up) == (("shutdown", True) if ends else (None, False))


def test_every_exit_has_an_outcome_and_every_strategy_a_scope() -> None:
    assert {restart for restart, _ in OUTCOMES} == set(get_args(Restart))
    assert len(OUTCOMES) == 2 * len(get_args(Restart))
    assert set(SCOPES) == set(get_args(Strategy))


@pytest.mark.parametrize(
    ("reason", "well"),
    [("normal", True), ("shutdown", True), ("shutdown: done", True), ("killed", False), ("shut", False),
     ("shutdowns", False), ("unhealthy", False), ("", False)],
)  # fmt: skip
def test_normal_and_shutdown_are_no_failures(reason: str, well: bool) -> None:
    assert exited_well(reason) is well


def _agent(id_: str, **spec: Any) -> ChildSpec:
    return ChildSpec(id_, AgentSpec("x.wasm"), **spec)


REFUSED = [
    ("SUITE:sup_flags, a strategy", {"strategy": "none"}, "strategy"),
    ("SUITE:sup_flags, an intensity", {"intensity": -1}, "intensity"),
    ("SUITE:sup_flags, a period", {"period": 0}, "period"),
    ("SUITE:child_specs, the same id", {"children": (_agent("a"), _agent("a"))}, "two children"),
    ("SUITE:child_specs, a restart", {"children": (_agent("a", restart="prmanent"),)}, "restart"),
    ("SUITE:child_specs, a shutdown", {"children": (_agent("a", shutdown=-1),)}, "shutdown"),
    ("a template", {"strategy": "simple_one_for_one"}, "exactly one"),
    ("docs:significant needs auto_shutdown",
     {"children": (_agent("a", restart="transient", significant=True),)}, "auto_shutdown"),
    ("docs:a permanent child is not significant",
     {"children": (_agent("a", significant=True),), "auto_shutdown": "any_significant"}, "not permanent"),
    ("an id that is no part of an address", {"children": (_agent("A/b"),)}, "lowercase"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_spec_that_otp_refuses_is_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(CallerError, match=said):
        check(SupervisorSpec(**spec), "above")


# Properties: a tree of one level lives through random exits by carrying out what is decided.

children = st.lists(
    st.builds(Child, st.sampled_from(get_args(Restart)), st.booleans(), st.booleans()), min_size=1, max_size=8
)
rules = st.builds(
    Rules,
    st.sampled_from(get_args(Strategy)),
    st.integers(0, 4),
    st.sampled_from([1.0, 5.0]),
    st.sampled_from(["never", "any_significant", "all_significant"]),
)
reasons = st.sampled_from(["normal", "shutdown", "shutdown: x", "crash", "killed"])


def _carried_out(found: Decision, living: dict[str, Child], exited: str) -> dict[str, Child]:
    def now(child: Child, *, running: bool) -> Child:
        return Child(child.restart, child.significant, running)

    after = {id_: now(child, running=child.running and id_ != exited) for id_, child in living.items()}
    for id_ in found.stop:
        after[id_] = now(after[id_], running=False)
    for id_ in found.forget:
        del after[id_]
    for id_ in found.start:
        assert not after[id_].running, "started while it ran"
        after[id_] = now(after[id_], running=True)
    return after


@given(rules, children, st.lists(st.tuples(st.integers(0, 7), reasons, st.floats(0, 3)), max_size=12))
def test_random_exits_keep_the_order_the_types_and_the_intensity(
    rules: Rules, given_: list[Child], exits: list[tuple[int, str, float]]
) -> None:
    living, now, restarts = places(*given_), 0.0, list[float]()
    history: tuple[float, ...] = ()
    order = list(living)
    for index, reason, later in exits:
        now += later
        running = [id_ for id_, child in living.items() if child.running]
        if not running:
            return
        id_ = running[index % len(running)]
        found = decide(rules, living, id_, reason, history, now)
        assert list(found.start) == sorted(found.start, key=order.index)
        assert list(found.stop) == sorted(found.stop, key=order.index, reverse=True)
        assert id_ not in found.stop
        assert all(living[each].restart != "temporary" for each in found.start)
        assert not set(found.forget) & set(found.start)
        if found.start:
            assert id_ in found.start
        again = OUTCOMES[living[id_].restart, exited_well(reason)] == "restart"
        restarts += [now] * again
        within = sum(now - time <= rules.period for time in restarts)
        assert found.gave_up == (again and within > rules.intensity)
        assert bool(found.start) == (again and not found.gave_up)
        living, history = _carried_out(found, living, id_), found.history
        if found.end is not None:
            assert not found.start
            assert not any(child.running for child in living.values()), "one runs after the end"
            return


@given(st.lists(st.floats(0, 100), max_size=30), st.floats(0.1, 20))
def test_only_the_restarts_of_the_last_period_are_kept(times: list[float], period: float) -> None:
    history: tuple[float, ...] = ()
    for now in sorted(times):
        history = counted(Rules(period=period), history, now)
        assert (
            history
            == tuple(time for time in sorted(times) if time <= now and now - time <= period)[: len(history)]
        )
        assert history[-1] == now
