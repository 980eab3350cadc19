"""What goes wrong between nodes, beside what goes wrong with agents and their messages."""

from __future__ import annotations

from mcp_wasm.errors.tree import CallerError, GuestError, HostError


class MeshMissing(HostError):
    """A package of the extra ``extra`` is not installed; ``package`` is which."""

    def __init__(self, package: str, extra: str = "mesh") -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{package} is not installed; type: pip install 'mcp-wasm[{extra}]'")


class MeshServerFailed(HostError):
    """The NATS server that we start for ourselves does not run; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The embedded NATS server: {reason}")


class MeshDenied(CallerError):
    """NATS does not let this user do that: ``what`` is ``publish to`` or ``subscribe to`` ``subject``."""

    def __init__(self, what: str, subject: str) -> None:
        self.what, self.subject = what, subject
        super().__init__(
            f"NATS does not let this user {what} {subject}. Give the user that permission in the "
            "configuration of the NATS server, or grant the subject (grants of messaging)."
        )


class RemoteFailed(GuestError):
    """A call failed on the node ``node``, which says so in ``words``; ``kind`` is the error's name there."""

    def __init__(self, node: str, kind: str, words: str) -> None:
        self.node, self.kind, self.words = node, kind, words
        super().__init__(f"On the node {node}: {words}")


class CallLost(HostError):
    """The node on which a call of ``tool`` was begun went away; whether it ran is not known."""

    def __init__(self, tool: str, node: str) -> None:
        self.tool, self.node = tool, node
        super().__init__(
            f"{tool} was begun on the node {node}, which went away before it answered. It is not known "
            "whether it ran, and it may change something, so it was not called again. Look at what it "
            "changes before you call it again."
        )
