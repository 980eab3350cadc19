"""Language models for agents, over ``llm``: an operation by its id, its answer as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mcp_wasm.capability.grant import Grants
from mcp_wasm.errors import McpWasmError
from mcp_wasm.llm import protocol
from mcp_wasm.llm.service import Asked, Llm


class LlmModels:
    """Implements ``ports.Models`` over ``llm``, whose budgets and fallback hold."""

    def __init__(self, llm: Llm) -> None:
        self._llm = llm

    async def ask(self, operation: str, text: str, grants: Grants, who: str, id_: str) -> Mapping[str, Any]:
        """``{"status": "completed" | "completed_fallback", "text": …}`` with what it cost, or ``failed``.

        The operation ``id_`` is asked once: a message that is handled again has the same answer.
        """
        request = protocol.Request(cast("protocol.Operation", operation), text)
        try:
            answer = await self._llm.ask(Asked(request, id=id_), grants, who)
        except McpWasmError as error:
            return {"operation": id_, "status": "failed", "error": str(error)}
        return {
            "operation": id_,
            "status": answer.status,
            "text": answer.text,
            "provider": answer.provider,
            "model": answer.model,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
            "cost": answer.cost,
            "reason": answer.reason,
        }
