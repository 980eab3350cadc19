"""The question that a person is asked, and what their answer means.

Pure: a question in words and as the form of an elicitation, which every version
of the protocol that has elicitation can show (one enumeration). Strings that a
guest or a model chose stand in code spans; an answer that is not exactly one of
ours means no.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcp_wasm.capability.grant import Denial, Grant
from mcp_wasm.server.text import coded
from mcp_wasm.server.words import words

FIELD = "answer"
MOST_ASKED = 8
"""Grants in one question; a person reads no longer list."""

_ATTEMPT = 160
_GROWN = 8


class Choice(enum.Enum):
    """What a person can answer; the value is what they see."""

    DENY = "Do not allow"
    ONCE = "Allow once"
    SESSION = "Allow for this session"
    ALWAYS = "Always allow"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that is asked for: ``attempts`` are what the guest tried (its own words)."""

    grant: Grant
    attempts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Whether ``component``, with the bytes of ``digest``, gets what it ``wanted`` for ``tool``.

    ``wishes`` is what these bytes wish for, to be recorded with a grant.
    ``ran`` says whether the guest has run (a guest that could not start has not),
    ``loaded`` whether a model had the component loaded, ``choices`` what is
    offered. Where the bytes have changed since a person granted something,
    ``before`` is the SHA-256 of theirs and ``grown`` what the new ones wish for
    beyond that; what is asked for is then all that was granted.
    """

    tool: str
    component: str
    digest: str
    wanted: tuple[Wanted, ...]
    ran: bool = True
    loaded: bool = False
    wishes: frozenset[str] = frozenset()
    before: str = ""
    grown: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = tuple(Choice)

    @property
    def grants(self) -> tuple[Grant, ...]:
        """What is allowed by allowing."""
        return tuple(wanted.grant for wanted in self.wanted)

    @property
    def message(self) -> str:
        """The question in words."""
        lines = [self._beginning(), ""]
        for number, wanted in enumerate(self.wanted, 1):
            lines.append(f"{number}. {words(wanted.grant)}")
            if wanted.attempts:
                tried = ", ".join(coded(attempt, _ATTEMPT) for attempt in wanted.attempts)
                lines.append(f"   It tried: {tried}")
        return "\n".join([*lines, "", *self._notes()])

    @property
    def schema(self) -> dict[str, object]:
        """The form: one choice, set to no."""
        values = [choice.value for choice in self.choices]
        answer = {
            "type": "string",
            "title": "Your answer",
            "description": "; ".join(f"{c.value}: {_MEANING[c]}" for c in self.choices),
            "enum": values,
            "default": Choice.DENY.value,
        }
        return {"type": "object", "properties": {FIELD: answer}, "required": [FIELD]}

    def choice(self, action: str, content: Mapping[str, object] | None) -> Choice:
        """What a person answered with ``action`` and the form's ``content``; no, if that is unclear."""
        given = (content or {}).get(FIELD) if action == "accept" else None
        return next((choice for choice in self.choices if choice.value == given), Choice.DENY)

    def _beginning(self) -> str:
        who = f"{self.tool}, a tool of the component {self.component},"
        if self.before:
            return (
                f"The file of the component {self.component} HAS CHANGED since a person granted it "
                f"something, so {who} was denied that. Grant the new bytes the same? They may then:"
            )
        return f"{who} was denied what nobody has allowed it. Allow it? The component may then:"

    def _notes(self) -> list[str]:
        notes = [f"Component: {self.component}, SHA-256 {self.digest[:12]} ({self.digest})."]
        if self.before:
            notes.append(f"Granted was to: SHA-256 {self.before[:12]} ({self.before}).")
        if self.grown:
            more = f" and {len(self.grown) - _GROWN} more" if len(self.grown) > _GROWN else ""
            wishes = ", ".join(coded(wish, _ATTEMPT) for wish in self.grown[:_GROWN])
            notes.append(f"The new bytes also wish for {wishes}{more}, which this does not allow.")
        if self.loaded:
            notes.append("A MODEL HAD THIS COMPONENT LOADED; no person installed it.")
        notes.append(
            "The call has ended without this. If you allow it, the tool is run AGAIN with the same "
            "arguments: what it did the first time, it may do twice."
            if self.ran
            else "The tool could not start without this; if you allow it, it is started once more."
        )
        notes.append("What stands in `code` was written by the component or by a model, not by this server.")
        return notes


_MEANING: dict[Choice, str] = {
    Choice.DENY: "the result stays as it is",
    Choice.ONCE: "for the one run that follows",
    Choice.SESSION: "until this session or the server ends, at most 8 hours, for these very bytes",
    Choice.ALWAYS: "written to the policy file, for these very bytes",
}


def wanted(denials: Sequence[Denial]) -> tuple[Wanted, ...]:
    """What can be asked about ``denials``: each grant once, if it can be said in full."""
    attempts: dict[Grant, list[str]] = {}
    for denial in denials:
        if denial.grant is not None and not denial.quiet and words(denial.grant) is not None:
            attempts.setdefault(denial.grant, []).append(denial.asked)
    return tuple(Wanted(grant, tuple(tried[:3])) for grant, tried in attempts.items())
