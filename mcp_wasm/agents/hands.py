"""What a person does to single agents of a running tree: stop one, start it again or anew."""

from __future__ import annotations

from mcp_wasm.agents.slots import Slots
from mcp_wasm.agents.supervisor import Supervisor

BY_A_PERSON = "restarted by a person"


async def restart(root: Supervisor, slots: Slots, path: str) -> None:
    """Have an agent started anew by its supervisor, which counts as a restart; or again, if it was stopped.

    Raises:
        UnknownAgent: there is none.
        AgentFailed: it could not be started.
    """
    if slots.found(path).agent is not None:
        root.kill(path, BY_A_PERSON)
    else:
        parent, _, id_ = path.rpartition("/")
        await root.supervisor(parent).restart_child(id_)


async def terminate(root: Supervisor, slots: Slots, path: str) -> None:
    """Stop an agent; its place and the messages in it stay.

    Raises:
        UnknownAgent: there is none.
    """
    slots.found(path)
    parent, _, id_ = path.rpartition("/")
    await root.supervisor(parent).terminate_child(id_)
