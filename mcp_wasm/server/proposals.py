"""What a person could be asked about a denied call: in full, of these bytes, and nothing that was answered.

It decides what a question offers and asks nobody; the form is ``forms``' affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_wasm.capability.effective import grown, waits
from mcp_wasm.capability.grant import Denial, Grant, Storage, kind_of
from mcp_wasm.policy.approved import Approved
from mcp_wasm.registry.tool import Component
from mcp_wasm.server.content import Wire
from mcp_wasm.server.forms import MOST_ASKED, Choice, Question, Wanted, wanted
from mcp_wasm.server.words import words

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Denied:
    """A finished call to ``tool`` with its result and what was denied; ``ran`` if the guest could start."""

    tool: str
    component: Component
    denials: tuple[Denial, ...]
    result: Wire
    ran: bool = True


class Proposals:
    """Makes questions; ``is_loaded`` tells the components that a model had loaded."""

    def __init__(self, runtime: Runtime, approved: Approved, is_loaded: Callable[[str], bool]) -> None:
        self._runtime, self._approved, self._is_loaded = runtime, approved, is_loaded

    def question(self, owner: str, denied: Denied) -> Question | None:
        """What to ask ``owner`` about ``denied``; None where there is nothing to ask."""
        own = [denial for denial in denied.denials if _same(denial, denied.component)]
        if not own:
            return None
        asked = self._changed(owner, denied, own) or self._new(owner, denied, own)
        return asked if asked.wanted else None

    def _changed(self, owner: str, denied: Denied, own: list[Denial]) -> Question | None:
        """The question whether changed bytes get what was granted to the old ones."""
        component = denied.component
        entry = self._runtime.policies.policy.entries.get(component.name)
        wished = component.wishes
        if entry is None or not entry.digest or entry.problem or not waits(entry, component.digest, wished):
            return None
        kinds = {kind_of(grant) for grant in entry.grants}
        if not any(d.capability in kinds and not d.quiet for d in own):
            return None
        who = (owner, component.name, component.digest)
        if self._approved.askable(*who, entry.grants) != tuple(dict.fromkeys(entry.grants)):
            return None  # turned down before
        if any(words(grant) is None for grant in entry.grants) or len(entry.grants) > MOST_ASKED:
            return None  # more than a person would read: the command line shows it
        return Question(
            denied.tool,
            component.name,
            component.digest,
            tuple(Wanted(grant, ()) for grant in entry.grants),
            ran=denied.ran,
            wishes=component.wishes,
            before=entry.digest,
            grown=grown(entry, wished),
            choices=self._choices(owner, component, always=True),
        )

    def _new(self, owner: str, denied: Denied, own: list[Denial]) -> Question:
        """The question whether a component gets what nobody has granted it."""
        component = denied.component
        asked = {each.grant: each for each in wanted(own) if not self._is_ours(each.grant)}
        askable = self._approved.askable(owner, component.name, component.digest, asked)
        entry = self._runtime.policies.policy.entries.get(component.name)
        stands = entry is None or not waits(entry, component.digest, component.wishes)
        return Question(
            denied.tool,
            component.name,
            component.digest,
            tuple(asked[grant] for grant in askable[:MOST_ASKED]),
            ran=denied.ran,
            wishes=component.wishes,
            loaded=self._is_loaded(component.name),
            choices=self._choices(owner, component, always=stands),
        )

    def _is_ours(self, grant: Grant) -> bool:
        """Whether a grant would open the folder of the policy, in which more could be granted."""
        if not isinstance(grant, Storage):
            return False
        try:
            home, folder = self._runtime.home.resolve(), grant.folder.resolve()
        except (OSError, ValueError, RuntimeError):  # a name that is none, links in a circle
            return True
        return home.is_relative_to(folder) or folder.is_relative_to(home)

    def _choices(self, owner: str, component: Component, *, always: bool) -> tuple[Choice, ...]:
        offered = [Choice.DENY, Choice.ONCE]
        if owner:
            offered.append(Choice.SESSION)
        # What is said in the settings is changed there, and what a model loaded does not last.
        policies = self._runtime.policies
        settled = policies.policy.problem or component.name in policies.settings.entries
        if always and not settled and not self._is_loaded(component.name):
            offered.append(Choice.ALWAYS)
        return tuple(offered)


def _same(denial: Denial, component: Component) -> bool:
    """Whether it was this component that was denied something, not one that it called."""
    return (denial.component, denial.digest) == (component.name, component.digest)
