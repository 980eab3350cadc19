"""A policy as frozen values: what was written down for each component, from one or more documents.

Pure. ``document`` reads one, ``effective`` applies it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from mcp_wasm.capability.grant import Grant

Trust = Literal["bytes", "name"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one component was given.

    ``digest`` is the SHA-256 (hex) of the bytes that a person approved, ``""``
    where none was. ``trust`` says whether other bytes of that name keep the
    grants (``name``) or not (``bytes``). ``wishes`` is what the component wished
    for when it was approved, None where that was not written down. ``problem``
    is why the entry gives nothing, ``""`` if it gives what it says.
    """

    component: str
    digest: str = ""
    trust: Trust | None = None
    wishes: frozenset[str] | None = None
    grants: tuple[Grant, ...] = ()
    where: str = field(default="", compare=False)
    problem: str = ""


def _empty() -> Mapping[str, Entry]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Policy:
    """Entries by component; ``problem`` is why nothing of it can be obeyed, ``""`` if it can."""

    entries: Mapping[str, Entry] = field(default_factory=_empty)
    problem: str = ""


EMPTY = Policy()
"""The policy that gives nothing to anybody."""


def combine(first: Policy, second: Policy) -> Policy:
    """Both policies: the grants of a component together, those of ``first`` before those of ``second``.

    Only one of them may say whose bytes are meant (``digest``, ``trust``,
    ``wishes``); an entry for which both do, or neither, has a ``problem``.
    """
    problem = "; ".join(each.problem for each in (first, second) if each.problem)
    names = [*first.entries, *(name for name in second.entries if name not in first.entries)]
    entries = {name: _checked(_both(first.entries.get(name), second.entries.get(name))) for name in names}
    return Policy(MappingProxyType(entries), problem)


def _both(first: Entry | None, second: Entry | None) -> Entry:
    if first is None or second is None:
        found = first or second
        assert found is not None
        return found
    if _identified(first) and _identified(second):
        told = f"both {first.where} and {second.where} say which bytes are meant: remove it from one"
        return replace(first, grants=first.grants + second.grants, problem=told)
    base = first if _identified(first) else second
    problem = first.problem or second.problem
    return replace(base, grants=first.grants + second.grants, problem=problem)


def _checked(entry: Entry) -> Entry:
    if entry.problem or entry.digest or entry.trust == "name":
        return entry
    told = (
        f'{entry.where or entry.component} has neither a digest nor trust = "name": '
        f"type mcp-wasm grants approve {entry.component}"
    )
    return replace(entry, problem=told)


def _identified(entry: Entry) -> bool:
    return bool(entry.digest) or entry.trust is not None or entry.wishes is not None
