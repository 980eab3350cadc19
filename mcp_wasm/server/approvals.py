"""Asking a person about what a finished call was denied, in both eras of the protocol.

A client of the handshake protocols is asked while its call waits; one of the
2026 protocol gets the question as the answer to its call, and sends the call
again with the reply. Either way only the reply to a question that this server
asked counts, for exactly what was shown, and the tool runs again only if the
person said so. Nothing in a tool's name, arguments or result can be a reply.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputResponses
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcp_wasm.audit.sink import event
from mcp_wasm.capability.grant import Grant
from mcp_wasm.errors import CallerError, McpWasmError
from mcp_wasm.policy.approved import Approved
from mcp_wasm.server.content import Wire
from mcp_wasm.server.forms import Choice, Question
from mcp_wasm.server.keeping import Asked
from mcp_wasm.server.peer import Context, Peer
from mcp_wasm.server.proposals import Denied, Proposals
from mcp_wasm.server.questions import SECONDS, Asker, Questions
from mcp_wasm.server.words import noted

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

log = logging.getLogger(__name__)

KEY = "mcp-wasm/approval"
"""The key of the question, and of its reply, among the inputs of the 2026 protocol."""

_WAITING_AT_ONCE = 64
"""Calls of all clients that wait for a person; each holds a place among the calls."""

_BEAT_S = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client of the 2026 protocol sent with a call besides the call: state and inputs."""

    state: str | None
    inputs: InputResponses | None


class Approvals:
    """Asks, and keeps the answers.

    ``seconds`` is how long a person may think; ``is_loaded`` tells the components
    that a model had loaded.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        enabled: bool = True,
        seconds: float = SECONDS,
        is_loaded: Callable[[str], bool] | None = None,
    ) -> None:
        self._runtime, self._enabled, self._seconds = runtime, enabled, seconds
        self._approved, self._questions = Approved(), Questions(seconds=seconds)
        self._proposals = Proposals(runtime, self._approved, is_loaded or (lambda _name: False))
        self._waiting: set[str] = set()

    def held(self, peer: Peer, component: str, digest: str) -> tuple[Grant, ...]:
        """What the person behind ``peer`` allowed for the session to ``component`` with these bytes."""
        return self._approved.allowed(peer.owner, component, digest) if self._enabled else ()

    def question(self, ctx: Context, peer: Peer, denied: Denied) -> Question | None:
        """What to ask about a denied call; None where there is nothing to ask, or nobody."""
        return self._proposals.question(peer.owner, denied) if self.can_ask(ctx, peer) else None

    def can_ask(self, ctx: Context, peer: Peer) -> bool:
        """Whether the person behind ``peer`` can be asked something now."""
        if not self._enabled or not _may_answer(peer) or not _can_be_asked(ctx):
            return False
        busy = peer.owner in self._waiting or len(self._waiting) >= _WAITING_AT_ONCE
        return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS or not busy

    def put_off(self, asker: Asker, question: Asked, result: Wire) -> Wire:
        """The answer of the 2026 protocol that asks ``question``; ``result`` if too many are open."""
        state = self._questions.put(asker, question, result)
        if state is None:
            return result
        request = {"method": "elicitation/create", "params": _form(question)}
        return {"resultType": "input_required", "inputRequests": {KEY: request}, "requestState": state}

    def replied(self, asker: Asker, reply: Reply) -> tuple[Asked, Choice, Wire] | None:
        """The question to which ``reply`` is the reply, the answer, and the result if that is no.

        None where ``asker`` was not asked this, or has answered, or the question has ended.
        """
        taken = self._questions.take(reply.state, asker) if reply.state is not None else None
        if taken is None:
            return None
        question, result = taken
        match (reply.inputs or {}).get(KEY):
            case ElicitResult(action=action, content=content):
                choice = question.choice(action, content)
            case _:
                choice = Choice.DENY
        return question, choice, dict(result)

    async def ask(
        self, ctx: Context, peer: Peer, question: Asked, on_wait: Callable[[str], None] | None = None
    ) -> Choice:
        """The answer of the person behind a handshake connection; no, if none comes."""
        self._waiting.add(peer.owner)
        asking = asyncio.ensure_future(_elicit(ctx, question, self._seconds))
        try:
            while not (await asyncio.wait([asking], timeout=_BEAT_S))[0]:
                if on_wait is not None:
                    on_wait("waiting for a person's answer")
            reply = asking.result()
        except (MCPError, ValidationError, anyio.BrokenResourceError) as error:
            log.info("No answer to a question about %s: %s", question.component, error)
            return Choice.DENY
        finally:
            self._waiting.discard(peer.owner)
            if not asking.done():
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
        return question.choice(reply.action, reply.content)

    async def record(self, peer: Peer, question: Question, choice: Choice) -> str:
        """Keep an answer for as long as it holds; what a person should know of it, mostly nothing."""
        who, grants = (peer.owner, question.component, question.digest), question.grants
        allowed = [noted(grant) for grant in grants]
        log.warning(
            "A person (%r) answered %r for %s (%s): %s",
            peer.client,
            choice.value,
            question.component,
            question.digest[:12],
            "; ".join(allowed),
        )
        self._runtime.note(
            event(
                "approval",
                client=peer.name,
                transport=peer.transport,
                tool=question.tool,
                component=question.component,
                digest=question.digest,
                outcome=choice.value,
                grants=tuple(allowed),
            )
        )
        if choice is Choice.DENY:
            self._approved.decline(*who, grants)
        elif choice is Choice.SESSION:
            self._approved.allow(*who, grants)
        elif choice is Choice.ALWAYS:
            try:
                await asyncio.to_thread(self._write, question)
            except (OSError, McpWasmError) as error:
                log.error("What a person allowed to %s could not be written: %s", question.component, error)
                return "The grant could not be written to the policy file, so it held for this run only."
        return ""

    def _write(self, question: Question) -> None:
        from mcp_wasm.policy import edit  # the TOML editor is loaded when somebody writes

        # As they were when the person was asked: other bytes may be there by now.
        wished = question.wishes
        if question.before:
            entry = self._runtime.policies.policy.entries.get(question.component)
            if entry is None or (entry.digest, entry.grants) != (question.before, question.grants):
                raise CallerError("its grants are no longer those that the person was shown")
            edit.approve(self._runtime.home, question.component, question.digest, wished)
        else:
            edit.add(self._runtime.home, question.component, question.digest, wished, question.grants)


def _may_answer(peer: Peer) -> bool:
    """Whether a reply may be taken for that of whoever runs this server.

    On stdio they started the client. Over HTTP a token of theirs has to say so:
    without one any program on the machine could ask and answer, and most who
    have one were given it to call tools.
    """
    return peer.transport == "stdio" or (peer.identity is not None and peer.identity.approves)


def _can_be_asked(ctx: Context) -> bool:
    """Whether the client shows forms to a person."""
    can = ctx.session.client_capabilities
    elicitation = can.elicitation if can is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS or ctx.session.can_send_request


def _form(question: Asked) -> dict[str, Any]:
    return {"mode": "form", "message": question.message, "requestedSchema": question.schema}


async def _elicit(ctx: Context, question: Asked, patience: float) -> ElicitResult:
    params = ElicitRequestFormParams(message=question.message, requested_schema=dict(question.schema))
    return await ctx.session.send_request(
        ElicitRequest(params=params),
        ElicitResult,
        request_read_timeout_seconds=patience,
        # On the stream of the very call: HTTP has no other that the client is sure to read.
        metadata=ServerMessageMetadata(related_request_id=ctx.request_id),
    )


def reply_of(ctx: Context, state: str | None, inputs: Mapping[str, Any] | None) -> Reply | None:
    """What came with a call besides the call; only the 2026 protocol has it."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS or (state is None and not inputs):
        return None
    return Reply(state, dict(inputs) if inputs is not None else None)
