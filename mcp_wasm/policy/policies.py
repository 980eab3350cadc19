"""The policy of a runtime: what the settings say and what the policy file says, applied to single calls.

The file in the home folder is looked at once a call, so that a change holds from
the next one on. What was worked out for a component, a tool and what a call
allows is kept until the policy changes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from mcp_wasm.capability.effective import effective
from mcp_wasm.capability.grant import Grant, Grants
from mcp_wasm.capability.policy import EMPTY, Policy, combine
from mcp_wasm.policy.file import FILE_NAME, PolicyFile

_MOST_KEPT = 4096


class Policies:
    """``home`` is the folder of the policy file; ``settings`` is what a trusted settings file grants."""

    def __init__(self, home: Path, settings: Policy = EMPTY) -> None:
        self._file, self._settings = PolicyFile(home / FILE_NAME), settings
        self._lock = threading.Lock()
        self._state: tuple[Policy, Policy, dict[object, Grants]] = (EMPTY, combine(settings, EMPTY), {})

    @property
    def settings(self) -> Policy:
        """What the settings grant; it does not change."""
        return self._settings

    @property
    def policy(self) -> Policy:
        """The whole policy as it is now."""
        return self._now()[1]

    def effective(
        self,
        component: str,
        digest: str,
        wishes: frozenset[str],
        names: frozenset[str],
        allowed: frozenset[str] | None = None,
        *,
        approved: Sequence[Grant] = (),
    ) -> Grants:
        """The grants of a call; the parameters are those of ``capability.effective.effective``."""
        _, policy, kept = self._now()
        if approved:
            return effective(policy, component, digest, wishes, names, allowed, approved)
        key = (component, digest, wishes, names, allowed)
        found = kept.get(key)
        if found is None:
            found = effective(policy, component, digest, wishes, names, allowed)
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            kept[key] = found
        return found

    def _now(self) -> tuple[Policy, Policy, dict[object, Grants]]:
        read = self._file.policy()
        state = self._state
        if state[0] is read:
            return state
        with self._lock:
            if self._state[0] is not read:
                self._state = (read, combine(self._settings, read), {})
            return self._state
