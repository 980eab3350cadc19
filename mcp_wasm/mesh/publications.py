"""What agents publish, between nodes: signed by the node that it comes from, for all that subscribe."""

from __future__ import annotations

import logging
from dataclasses import replace

from mcp_wasm.agents.message import Message
from mcp_wasm.agents.ports import Deliver, Delivery
from mcp_wasm.errors import CallerError, MailboxFull
from mcp_wasm.mesh import subjects
from mcp_wasm.mesh.connection import Subscription
from mcp_wasm.mesh.envelope import EnvelopeRefused, message_in, message_out
from mcp_wasm.mesh.mesh import Mesh
from mcp_wasm.mesh.seals import Fresh
from mcp_wasm.mesh.traffic import Received

_log = logging.getLogger(__name__)

_ALL = "all"
"""The address of a publication while it travels; each subscriber gets it under its own."""


async def publish(mesh: Mesh, subject: str, message: Message) -> None:
    """To all that subscribe to ``subject``.

    Raises:
        MessageRefused: it is larger than NATS takes.
        Unreachable: NATS is away.
    """
    body = {"subject": subject, "message": message_out(replace(message, to=_ALL))}
    data = mesh.seals.for_all(f"pub {subject}", "publication", body)
    await mesh.connection.publish(mesh.subject(subjects.PUBLISHED, subject), data)


async def subscribe(mesh: Mesh, path: str, group: str, pattern: str, deliver: Deliver) -> Subscription:
    """Have what fits ``pattern`` delivered to the agent at ``path``, or to one of its ``group``.

    What this node published itself it has given to its own agents already, save to those in a group.

    Raises:
        MeshDenied: this node may not.
    """
    fresh, prefix = Fresh(timed=True), mesh.subject(subjects.PUBLISHED, "")

    async def take(received: Received) -> None:
        subject = received.subject.removeprefix(prefix)
        try:
            node, envelope = mesh.seals.open_all(received.payload, f"pub {subject}")
            if node == mesh.node and not group:
                return
            fresh.check(node, envelope)
            body = envelope.body.get("message")
            message = message_in(body if isinstance(body, dict) else {}, node)
        except EnvelopeRefused as error:
            mesh.peers.refuse(error)
            return
        try:
            deliver(Delivery(replace(message, to=path)))
        except (MailboxFull, CallerError) as error:
            _log.warning("a publication on %s is lost to %s: %s", subject, path, error)

    return await mesh.connection.subscribe(mesh.subject(subjects.PUBLISHED, pattern), take, queue=group)
