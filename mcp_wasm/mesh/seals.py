"""Sealing envelopes and opening them: who said it, that nobody changed it, that it was not said before.

Two kinds. Between two nodes it is a MAC (keyed BLAKE2b) by a key that both derive from the exchange
keys of their present lives (X25519) and the mesh's: a microsecond, and worthless after either has
started anew. To all, and for what is kept in a stream, it is the node's signature (Ed25519) beside its
card. Nothing is encrypted: who may read is for NATS and TLS to say. A seal covers the ``context`` that
an envelope is meant for, so that it cannot be taken for something else elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_wasm.mesh import envelope as envelopes
from mcp_wasm.mesh.envelope import Envelope, EnvelopeRefused, Window
from mcp_wasm.mesh.identity import Card, Identity

SKEW_MS = 60_000
"""Milliseconds by which the clocks of two nodes may differ, with the time that an envelope travels."""

_SENDERS = 10_000
_KEYS = 10_000


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a node, as its beats tell: its ``boot`` and the exchange key that it has for that long."""

    node: str
    boot: int
    exchange: bytes


class Seals:
    """Seals and opens for the node of ``identity``, for one life of it."""

    def __init__(self, identity: Identity, clock: Callable[[], int] = now_ms) -> None:
        from nacl.bindings import crypto_box_keypair  # an extra, and only with a mesh

        self.identity, self.node, self._clock = identity, identity.node, clock
        self.boot = clock()
        self.exchange, self._secret = crypto_box_keypair()
        self._numbers = itertools.count(1)
        self._keys: dict[Life, bytes] = {}

    def for_all(self, context: str, what: str, body: Mapping[str, Any]) -> bytes:
        """An envelope that every node can check."""
        return self.sealed_for_all(context, self.envelope(what, body))

    def sealed_for_all(self, context: str, envelope: Envelope) -> bytes:
        """The same of an envelope that was made already."""
        text = envelopes.body_of(envelope)
        card = self.identity.card
        signature = self.identity.sign(_digest(envelopes.sealed(self.node, "all", context, text)))
        return envelopes.frame(self.node, "all", card.key + card.mark + signature, text)

    def envelope(self, what: str, body: Mapping[str, Any]) -> Envelope:
        """The next envelope of this life, not yet sealed."""
        return Envelope(self.boot, next(self._numbers), self._clock(), what, body)

    def for_node(self, life: Life, context: str, envelope: Envelope) -> bytes:
        """An envelope for one node."""
        text = envelopes.body_of(envelope)
        mark = self._mac(life, envelopes.sealed(self.node, "pair", context, text))
        return envelopes.frame(self.node, "pair", mark, text)

    def open_all(self, data: bytes, context: str) -> tuple[str, Envelope]:
        """The node that said it to all, and what it said.

        Raises:
            EnvelopeRefused: it is not believed.
        """
        frame = envelopes.split(data, context)
        if frame.seal != "all":
            raise EnvelopeRefused("it is sealed for one node")
        card = Card(frame.sender, frame.mark[:32], frame.mark[32:64])
        self.identity.verify(card, _digest(frame.sealed), frame.mark[64:])
        return frame.sender, envelopes.envelope_in(frame.body)

    def open_from(
        self, data: bytes, context: str, life: Callable[[str], Life | None]
    ) -> tuple[str, Envelope]:
        """The node that said it to this one, and what it said; ``life`` gives a node's present life.

        Raises:
            StrangerRefused: the node is not known (yet).
            EnvelopeRefused: it is not believed.
        """
        frame = envelopes.split(data, context)
        if frame.seal != "pair":
            raise EnvelopeRefused("it is not sealed for one node")
        found = life(frame.sender)
        if found is None:
            raise StrangerRefused(frame.sender)
        if not hmac.compare_digest(frame.mark, self._mac(found, frame.sealed)):
            raise StrangerRefused(frame.sender)
        envelope = envelopes.envelope_in(frame.body)
        if envelope.boot != found.boot:
            raise EnvelopeRefused(f"it is from another life of {frame.sender}")
        return frame.sender, envelope

    def _mac(self, life: Life, data: bytes) -> bytes:
        key = self._keys.get(life)
        if key is None:
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            key = self._keys[life] = self._pair_key(life)
        return hashlib.blake2b(data, key=key, digest_size=32).digest()

    def _pair_key(self, life: Life) -> bytes:
        from nacl.bindings import crypto_scalarmult
        from nacl.exceptions import CryptoError

        try:
            shared = crypto_scalarmult(self._secret, life.exchange)
        except (CryptoError, RuntimeError):
            raise EnvelopeRefused(f"the exchange key of {life.node} is none") from None
        ends = sorted([(self.node, self.boot, self.exchange), (life.node, life.boot, life.exchange)])
        names = b"".join(b"%b %d %b;" % (node.encode(), boot, key) for node, boot, key in ends)
        return self.identity.derived(b"pair", shared + names)


class StrangerRefused(EnvelopeRefused):
    """The node of an envelope, or that life of it, is not known here: it may be in a moment."""

    def __init__(self, node: str) -> None:
        self.node = node
        super().__init__(f"the present life of {node} is not known here, or it is not from {node}")


@dataclass(slots=True)
class Fresh:
    """What came in one way, so that none of it counts twice; one for each subscription.

    ``timed`` also refuses what is older than the clocks may differ: for envelopes to all, whose seals
    outlive both ends.
    """

    timed: bool
    clock: Callable[[], int] = now_ms
    _seen: dict[str, tuple[int, Window]] = field(default_factory=dict)

    def check(self, node: str, envelope: Envelope) -> None:
        """Take it for new.

        Raises:
            EnvelopeRefused: it was seen, or it is too old or from the future.
        """
        if self.timed and abs(self.clock() - envelope.at) > SKEW_MS:
            raise EnvelopeRefused(
                f"it was sent {(self.clock() - envelope.at) / 1000:,.0f} s ago by the clock of {node}; "
                f"clocks may differ by {SKEW_MS / 1000:.0f} s"
            )
        boot, window = self._seen.get(node, (-1, None))
        if envelope.boot < boot:
            raise EnvelopeRefused(f"it is from an earlier life of {node}")
        if window is None or envelope.boot > boot:
            if len(self._seen) >= _SENDERS:
                raise EnvelopeRefused("too many nodes send here")
            window = Window()
            self._seen[node] = envelope.boot, window
        if not window.take(envelope.number):
            raise EnvelopeRefused(f"{node} has sent it before: it is a replay")


def _digest(data: bytes) -> bytes:
    # Signing reads its data twice, and a large payload need not be.
    return hashlib.blake2b(data, digest_size=32).digest()
