"""Every error that this package raises, in one tree.

The three bases say whose fault it was, because that decides what a model is
told: the caller can mend its request, a person can raise a limit or mend the
guest, and a fault of the host is reported by an id with its details in the log.

    McpWasmError
    ├── CallerError                 the request or the input was wrong
    │   ├── UnknownTool
    │   ├── UnknownAgent
    │   ├── MessageRefused
    │   ├── MeshDenied
    │   ├── InvalidArguments
    │   ├── InvalidSettings
    │   ├── StateRefused
    │   ├── LlmRefused
    │   ├── SignatureRefused
    │   ├── TestsFailed
    │   └── ComponentRefused
    ├── GuestError                  the guest ran and did not finish
    │   ├── Trap
    │   ├── CapabilityDenied
    │   ├── SessionEnded
    │   ├── Cancelled
    │   ├── AgentFailed
    │   ├── RemoteFailed
    │   └── LimitExceeded
    │       ├── FuelExhausted
    │       ├── DeadlineExceeded
    │       ├── MemoryLimitExceeded
    │       ├── StorageExceeded
    │       ├── HandlesExhausted
    │       ├── OutputLimitExceeded
    │       └── LlmBudgetExceeded
    └── HostError                   we failed
        ├── Busy
        ├── ToolchainMissing
        ├── NotConfined
        ├── BuildFailed
        ├── StateUnavailable
        ├── StateOverdue
        ├── LlmFailed
        │   ├── LlmKeyMissing
        │   ├── LlmKeyRefused
        │   ├── LlmRateLimited
        │   ├── LlmFaulty
        │   ├── LlmUnreachable
        │   ├── LlmTimedOut
        │   ├── LlmCutOff
        │   ├── LlmMalformed
        │   └── LlmCircuitOpen
        ├── MailboxFull
        ├── SpillFailed
        ├── Unreachable
        ├── NoReply
        ├── CallLost
        ├── MeshMissing
        ├── MeshServerFailed
        └── HostFault

Each class carries data; the message is made from it. An error of a call that
had begun also carries ``report``: what the call cost and what it printed.
"""

from __future__ import annotations

from mcp_wasm.errors.agents import (
    AgentFailed,
    MailboxFull,
    MessageRefused,
    NoReply,
    SpillFailed,
    UnknownAgent,
    Unreachable,
)
from mcp_wasm.errors.builds import (
    BuildFailed,
    FailedTest,
    Message,
    NotConfined,
    SignatureRefused,
    TestsFailed,
    ToolchainMissing,
)
from mcp_wasm.errors.calls import (
    Busy,
    Cancelled,
    CapabilityDenied,
    ComponentRefused,
    DeadlineExceeded,
    FuelExhausted,
    HandlesExhausted,
    HostFault,
    InvalidArguments,
    InvalidSettings,
    LimitExceeded,
    MemoryLimitExceeded,
    OutputLimitExceeded,
    SessionEnded,
    StateOverdue,
    StateRefused,
    StateUnavailable,
    StorageExceeded,
    Trap,
    UnknownTool,
)
from mcp_wasm.errors.llm import (
    LlmBudgetExceeded,
    LlmCircuitOpen,
    LlmCutOff,
    LlmFailed,
    LlmFaulty,
    LlmKeyMissing,
    LlmKeyRefused,
    LlmMalformed,
    LlmRateLimited,
    LlmRefused,
    LlmTimedOut,
    LlmUnreachable,
)
from mcp_wasm.errors.mesh import CallLost, MeshDenied, MeshMissing, MeshServerFailed, RemoteFailed
from mcp_wasm.errors.tree import (
    CallerError,
    GuestError,
    HostError,
    McpWasmError,
    Mismatch,
)

__all__ = [
    "AgentFailed",
    "BuildFailed",
    "Busy",
    "CallLost",
    "CallerError",
    "Cancelled",
    "CapabilityDenied",
    "ComponentRefused",
    "DeadlineExceeded",
    "FailedTest",
    "FuelExhausted",
    "GuestError",
    "HandlesExhausted",
    "HostError",
    "HostFault",
    "InvalidArguments",
    "InvalidSettings",
    "LimitExceeded",
    "LlmBudgetExceeded",
    "LlmCircuitOpen",
    "LlmCutOff",
    "LlmFailed",
    "LlmFaulty",
    "LlmKeyMissing",
    "LlmKeyRefused",
    "LlmMalformed",
    "LlmRateLimited",
    "LlmRefused",
    "LlmTimedOut",
    "LlmUnreachable",
    "MailboxFull",
    "McpWasmError",
    "MemoryLimitExceeded",
    "MeshDenied",
    "MeshMissing",
    "MeshServerFailed",
    "Message",
    "MessageRefused",
    "Mismatch",
    "NoReply",
    "NotConfined",
    "OutputLimitExceeded",
    "RemoteFailed",
    "SessionEnded",
    "SignatureRefused",
    "SpillFailed",
    "StateOverdue",
    "StateRefused",
    "StateUnavailable",
    "StorageExceeded",
    "TestsFailed",
    "ToolchainMissing",
    "Trap",
    "UnknownAgent",
    "UnknownTool",
    "Unreachable",
]
