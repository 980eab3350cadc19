"""What goes wrong with agents and their messages."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_wasm.errors.tree import CallerError, GuestError, HostError


class UnknownAgent(CallerError):
    """No agent has that address; ``nearest`` are the closest ones, best first."""

    def __init__(self, address: str, nearest: Sequence[str] = ()) -> None:
        self.address, self.nearest = address, tuple(nearest)
        hint = f" Did you mean {', '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"There is no agent {address!r}.{hint}")


class MessageRefused(CallerError):
    """A message cannot be sent as it is: ``what`` says which part, ``expected`` what it takes."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        self.what, self.expected, self.found = what, expected, found
        super().__init__(f"{what}: expected {expected}, got {found}")


class MailboxFull(HostError):
    """The mailbox of ``address`` holds ``capacity`` messages and takes no more by its policy.

    ``reason`` says why a further one could not be kept on disk, where that was the policy.
    """

    def __init__(self, address: str, capacity: int, reason: str = "") -> None:
        self.address, self.capacity, self.reason = address, capacity, reason
        more = f" On disk nothing more can be kept: {reason}." if reason else ""
        super().__init__(
            f"The mailbox of {address} is full ({capacity:,} messages).{more} Send again later, or give it "
            "more capacity or another overflow policy in the tree file."
        )


class SpillFailed(HostError):
    """The messages on disk in ``path`` cannot be read or written; ``reason`` says why."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"The messages kept in {path}: {reason}")


class Unreachable(HostError):
    """No way to ``address`` now; ``reason`` says why."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"{address} cannot be reached: {reason}")


class NoReply(HostError):
    """``address`` did not answer within ``seconds``; whether it handled the message is not known."""

    def __init__(self, address: str, seconds: float) -> None:
        self.address, self.seconds = address, seconds
        super().__init__(f"{address} has not answered within {seconds:g} s")


class AgentFailed(GuestError):
    """An agent answered with a failure, or ended before it answered."""

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"{address} failed: {reason}")
