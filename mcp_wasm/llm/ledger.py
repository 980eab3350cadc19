"""What grants of language models have used: reserved before a request, settled after it.

The budget holds because a reservation is what a request can use at most; what a
provider does not tell of counts as reserved. Periods begin with the first
reservation and are as long as the grant says. Kept in memory, for one event
loop: ``snapshot`` and ``restore`` let a caller keep it across restarts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_wasm.capability.llm import Llm as LlmGrant
from mcp_wasm.errors import LlmBudgetExceeded

_SWEEP = 10_000


@dataclass(frozen=True, slots=True)
class Spent:
    """One account: since when its period runs (seconds since the epoch), how long it is, what was used."""

    since: float
    period: float
    tokens: int = 0
    cost: float = 0.0


@dataclass(slots=True)
class _Account:
    since: float
    period: float
    tokens: int = 0
    cost: float = 0.0
    held_tokens: int = 0
    held_cost: float = 0.0


@dataclass(slots=True)
class Reservation:
    """Held for one request; settled once."""

    tokens_in: int
    tokens_out: int
    cost: float
    _account: _Account
    _open: bool = True

    def settle(self, tokens: int, cost: float) -> None:
        """The request used that much, which may be less than was reserved; later calls change nothing."""
        if not self._open:
            return
        self._open = False
        self._account.held_tokens -= self.tokens_in + self.tokens_out
        self._account.held_cost -= self.cost
        self._account.tokens += tokens
        self._account.cost += cost


class Ledger:
    """Accounts by who asks and what the grant is about; ``now`` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._accounts: dict[str, _Account] = {}

    def reserve(self, who: str, grant: LlmGrant, tokens_in: int, tokens_out: int, cost: float) -> Reservation:
        """Hold that much for one request of ``who``.

        Raises:
            LlmBudgetExceeded: if the grant has not that much left.
        """
        wanted = tokens_in + tokens_out
        if wanted > grant.call_tokens:
            raise LlmBudgetExceeded("call_tokens", grant.call_tokens, 0, wanted=wanted, rule=grant.rule)
        account = self._account(who, grant)
        again = max(0.0, account.since + account.period - self._now())
        used = account.tokens + account.held_tokens
        if used + wanted > grant.tokens:
            raise LlmBudgetExceeded("tokens", grant.tokens, used, wanted=wanted, again=again, rule=grant.rule)
        paid = account.cost + account.held_cost
        if grant.cost is not None and paid + cost > grant.cost:
            raise LlmBudgetExceeded("cost", grant.cost, paid, wanted=cost, again=again, rule=grant.rule)
        account.held_tokens += wanted
        account.held_cost += cost
        return Reservation(tokens_in, tokens_out, cost, account)

    def spent(self, who: str, grant: LlmGrant) -> Spent:
        """What ``who`` has used of ``grant`` in the period that runs."""
        account = self._account(who, grant)
        return Spent(account.since, account.period, account.tokens, account.cost)

    def snapshot(self) -> Mapping[str, Spent]:
        """Every account as it stands, what is held counted as used: who is killed now may have used it."""
        return {
            key: Spent(each.since, each.period, each.tokens + each.held_tokens, each.cost + each.held_cost)
            for key, each in self._accounts.items()
        }

    def restore(self, accounts: Mapping[str, Spent]) -> None:
        """Begin with what ``snapshot`` gave."""
        for key, each in accounts.items():
            self._accounts[key] = _Account(each.since, each.period, each.tokens, each.cost)

    def _account(self, who: str, grant: LlmGrant) -> _Account:
        key, now = key_of(who, grant), self._now()
        found = self._accounts.get(key)
        if found is None:
            self._sweep(now)
            found = self._accounts[key] = _Account(now, grant.period)
        found.period = grant.period
        if now >= found.since + found.period:
            found.since, found.tokens, found.cost = now, 0, 0.0
        # A clock that was put back must not make a period longer.
        found.since = min(found.since, now)
        return found

    def _sweep(self, now: float) -> None:
        if len(self._accounts) < _SWEEP:
            return
        for key, each in list(self._accounts.items()):
            if now >= each.since + each.period and not each.held_tokens:
                del self._accounts[key]


def key_of(who: str, grant: LlmGrant) -> str:
    """A grant's account: what it is about and not how much, so that another budget keeps what was used."""
    # As JSON, so that no name can be written that runs into the next part.
    return json.dumps([who, grant.providers, grant.models, sorted(grant.operations), grant.tools])
