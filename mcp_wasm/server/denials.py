"""What was denied, beside what the guest made of it: in ``_meta`` for programs, in words for the model.

What was asked comes from a guest, and a guest may want to sound like us: it is
shown only as a code span that it cannot leave, bounded, in a block of our own
after the content. The content itself, its structured form and whether the call
failed stay the guest's. It knows nothing of requests and connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_wasm.capability.grant import Denial
from mcp_wasm.server.text import coded, visible

DENIALS_KEY = "mcp-wasm/denials"

_SHOWN = 8
"""Denials told in words; ``_meta`` lists them all (a call reports 64 at most)."""
_LISTED = 64
_ASKED, _RULE, _COMMAND = 200, 300, 600
_ASKED_LISTED = 500


def attach(wire: dict[str, Any], denials: Sequence[Denial]) -> dict[str, Any]:
    """The ``CallToolResult`` ``wire`` with ``denials`` in it; quiet ones in words only if the call failed."""
    if not denials:
        return wire
    told = loud(denials, failed=bool(wire.get("isError")))
    with_them = dict(wire)
    with_them["_meta"] = {**wire.get("_meta", {}), DENIALS_KEY: listed(denials)}
    if told:
        with_them["content"] = [*wire["content"], {"type": "text", "text": in_words(told)}]
    return with_them


def loud(denials: Sequence[Denial], *, failed: bool) -> list[Denial]:
    """Those that are told in words: all where the call ``failed``, else those that are not quiet."""
    return [denial for denial in denials if failed or not denial.quiet]


def listed(denials: Sequence[Denial]) -> list[dict[str, Any]]:
    """``denials`` for programs, as plain JSON; every text is bounded and without control characters."""
    return [_listed(denial) for denial in denials[:_LISTED]]


def in_words(denials: Sequence[Denial]) -> str:
    """One line a denial: what was denied to whom, the rule, and what a person types to allow it."""
    lines = [_line(denial) for denial in denials[:_SHOWN]]
    if len(denials) > _SHOWN:
        lines.append(f"Denied as well: {len(denials) - _SHOWN} other attempts, listed in _meta.")
    return "\n".join(lines)


def command(denial: Denial) -> str:
    """What a person types to allow it; of a command that could mislead, what they type to see it."""
    if not denial.command:
        return ""
    if len(denial.command) <= _COMMAND and denial.command.isprintable():
        return denial.command
    return f"mcp-wasm grants explain {denial.component}"


def _line(denial: Denial) -> str:
    times = f" ({denial.count:,} times)" if denial.count > 1 else ""
    line = f"Denied: {denial.capability}, {coded(denial.asked, _ASKED)}{times}, to the component "
    line += f"{denial.component}: {one_line(denial.rule, _RULE)}."
    typed = command(denial)
    return f"{line} Only a person can allow it, by typing: {typed}" if typed else line


def one_line(text: str, limit: int) -> str:
    """``text`` of ours, in which something of a guest's may stand, on one line."""
    return visible(" ".join(text.split()), limit)


def _listed(denial: Denial) -> dict[str, Any]:
    listed = {
        "capability": denial.capability,
        "asked": visible(denial.asked, _ASKED_LISTED),
        "rule": one_line(denial.rule, _RULE),
        "command": command(denial),
        "component": denial.component,
        "count": denial.count,
    }
    return listed | ({"quiet": True} if denial.quiet else {})
