"""What a supervisor says of its children: OTP's ``which_children`` and ``count_children``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mcp_wasm.agents.child_spec import ChildSpec, SupervisorSpec
from mcp_wasm.agents.place import Child, Place, State
from mcp_wasm.errors import UnknownAgent


@dataclass(frozen=True, slots=True)
class Kept:
    """A child; ``child`` is its body if it has one now, a ``Supervisor`` for a supervisor."""

    id: str
    path: str
    type: Literal["worker", "supervisor"]
    state: State
    restarts: int
    spec: ChildSpec
    child: Child | None


@dataclass(frozen=True, slots=True)
class Counts:
    """``specs`` (a template is one), ``active`` children, and all by type, whether they run or not."""

    specs: int
    active: int
    supervisors: int
    workers: int


def kept(place: Place) -> Kept:
    """What is said of ``place``."""
    return Kept(
        place.spec.id,
        place.path,
        "supervisor" if place.is_supervisor else "worker",
        place.state,
        place.restarts,
        place.spec,
        place.child,
    )


def count(places: Iterable[Place], spec: SupervisorSpec) -> Counts:
    """The counts of the supervisor of ``spec``."""
    all_ = list(places)
    active = sum(place.task is not None and not place.task.done() for place in all_)
    supervisors = sum(place.is_supervisor for place in all_)
    specs = 1 if spec.strategy == "simple_one_for_one" else len(all_)
    return Counts(specs, active, supervisors, len(all_) - supervisors)


def unknown(path: str, ids: Iterable[str]) -> UnknownAgent:
    """The error for a child that is not there."""
    return UnknownAgent(path, difflib.get_close_matches(path, list(ids), 3, 0.5))
