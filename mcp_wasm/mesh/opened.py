"""An agent of this node that others can reach: what it hears, and the durable mailboxes that it empties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mcp_wasm.agents.child_spec import AgentSpec
from mcp_wasm.agents.ports import Deliver
from mcp_wasm.capability.messaging import is_pattern
from mcp_wasm.errors import MessageRefused
from mcp_wasm.mesh import publications
from mcp_wasm.mesh.boxes import Boxes, box_of
from mcp_wasm.mesh.connection import Subscription
from mcp_wasm.mesh.durable import Taker
from mcp_wasm.mesh.mesh import Mesh


@dataclass(slots=True)
class Opened:
    """The agent at ``path``; ``deliver`` gets what comes."""

    path: str
    spec: AgentSpec
    deliver: Deliver
    subscriptions: list[Subscription] = field(default_factory=list)
    takers: list[Taker] = field(default_factory=list)

    async def begin(
        self, mesh: Mesh, boxes: Boxes, former: Sequence[str], buried: Callable[[str], None]
    ) -> None:
        """Hear what its spec says, and take from its mailboxes here and at the nodes ``former``.

        Raises:
            McpWasmError: it cannot hear that.
        """
        path, spec = self.path, self.spec
        for pattern in spec.subscribes:
            if not is_pattern(pattern):
                raise MessageRefused(f"what {path} subscribes to", "a subject", pattern[:80])
            taken = publications.subscribe(mesh, path, spec.group, pattern, self.deliver)
            self.subscriptions.append(await taken)
        if spec.durable:
            for box in dict.fromkeys(box_of(path, node, spec.group) for node in (mesh.node, *former)):
                taker = Taker(boxes, box, path, spec, self.deliver)
                taker.buried = buried
                self.takers.append(taker)
                await taker.start()

    async def end(self) -> None:
        """Hear and take no more."""
        for each in self.subscriptions:
            await each.stop()
        for taker in self.takers:
            await taker.close()
