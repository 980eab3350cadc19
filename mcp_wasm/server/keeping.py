"""The question whether a tool that a model made is kept: in words, as a form, and what an answer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_wasm.server.forms import FIELD, Choice, Question

NO, YES = "Do not keep it", "Keep it"


@dataclass(frozen=True, slots=True)
class KeepQuestion:
    """Whether the made tool ``component`` with ``digest`` is kept; ``about`` is what a person reads of it.

    ``description`` is what it says of itself then.
    """

    component: str
    digest: str
    about: str
    description: str

    @property
    def message(self) -> str:
        """The question in words."""
        return (
            f"A model made the tool {self.component} and wants it to stay after this session. Keep it?\n\n"
            f"{self.about}\n\nIt holds no grants, and keeping it grants none. What stands in `code` was "
            f"written by a model, not by this server. To read it first, answer no and type: "
            f"mcp-wasm made show {self.component} --digest {self.digest[:12]}"
        )

    @property
    def schema(self) -> dict[str, object]:
        """The form: one choice, set to no."""
        answer = {
            "type": "string",
            "title": "Your answer",
            "description": "Keep it: it is there for every client, also after this server has ended.",
            "enum": [NO, YES],
            "default": NO,
        }
        return {"type": "object", "properties": {FIELD: answer}, "required": [FIELD]}

    def choice(self, action: str, content: Mapping[str, object] | None) -> Choice:
        """What a person answered: ``ALWAYS`` for yes, else ``DENY``."""
        given = (content or {}).get(FIELD) if action == "accept" else None
        return Choice.ALWAYS if given == YES else Choice.DENY


Asked = Question | KeepQuestion
"""What a person can be asked."""
