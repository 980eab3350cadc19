"""What a person allowed, as frozen values: one class a kind, and all that holds for one call.

Pure data. A grant widens what a guest can do and nothing else does; whether an
attempt is covered by one is ``match``'s business, which grants a policy gives to
a component is ``document``'s. ``rule`` says where a grant was written
(``grants.fetch.network[0]``) and takes no part in equality. ``tools`` restricts
a grant to some of the component's tools, by tool name or by export path; empty
means all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias

from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging

MIB = 1024 * 1024


def _rule() -> str:
    return field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Network:
    """HTTP requests to some hosts.

    ``hosts`` are exact names, IP literals, or ``*.suffix`` for every name below
    ``suffix``; ``ports`` empty means the scheme's own port. ``private`` allows
    addresses that are not public (loopback, link-local, private ranges).
    ``seconds`` bounds one request, ``request_bytes`` and ``response_bytes`` its
    bodies, ``requests`` their number in one call. ``retries`` is how often a
    request that may be repeated is tried again, ``breaker`` after how many
    failures in a row a host is left alone for a while (0: never).
    """

    hosts: tuple[str, ...]
    schemes: tuple[str, ...] = ("https",)
    ports: tuple[int, ...] = ()
    methods: tuple[str, ...] = ("GET", "HEAD")
    private: bool = False
    seconds: float = 30.0
    request_bytes: int = MIB
    response_bytes: int = 8 * MIB
    requests: int = 100
    retries: int = 0
    breaker: int = 0
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Storage:
    """The host folder ``folder`` as ``guest`` (an absolute guest path), read-only unless ``write``.

    ``quota`` bounds the bytes in the folder that a call with write access may
    leave there (None: no bound).
    """

    folder: Path
    guest: str
    write: bool = False
    quota: int | None = 64 * MIB
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment variable ``name`` with ``value``, or with the host's own value where that is None."""

    name: str
    value: str | None = None
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by reference: ``env:NAME``, ``file:PATH`` or ``keyring:SERVICE/USER``.

    With ``hosts`` (as in ``Network``) the guest never sees it: it writes the
    placeholder ``{{secret:NAME}}`` into a request and the host puts the value
    there, for those hosts only. Without, the guest has it as an environment variable.
    """

    name: str
    source: str
    hosts: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class KeyValue:
    """The key-value bucket ``bucket`` (exact, or ``prefix*``), read-only unless ``write``."""

    bucket: str
    write: bool = False
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Clock:
    """Which clock: the real one, one that stands at ``at``, or one that moves in steps of ``step`` seconds.

    ``at`` is seconds since the epoch. Without any such grant the clock is real.
    """

    mode: Literal["real", "fixed", "coarse"] = "real"
    at: float = 0.0
    step: float = 1.0
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Random:
    """Which random numbers: those that follow from ``seed``, or the system's (also without a grant)."""

    seed: int | None = None
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Logging:
    """Writing to the server's log, nothing below ``level``."""

    level: Literal["trace", "debug", "info", "warn", "error", "critical"] = "info"
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """The configuration value ``value`` under ``key``, for ``wasi:config``."""

    key: str
    value: str
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Nn:
    """Running the machine learning models ``models`` (exact names, or ``prefix*``) that lie in ``folder``."""

    models: tuple[str, ...]
    folder: Path
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Tools:
    """Calling the published tools ``names`` (exact, or ``prefix*``)."""

    names: tuple[str, ...]
    tools: tuple[str, ...] = ()
    rule: str = _rule()


@dataclass(frozen=True, slots=True)
class Sessions:
    """Keeping resources between calls: at most ``most`` live instances, each gone after ``idle`` seconds."""

    most: int = 4
    idle: float = 300.0
    tools: tuple[str, ...] = ()
    rule: str = _rule()


Grant: TypeAlias = (
    Network
    | Storage
    | Environment
    | Secret
    | KeyValue
    | Clock
    | Random
    | Logging
    | ConfigValue
    | Nn
    | Llm
    | Messaging
    | Tools
    | Sessions
)

KINDS: dict[str, type[Grant]] = {
    "network": Network,
    "storage": Storage,
    "environment": Environment,
    "secret": Secret,
    "keyvalue": KeyValue,
    "clock": Clock,
    "random": Random,
    "logging": Logging,
    "config": ConfigValue,
    "nn": Nn,
    "llm": Llm,
    "messaging": Messaging,
    "tools": Tools,
    "sessions": Sessions,
}
"""The kinds of grants by the name that they have in a policy document."""

_NAMES = {class_: name for name, class_ in KINDS.items()}


def kind_of(grant: Grant) -> str:
    """The kind's name: ``network``, ``storage``, …"""
    return _NAMES[type(grant)]


@dataclass(frozen=True, slots=True)
class Grants:
    """All that holds for one call: the field of a kind lists its grants, in the policy's order.

    ``waiting`` is why nothing is granted although the policy names the
    component (its bytes have changed, the policy cannot be read); ``""`` otherwise.
    ``withheld`` are the kinds of what the policy would give if it did not wait.
    ``allowed`` are the kinds that the call allows, also to tools that it calls (None: all).
    """

    network: tuple[Network, ...] = ()
    storage: tuple[Storage, ...] = ()
    environment: tuple[Environment, ...] = ()
    secret: tuple[Secret, ...] = ()
    keyvalue: tuple[KeyValue, ...] = ()
    clock: tuple[Clock, ...] = ()
    random: tuple[Random, ...] = ()
    logging: tuple[Logging, ...] = ()
    config: tuple[ConfigValue, ...] = ()
    nn: tuple[Nn, ...] = ()
    llm: tuple[Llm, ...] = ()
    messaging: tuple[Messaging, ...] = ()
    tools: tuple[Tools, ...] = ()
    sessions: tuple[Sessions, ...] = ()
    waiting: str = ""
    withheld: frozenset[str] = field(default=frozenset(), compare=False)
    allowed: frozenset[str] | None = field(default=None, compare=False)

    def __iter__(self) -> Iterator[Grant]:
        """Every grant, by kind."""
        for name in KINDS:
            yield from getattr(self, name)


NOTHING = Grants()
"""What a component has that nobody granted anything."""


def gather(grants: Iterable[Grant], waiting: str = "") -> Grants:
    """``Grants`` of single grants, each under its kind."""
    by_kind: dict[str, list[Grant]] = {}
    for grant in grants:
        by_kind.setdefault(kind_of(grant), []).append(grant)
    return Grants(**{kind: tuple(found) for kind, found in by_kind.items()}, waiting=waiting)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Denial:
    """One attempt that was not granted.

    ``capability`` is the kind, ``asked`` what was attempted (``GET
    https://example.com/x``), ``rule`` why it was denied, ``grant`` the narrowest
    grant that would allow it and ``command`` what a person types for that; both
    are empty where nothing could allow it. ``component`` and ``digest`` say who
    asked (a tool that was called from inside another has denials of its own).
    ``quiet`` marks an attempt that programs make in passing, such as looking for
    a file that need not exist: it is recorded, and only shown when the call failed.
    ``count`` is how often the same was attempted.
    """

    capability: str
    asked: str
    rule: str
    component: str
    digest: str
    grant: Grant | None = None
    command: str = ""
    quiet: bool = False
    count: int = 1

    def __str__(self) -> str:
        times = f" ({self.count} times)" if self.count > 1 else ""
        allow = f" A person can allow it: {self.command}" if self.command else ""
        return f"Denied to {self.component}: {self.capability}, {self.asked}{times}. {self.rule}.{allow}"


def own_fields(grant: Grant) -> dict[str, object]:
    """The fields of a grant that say what it allows, with their values: no ``rule`` and no ``tools``."""
    return {f.name: getattr(grant, f.name) for f in fields(grant) if f.name not in {"rule", "tools"}}
