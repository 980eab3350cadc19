"""What is asked of a language model and what comes back, as frozen values, and what a provider is.

Pure, but for the check of a request. It knows no provider's format and nothing
of grants, budgets and retries.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from mcp_wasm.capability.llm import OPERATIONS
from mcp_wasm.errors import LlmRefused

Operation = Literal["ask", "summarize", "plan_workflow", "reason"]
Role = Literal["user", "assistant"]
Finish = Literal["stop", "length", "refused", "other"]
"""Why an answer ended: it was complete, no tokens were left, the model would not, or something else."""

Status = Literal["running", "completed", "completed_fallback", "failed"]

LARGEST = 1024 * 1024
"""Characters of all that is sent in one request."""
_MESSAGES = 1000
_STOPS = 4
_NAME = 200


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    ``ask`` sends ``messages`` (or ``text`` alone) as they are. The other
    operations have a prompt of their own: ``text`` is what is summarized, the goal
    that is planned for or the question, ``context`` what is known about it.
    ``model`` empty is the provider's own, ``max_tokens`` 0 as many as the settings
    and the grant allow, ``temperature`` None the provider's own.
    """

    operation: Operation = "ask"
    text: str = ""
    context: str = ""
    messages: tuple[Message, ...] = ()
    system: str = ""
    model: str = ""
    max_tokens: int = 0
    temperature: float | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    ``provider`` is the name in the settings (``fallback`` where no model
    answered), ``model`` the one that answered by its own account. ``tokens_in`` and
    ``tokens_out`` are what this request used, as the provider counts, or what was
    reserved for it where it did not say; ``cost`` is their price in US dollars, 0
    where the settings know no prices. ``attempts`` is how many requests were sent.
    ``reason`` says why the fallback answered, ``""`` where a model did.
    """

    text: str
    model: str
    provider: str
    finish: Finish = "stop"
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float = 0.0
    attempts: int = 1
    status: Literal["completed", "completed_fallback"] = "completed"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer as it comes; the last has no text and the whole ``answer``."""

    text: str = ""
    answer: Answer | None = None


class Provider(Protocol):
    """One provider, by its name in the settings. Every method may be called by many at once."""

    name: str
    model: str

    async def ask(self, request: Request) -> Answer:
        """The answer to ``request``, which has a model and a number of tokens.

        Raises:
            LlmFailed: if there is none.
            LlmRefused: if the provider refuses the request as it is.
        """

    def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """The same in pieces; the last has the answer.

        Raises:
            LlmFailed, LlmRefused: as ``ask`` does, also after some pieces.
        """

    async def aclose(self) -> None:
        """Let go of its connections."""


def check(request: Request) -> None:
    """Refuse what no provider could be asked.

    Raises:
        LlmRefused: naming the first part that is wrong.
    """
    if request.operation not in OPERATIONS:
        raise LlmRefused("operation", f"one of {', '.join(OPERATIONS)}", request.operation[:_NAME])
    texts = [request.text, request.context, request.system, *(each.text for each in request.messages)]
    size = sum(map(len, texts))
    if size > LARGEST:
        raise LlmRefused("the request", f"at most {LARGEST:,} characters", f"{size:,}")
    try:
        "".join([*texts, request.model, *request.stop]).encode()
    except UnicodeEncodeError:
        raise LlmRefused("the request", "text without lone surrogates", "one with such") from None
    _check_turns(request)
    if request.model and (len(request.model) > _NAME or not request.model.isprintable()):
        raise LlmRefused("model", f"a name of at most {_NAME} characters", request.model[:_NAME])
    if request.max_tokens < 0:
        raise LlmRefused("max_tokens", "a number of tokens, or 0", request.max_tokens)
    if request.temperature is not None and not 0 <= request.temperature <= 2:
        raise LlmRefused("temperature", "a number from 0 to 2", request.temperature)
    if len(request.stop) > _STOPS or not all(0 < len(each) <= _NAME for each in request.stop):
        raise LlmRefused("stop", f"at most {_STOPS} short texts", request.stop[: _STOPS + 1])


def _check_turns(request: Request) -> None:
    if request.messages and request.operation != "ask":
        raise LlmRefused("messages", f"none: {request.operation} has a prompt of its own", "some")
    if request.messages and (request.text or request.context):
        raise LlmRefused("text", "none beside messages", "some")
    if request.messages:
        if len(request.messages) > _MESSAGES or request.messages[-1].role != "user":
            raise LlmRefused("messages", f"at most {_MESSAGES}, the last of the user", "others")
        if not all(each.role in {"user", "assistant"} and each.text for each in request.messages):
            raise LlmRefused("messages", "turns of user and assistant with text", "others")
    elif not request.text.strip():
        raise LlmRefused("text", "a text that is not empty", "an empty one")
