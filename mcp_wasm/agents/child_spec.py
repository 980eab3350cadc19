"""Child specs: what a supervisor starts, and when it starts it again. Erlang/OTP's ``supervisor`` module.

Plain data, made from the tree file or by a program; nothing here runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mcp_wasm.capability.grant import Grant

Restart = Literal["permanent", "transient", "temporary"]
"""Started again always; only after a failure; never."""

Strategy = Literal["one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"]
AutoShutdown = Literal["never", "any_significant", "all_significant"]
Overflow = Literal["reject", "drop_oldest", "spill"]
Lives = Literal["message", "life"]


@dataclass(frozen=True, slots=True)
class MailboxSpec:
    """How much may wait.

    ``capacity`` messages with ``memory`` characters of payload wait at most; ``overflow`` is what becomes
    of a further one, by priority if ``by_priority`` names it. On disk are ``spill`` messages of ``disk``
    bytes at most. However large, one message fits where none waits.
    """

    capacity: int = 10_000
    overflow: Overflow = "reject"
    by_priority: Mapping[str, Overflow] = field(default_factory=dict)
    spill: int = 100_000
    memory: int = 64 * 1024 * 1024
    disk: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HealthSpec:
    """Every ``interval`` seconds the agent is asked; without an answer for ``timeout`` it is started anew."""

    interval: float = 30.0
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Retries:
    """A durable message whose handling failed is given again.

    ``most`` is the times in all, after which it is a dead letter; ``backoff`` the seconds before each.
    """

    most: int = 5
    backoff: tuple[float, ...] = (0.1, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent.

    ``component`` is a file or the name of a published component. ``tool`` makes a tool
    component an agent: the name of its function, called with each message's payload. ``per`` is
    whether an instance lives for one message or for the agent's life. ``config`` is given to the
    component as JSON; ``load`` are keys of its memory (``prefix*`` for several) that it is given with
    each message. ``grants`` are beside those of the policy. ``routes`` names for a kind of message the
    agent that gets it in this one's place.
    ``limits`` narrows the runtime's, per message. ``durable`` keeps messages in JetStream until they are
    handled; ``group`` shares them with the agents of other nodes in the same group. ``subscribes`` are
    subjects whose messages it gets. ``batch`` messages at most are handled in one go. ``exposed`` lets
    MCP clients ask it and send to it, and ``description`` tells them what for. On ``standby`` it does
    not start until another node moves it here.
    """

    component: str | Path
    tool: str = ""
    per: Lives = "message"
    config: Mapping[str, Any] = field(default_factory=dict)
    load: tuple[str, ...] = ("state",)
    grants: tuple[Grant, ...] = ()
    routes: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)
    mailbox: MailboxSpec = field(default_factory=MailboxSpec)
    health: HealthSpec | None = None
    durable: bool = False
    retries: Retries = field(default_factory=Retries)
    group: str = ""
    subscribes: tuple[str, ...] = ()
    batch: int = 64
    exposed: bool = False
    description: str = ""
    standby: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SupervisorSpec:
    """A supervisor and its children, started in this order and stopped in the reverse.

    More than ``intensity`` restarts within ``period`` seconds end it, and the one above it decides.
    Under ``simple_one_for_one`` the one child is a template, and children are started on demand.
    """

    children: tuple[ChildSpec, ...] = ()
    strategy: Strategy = "one_for_one"
    intensity: int = 1
    period: float = 5.0
    auto_shutdown: AutoShutdown = "never"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A child of a supervisor, an agent (a worker) or another supervisor.

    ``shutdown`` is the seconds that it has to end by itself: 0 stops it at once (brutal_kill), None
    waits for as long as it takes (OTP's ``infinity``, the default of a supervisor). ``significant`` children
    end their supervisor with them as its ``auto_shutdown`` says.
    """

    id: str
    child: AgentSpec | SupervisorSpec
    restart: Restart = "permanent"
    shutdown: float | None = 5.0
    significant: bool = False
    links: tuple[str, ...] = ()
    monitors: tuple[str, ...] = ()
