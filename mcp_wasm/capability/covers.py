"""Whether a wish is fulfilled: does one grant allow all that another would allow?

Pure, and careful: where it is not plain that a grant covers a wish, it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcp_wasm.capability import hosts
from mcp_wasm.capability.grant import (
    Clock,
    ConfigValue,
    Environment,
    Grant,
    Grants,
    KeyValue,
    Logging,
    Network,
    Nn,
    Random,
    Secret,
    Sessions,
    Storage,
    Tools,
    kind_of,
)
from mcp_wasm.capability.keys import LEVELS
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging, pattern_covers


def covering(grants: Grants, wish: Grant) -> Grant | None:
    """The first of ``grants`` that allows what ``wish`` would allow."""
    held: Sequence[Grant] = getattr(grants, kind_of(wish))
    return next((grant for grant in held if _COVERS[type(wish)](grant, wish)), None)


def _network(grant: Network, wish: Network) -> bool:
    return (
        all(any(_hosts(given, asked) for given in grant.hosts) for asked in wish.hosts)
        and set(wish.schemes) <= set(grant.schemes)
        and set(wish.ports) <= set(grant.ports)
        and bool(wish.ports) == bool(grant.ports)
        and ("*" in grant.methods or set(wish.methods) <= set(grant.methods))
        and (grant.private or not wish.private)
    )


def _hosts(given: str, asked: str) -> bool:
    if given in (hosts.ANY, asked):
        return True
    return given.startswith("*.") and asked.removeprefix("*").endswith(given[1:])


def _names(given: Sequence[str], asked: Sequence[str]) -> bool:
    return all(any(_name(each, one) for each in given) for one in asked)


def _name(given: str, asked: str) -> bool:
    return given == asked or (given.endswith("*") and asked.startswith(given[:-1]))


def _keyvalue(grant: KeyValue, wish: KeyValue) -> bool:
    return _name(grant.bucket, wish.bucket) and (grant.write or not wish.write)


def _secret(grant: Secret, wish: Secret) -> bool:
    return grant.name == wish.name and bool(grant.hosts) == bool(wish.hosts)


def _logging(grant: Logging, wish: Logging) -> bool:
    return LEVELS.index(grant.level) <= LEVELS.index(wish.level)


def _llm(grant: Llm, wish: Llm) -> bool:
    # Which provider answers, and for how much, is the person's affair; a wish for any model is one for some.
    models = wish.models == ("*",) or _names(grant.models, wish.models)
    return models and set(wish.operations) <= set(grant.operations)


def _messaging(grant: Messaging, wish: Messaging) -> bool:
    return (
        _names(grant.agents, wish.agents)
        and _subjects(grant.subjects, wish.subjects)
        and _subjects(grant.subscribe, wish.subscribe)
    )


def _subjects(given: Sequence[str], asked: Sequence[str]) -> bool:
    return all(any(pattern_covers(each, one) for each in given) for one in asked)


_COVERS: dict[type[Grant], Callable[..., bool]] = {
    Network: _network,
    Storage: lambda grant, wish: grant.guest == wish.guest and (grant.write or not wish.write),
    Environment: lambda grant, wish: grant.name == wish.name and wish.value in (None, grant.value),
    Secret: _secret,
    KeyValue: _keyvalue,
    Clock: lambda grant, wish: grant == wish,
    Random: lambda grant, wish: grant == wish,
    Logging: _logging,
    ConfigValue: lambda grant, wish: grant.key == wish.key,
    Nn: lambda grant, wish: _names(grant.models, wish.models),
    Llm: _llm,
    Messaging: _messaging,
    Tools: lambda grant, wish: _names(grant.names, wish.names),
    Sessions: lambda grant, wish: grant.most >= wish.most and grant.idle >= wish.idle,
}
