"""What a supervisor does when a child exits: Erlang/OTP's rules, as tables. Pure.

It starts and stops nothing and knows no clock: ``decide`` is given the children, the exit and the
time, and says what is to be done. Source: the documentation of OTP's ``supervisor`` module ("Supervision
Principles"), and its behaviour where that is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from mcp_wasm.agents.address import check_part
from mcp_wasm.agents.child_spec import AutoShutdown, Restart, Strategy, SupervisorSpec
from mcp_wasm.errors import CallerError

NORMAL = "normal"
SHUTDOWN = "shutdown"
_SHUTDOWN_BECAUSE = "shutdown:"
"""Begins an exit's reason that is OTP's ``{shutdown, Term}``."""


class Place(Protocol):
    """A child as its supervisor knows it.

    ``running`` holds from its start until its exit has been decided on, and while it is to be started
    again; not of one that was stopped, or that ended and stays so.
    """

    @property
    def restart(self) -> Restart: ...  # noqa: D102
    @property
    def significant(self) -> bool: ...  # noqa: D102
    @property
    def running(self) -> bool: ...  # noqa: D102


Places = Mapping[str, Place]
"""The children by id, in the order in which they are started."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What of a supervisor's spec decides; ``period`` in seconds."""

    strategy: Strategy = "one_for_one"
    intensity: int = 1
    period: float = 5.0
    auto_shutdown: AutoShutdown = "never"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, in this order: stop, forget, then end or start.

    ``stop`` is in the order of stopping. ``forget`` are children that are not known any more. ``end`` is the
    reason with which the supervisor itself exits; ``gave_up`` says that it is because of too many
    restarts. ``history`` are the times of the restarts that count from now on, oldest first.
    """

    history: tuple[float, ...]
    stop: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    end: str | None = None
    gave_up: bool = False


Outcome = Literal["restart", "rest", "forget"]
"""Start it again; keep its spec; drop its spec."""

OUTCOMES: Mapping[tuple[Restart, bool], Outcome] = {
    ("permanent", True): "restart",
    ("permanent", False): "restart",
    ("transient", True): "rest",
    ("transient", False): "restart",
    ("temporary", True): "forget",
    ("temporary", False): "forget",
}
"""What becomes of a child that exited, by its restart type and whether it exited well."""


def _only(_ids: Sequence[str], id_: str) -> Sequence[str]:
    return (id_,)


def _all(ids: Sequence[str], _id: str) -> Sequence[str]:
    return ids


def _rest(ids: Sequence[str], id_: str) -> Sequence[str]:
    return ids[ids.index(id_) :]


SCOPES: Mapping[Strategy, Callable[[Sequence[str], str], Sequence[str]]] = {
    "one_for_one": _only,
    "simple_one_for_one": _only,
    "one_for_all": _all,
    "rest_for_one": _rest,
}
"""Which children, in order, are stopped and started because of the exit of one."""


def exited_well(reason: str) -> bool:
    """Whether an exit is no failure: ``normal``, ``shutdown``, or ``shutdown: …``."""
    return reason in {NORMAL, SHUTDOWN} or reason.startswith(_SHUTDOWN_BECAUSE)


def decide(  # noqa: PLR0917 - what is given, in the order of the sentence
    rules: Rules, places: Places, id_: str, reason: str, history: Sequence[float], now: float
) -> Decision:
    """What is to be done now that the child ``id_`` has exited.

    A restart that failed is decided like an exit, with the reason of the failure. Times are seconds of one
    clock.
    """
    place = places[id_]
    outcome = OUTCOMES[place.restart, exited_well(reason)]
    if outcome == "restart":
        return _restarted(rules, places, id_, history, now)
    # A dynamic child of a template has no spec of its own that could be kept.
    forget = (id_,) if outcome == "forget" or rules.strategy == "simple_one_for_one" else ()
    kept = tuple(history)
    if _ends_with(rules, places, id_):
        return Decision(kept, _running(places, without=id_), forget, end=SHUTDOWN)
    return Decision(kept, forget=forget)


def counted(rules: Rules, history: Sequence[float], now: float) -> tuple[float, ...]:
    """``history`` with a restart now, without those more than a period ago."""
    return (*(time for time in history if now - time <= rules.period), now)


def _restarted(rules: Rules, places: Places, id_: str, history: Sequence[float], now: float) -> Decision:
    times = counted(rules, history, now)
    if len(times) > rules.intensity:
        return Decision(times, _running(places, without=id_), end=SHUTDOWN, gave_up=True)
    # One child's exit must not cost a look at ten thousand others.
    ids = (id_,) if SCOPES[rules.strategy] is _only else tuple(places)
    scope = SCOPES[rules.strategy](ids, id_)
    return Decision(
        times,
        stop=tuple(each for each in reversed(scope) if each != id_ and places[each].running),
        forget=tuple(each for each in scope if places[each].restart == "temporary"),
        start=tuple(each for each in scope if places[each].restart != "temporary"),
    )


def _ends_with(rules: Rules, places: Places, id_: str) -> bool:
    """Whether the supervisor ends because ``id_`` has, by ``auto_shutdown``."""
    if rules.auto_shutdown == "never" or not places[id_].significant:
        return False
    if rules.auto_shutdown == "any_significant":
        return True
    return not any(place.significant and place.running for each, place in places.items() if each != id_)


def _running(places: Places, *, without: str) -> tuple[str, ...]:
    return tuple(each for each in reversed(tuple(places)) if each != without and places[each].running)


def check(spec: SupervisorSpec, path: str) -> Rules:
    """The rules of ``spec``, of the supervisor at ``path``.

    Raises:
        CallerError: OTP refuses such a spec, or an id is no part of an address.
    """
    where = f"the supervisor {path!r}" if path else "the tree's root"
    if spec.strategy not in SCOPES:
        raise CallerError(f"{where}: strategy: expected one of {', '.join(SCOPES)}, got {spec.strategy!r}")
    if spec.intensity < 0 or not spec.period > 0:
        raise CallerError(
            f"{where}: expected an intensity of 0 or more restarts and a period of more than 0 seconds, "
            f"got {spec.intensity} and {spec.period:g}"
        )
    if spec.strategy == "simple_one_for_one" and len(spec.children) != 1:
        raise CallerError(
            f"{where}: simple_one_for_one takes exactly one child, the template; it has {len(spec.children)}"
        )
    seen = set[str]()
    for child in spec.children:
        if child.id in seen:
            raise CallerError(f"{where}: two children have the id {child.id!r}; give each its own")
        seen.add(child.id)
        check_child(child.id, child.restart, child.shutdown, where)
        check_significant(child.id, child.restart, spec.auto_shutdown, significant=child.significant)
    return Rules(spec.strategy, spec.intensity, spec.period, spec.auto_shutdown)


def check_child(id_: str, restart: Restart, shutdown: float | None, where: str) -> None:
    """Raise ``CallerError`` unless a child may be so."""
    check_part(id_, f"{where}: the id of a child")
    if (restart, True) not in OUTCOMES:
        raise CallerError(
            f"{where}: {id_}: restart: expected permanent, transient or temporary, got {restart!r}"
        )
    if shutdown is not None and not shutdown >= 0:
        raise CallerError(f"{where}: {id_}: shutdown: expected 0 or more seconds, got {shutdown:g}")


def check_significant(id_: str, restart: Restart, auto: AutoShutdown, *, significant: bool) -> None:
    """Raise ``CallerError`` for a significant child that could never end its supervisor."""
    if significant and auto == "never":
        raise CallerError(f"{id_}: a significant child needs an auto_shutdown of its supervisor, not never")
    if significant and restart == "permanent":
        raise CallerError(f"{id_}: a significant child is transient or temporary, not permanent")
