"""What holds for one call: what the component imports ∩ what the policy gives ∩ what the call allows.

Pure. Grants of base WASI's kinds need no import of their own, since every
program imports base WASI; all others hold only where the component imports an
interface of their kind. Bytes that nobody approved have nothing of the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mcp_wasm.capability.capability import need
from mcp_wasm.capability.grant import KINDS, NOTHING, Grant, Grants, gather, kind_of
from mcp_wasm.capability.match import for_tool
from mcp_wasm.capability.policy import Entry, Policy

WITHOUT_IMPORT = frozenset(
    {"storage", "environment", "secret", "clock", "random", "sessions", "llm", "messaging"}
)
"""Kinds that base WASI serves, or the host alone (an agent asks by what it returns): they need no import."""

AGENT = "mcp-wasm:agent/handler@"
"""What the export path of an agent's handler begins with, which asks for tools by what it returns."""

_KEYS = {"storage": "guest", "environment": "name", "secret": "name", "config": "key"}
_NARROWING = frozenset({"clock", "random"})
"""Kinds without which a guest has more: no call that allows little may lift them."""

_SINGLE = frozenset({"clock", "random", "logging", "sessions"})


def effective(  # noqa: PLR0917 - policy, component and call, as the module's sentence has them
    policy: Policy,
    component: str,
    digest: str,
    wishes: frozenset[str],
    names: frozenset[str],
    allowed: frozenset[str] | None = None,
    approved: Sequence[Grant] = (),
) -> Grants:
    """The grants of a call.

    ``digest`` and ``wishes`` are those of the component as it is now (see
    ``wishes``), ``names`` what the tool goes by (tool name, export path),
    ``allowed`` the kinds that the call allows (None: all). ``approved`` is what a
    person allowed for this very call or session; it comes before the policy's
    own and holds also where that is ``waiting``, since a person saw which bytes
    it is for.
    """
    entry = policy.entries.get(component)
    given: tuple[Grant, ...] = ()
    waiting = policy.problem
    if not waiting and entry is not None:
        waiting = waits(entry, digest, wishes)
        given = () if waiting else entry.grants
    if not given and not approved and not waiting:
        # What the call allows goes on to where it runs, also where nothing is granted here.
        return NOTHING if allowed is None else replace(NOTHING, allowed=allowed)
    usable = WITHOUT_IMPORT | imported(wishes)
    if any(name.startswith(AGENT) for name in names):
        usable |= {"tools"}
    if allowed is not None:
        usable &= allowed | _NARROWING
    lost = entry.grants if waiting and entry is not None else ()
    withheld = frozenset(
        kind_of(grant)
        for grant in lost
        if kind_of(grant) in usable and for_tool(grant, names) and grant not in approved
    )
    held = (g for g in (*approved, *given) if kind_of(g) in usable and for_tool(g, names))
    return replace(gather(_first_of_each(held), waiting), withheld=withheld, allowed=allowed)


def imported(wishes: Iterable[str]) -> frozenset[str]:
    """The kinds of grants for which a component imports an interface."""
    kinds = {need(wish).kind for wish in wishes if is_import(wish)}
    return frozenset(kind for kind in kinds if kind in KINDS)


def is_import(wish: str) -> bool:
    """Whether a wish is an import; the others are lines of a manifest, which have a space after the kind."""
    return " " not in wish


def waits(entry: Entry, digest: str, wishes: frozenset[str]) -> str:
    """Why an entry's grants do not hold for a component with these bytes and wishes; ``""`` if they do."""
    if entry.problem:
        return entry.problem
    if entry.digest == digest:
        return ""
    approve = (
        f"a person looks at it (mcp-wasm grants explain {entry.component}) and approves it "
        f"(mcp-wasm grants approve {entry.component})"
    )
    if entry.trust != "name":
        return (
            f"the bytes of {entry.component} are not those that its grants were given to "
            f"({digest[:12]}, approved {entry.digest[:12]}): the grants wait until {approve}"
        )
    more = grown(entry, wishes)
    if not more:
        return ""
    return (
        f"the bytes of {entry.component} have changed and it now wishes for more "
        f"({_shown(more)}): the grants wait until {approve}"
    )


def grown(entry: Entry, wishes: frozenset[str]) -> tuple[str, ...]:
    """The wishes that nobody approved: those beyond the recorded ones, or beyond the granted kinds."""
    if entry.wishes is not None:
        return tuple(sorted(wishes - entry.wishes))
    kinds = {kind_of(grant) for grant in entry.grants}
    return tuple(sorted(wish for wish in wishes if _kind(wish) not in kinds))


def _kind(wish: str) -> str:
    return need(wish).kind if is_import(wish) else wish.partition(" ")[0]


def _shown(wishes: Sequence[str]) -> str:
    more = f" and {len(wishes) - 5} more" if len(wishes) > 5 else ""
    return "; ".join(wish[:120] for wish in wishes[:5]) + more


def place(grant: Grant) -> tuple[str, str] | None:
    """What of its kind only one grant can decide (a guest folder, a variable, the clock), or None."""
    kind = kind_of(grant)
    if kind in _KEYS:
        return kind, getattr(grant, _KEYS[kind])
    return (kind, "") if kind in _SINGLE else None


def ahead(grants: Sequence[Grant], grant: Grant) -> tuple[Grant, ...]:
    """Those of ``grants`` that decide in place of ``grant``, which is among them, for some tool of it."""
    found = []
    for each in grants:
        if each is grant:
            break
        if (
            place(grant) is not None
            and place(each) == place(grant)
            and (_has(each, grant) or _has(grant, each))
        ):
            found.append(each)
    return tuple(found)


def shadowed(grants: Sequence[Grant]) -> tuple[tuple[Grant, Grant], ...]:
    """Those of ``grants`` that have no effect for any tool, each with the earlier one that decides."""
    pairs = ((grant, next((e for e in ahead(grants, grant) if _has(e, grant)), None)) for grant in grants)
    return tuple((grant, first) for grant, first in pairs if first is not None)


def _has(first: Grant, second: Grant) -> bool:
    """Whether ``first`` is for all tools that ``second`` is for."""
    return not first.tools or bool(
        second.tools and all(for_tool(first, frozenset({tool})) for tool in second.tools)
    )


def _first_of_each(grants: Iterable[Grant]) -> list[Grant]:
    """Of several grants for one place the first."""
    found: dict[object, Grant] = {}
    for grant in grants:
        found.setdefault(place(grant) or object(), grant)
    return list(found.values())
