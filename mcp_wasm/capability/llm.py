"""The grant of asking language models, as ``grant`` has the others. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

OPERATIONS = ("ask", "summarize", "plan_workflow", "reason")
"""What can be asked of a model: messages as they are, or what has a prompt of its own."""


@dataclass(frozen=True, slots=True)
class Llm:
    """Asking language models, within a budget.

    ``providers`` are names from the settings, ``models`` those that may be
    asked for (both exact, or ``prefix*``), ``operations`` some of ``OPERATIONS``.
    ``call_tokens`` bounds one request to a provider, what is sent and what comes
    back together; ``tokens`` those of a period of ``period`` seconds, and ``cost``
    its US dollars (None: not bounded), which needs prices in the settings.
    """

    providers: tuple[str, ...]
    models: tuple[str, ...] = ("*",)
    operations: tuple[str, ...] = OPERATIONS
    call_tokens: int = 32_768
    tokens: int = 200_000
    cost: float | None = None
    period: float = 86_400.0
    tools: tuple[str, ...] = ()
    rule: str = field(default="", compare=False)
