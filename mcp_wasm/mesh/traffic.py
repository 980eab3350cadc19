"""What a connection to NATS gives: messages as they came, what happened to it, and what went through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

What = Literal["connected", "disconnected", "denied", "slow", "failed"]


@dataclass(frozen=True, slots=True)
class Status:
    """Something happened to the connection; ``detail`` says what, for people.

    ``slow``: messages of a subscription were dropped since its callback does not keep up.
    ``failed``: a callback raised, or the server complained.
    """

    what: What
    detail: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came; ``reply`` is where an answer goes, ``""`` for nowhere."""

    subject: str
    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What went through since the connection was opened; ``waiting`` and its bytes wait for NATS."""

    connected: bool
    url: str
    received: int
    received_bytes: int
    sent: int
    sent_bytes: int
    reconnects: int
    waiting: int
    waiting_bytes: int
    refused: int
    denied: int
    dropped: int
    failures: int
