"""What is granted and what is asked for, as lines for people and as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mcp_wasm.capability import document as documents
from mcp_wasm.capability.effective import shadowed, waits
from mcp_wasm.capability.explain import Line, explain, idle, told
from mcp_wasm.capability.grant import Grant, Grants, kind_of
from mcp_wasm.capability.policy import Entry
from mcp_wasm.capability.words import words
from mcp_wasm.cli import terminal
from mcp_wasm.component import handles

if TYPE_CHECKING:
    from mcp_wasm.registry.tool import Component


def lines(entry: Entry, component: Component | None) -> Iterable[str]:
    """An entry of a policy; its grants are numbered as ``grants revoke`` takes them."""
    yield f"{entry.component}: {_state(entry, component)}"
    if entry.trust == "name":
        yield "  other bytes of this name keep the grants while their wishes did not grow"
    for number, grant in enumerate(entry.grants, 1):
        yield f"  {number}  {told(grant)}"
    if not entry.grants:
        yield "  nothing is granted"


def document(entries: Iterable[Entry], components: Mapping[str, Component]) -> list[dict[str, Any]]:
    """Entries of a policy as JSON."""
    return [_entry(entry, components.get(entry.component)) for entry in entries]


def explained(component: Component, tool: str | None, grants: Grants, entry: Entry | None) -> Iterable[str]:
    """What a component asks for and what it has."""
    yield f"{component.name}: sha256 {component.digest}" + (f", as {tool} has it" if tool else "")
    if entry is None:
        yield "nothing is granted to it"
    elif grants.waiting:
        yield f"its grants wait: {grants.waiting}"
    asked = _asked(component, grants)
    yield (
        "\nit asks for:"
        if asked
        else "\nit asks for nothing beyond the clock, random numbers and an empty environment"
    )
    for line in asked:
        yield f"  {'granted' if line.granted else 'denied '}  {line.asked}"
        if line.reason:
            yield f"           its author says: {terminal.sentence(line.reason)}"
        yield f"           {line.why}"
        if line.command:
            yield f"           to grant it: {line.command}"
    if list(grants):
        yield "\nit has:"
    for grant in grants:
        yield f"  {told(grant)}"
    useless = _idle(component, entry)
    if useless:
        yield "\nwithout effect, since it imports nothing of the kind:"
    for grant in useless:
        yield f"  {told(grant)}"
    for grant, first in shadowed(entry.grants) if entry is not None else ():
        yield f"\nwithout effect: {told(grant)}\n  since an earlier grant decides: {told(first)}"


def explained_document(
    component: Component, tool: str | None, grants: Grants, entry: Entry | None
) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "component": component.name,
        "digest": component.digest,
        "tool": tool,
        "waiting": grants.waiting or None,
        "asked": [
            {
                "asked": line.asked,
                "kind": line.kind,
                "granted": line.granted,
                "why": line.why,
                "command": line.command or None,
                "reason": line.reason or None,
            }
            for line in _asked(component, grants)
        ],
        "has": [_grant(grant) for grant in grants],
        "withoutEffect": [
            _grant(grant)
            for grant in dict.fromkeys(
                (*_idle(component, entry), *(each for each, _ in shadowed(entry.grants if entry else ())))
            )
        ],
    }


def _idle(component: Component, entry: Entry | None) -> tuple[Grant, ...]:
    return idle(entry.grants, component.wishes) if entry is not None else ()


def _asked(component: Component, grants: Grants) -> tuple[Line, ...]:
    imports = [item.name for item in component.world.imports if item.kind != "type"]
    lasting = any(handles.carries(tool.function) for tool in component.tools)
    return explain(component.name, imports, component.manifest, grants, lasting=lasting)


def _state(entry: Entry, component: Component | None) -> str:
    if component is None:
        return f"no such component is there; granted to {_bytes(entry)}"
    waiting = waits(entry, component.digest, component.wishes)
    return f"waits: {waiting}" if waiting else f"holds for {_bytes(entry)}"


def _bytes(entry: Entry) -> str:
    return f"sha256 {entry.digest}" if entry.digest else "any bytes of this name"


def _entry(entry: Entry, component: Component | None) -> dict[str, Any]:
    waiting = "" if component is None else waits(entry, component.digest, component.wishes)
    return {
        "component": entry.component,
        "where": entry.where,
        "present": component is not None,
        "holds": component is not None and not waiting,
        "waiting": waiting or None,
        "digest": entry.digest or None,
        "trust": entry.trust or "bytes",
        "wishes": None if entry.wishes is None else sorted(entry.wishes),
        "grants": [{"number": number, **_grant(grant)} for number, grant in enumerate(entry.grants, 1)],
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "kind": kind_of(grant),
        "rule": grant.rule,
        "words": " ".join(words(grant)),
        "grant": documents.plain(grant),
    }
