"""Language models as agents ask them: by an operation's name and a text, with an answer of plain values.

What went wrong is part of the answer, since an agent handles it as a message;
nothing that a provider did is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from mcp_wasm.capability.grant import Grants
from mcp_wasm.errors import (
    Busy,
    CapabilityDenied,
    InvalidSettings,
    LlmBudgetExceeded,
    LlmFailed,
    LlmRefused,
    McpWasmError,
)
from mcp_wasm.llm.protocol import Operation, Request
from mcp_wasm.llm.service import Asked, Llm

_KINDS: Mapping[type[McpWasmError], str] = {
    LlmRefused: "refused",
    InvalidSettings: "settings",
    CapabilityDenied: "denied",
    LlmBudgetExceeded: "budget",
    LlmFailed: "provider",
    Busy: "busy",
}


class Models:
    """``llm`` for agents."""

    def __init__(self, llm: Llm) -> None:
        self._llm = llm

    async def ask(self, operation: str, text: str, grants: Grants, who: str) -> Mapping[str, Any]:
        """``status`` and ``text`` always; the fields of ``Answer``, or ``error`` and its ``kind``."""
        asked = Asked(Request(cast(Operation, operation), text))
        try:
            return asdict(await self._llm.ask(asked, grants, who))
        except tuple(_KINDS) as error:
            kind = next(name for class_, name in _KINDS.items() if isinstance(error, class_))
            return {"status": "failed", "text": "", "error": str(error), "kind": kind}
