"""Carrying out what handlers asked for: replies, messages, calls of tools, questions to models, timers.

Everything here runs on the event loop and under the grants of the agent that
asked. Replies and messages within the node go out at once, in order; what takes its
time (other nodes, tools, models) goes on beside the agent, and its answer comes as a
message. A delivery that somebody waits for is settled when all of that is done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mcp_wasm.agents import effects as made
from mcp_wasm.agents.asks import PREFIX
from mcp_wasm.agents.effects import AskModel, CallTool, Effect, Publish, Reply, Schedule, Send
from mcp_wasm.agents.handler import Handled, Handler
from mcp_wasm.agents.message import MOST_BYTES, RUNTIME_KINDS, Message, Priority, new, now
from mcp_wasm.agents.ports import Delivery, Models, Settle, Tools
from mcp_wasm.agents.post import Post, Work
from mcp_wasm.agents.slot import Slot
from mcp_wasm.capability import match as granted
from mcp_wasm.capability.match import Decision
from mcp_wasm.errors import AgentFailed, McpWasmError

CALLS = 16
"""Calls of tools and questions to models of one agent at once; further ones wait."""

WAITING_CALLS = 1000
"""Those that may wait."""


class Outbox:
    """Carries out effects for the agents of a node."""

    def __init__(self, post: Post, tools: Tools | None, models: Models | None) -> None:
        self._post, self._tools, self._models = post, tools, models
        self._seats: dict[str, asyncio.Semaphore] = {}

    def carry_out(
        self, slot: Slot, batch: Sequence[Delivery], handled: Sequence[Handled], handler: Handler
    ) -> None:
        """All that was asked for by the messages of ``batch`` that were handled, in order."""
        for delivery, done in zip(batch, handled, strict=False):
            slot.fuel += done.fuel
            if done.error is not None:
                slot.failed += 1
                # Whoever is told hears from whom it comes; the name need not stand there twice.
                why = done.error.reason if isinstance(done.error, AgentFailed) else str(done.error)
                self._failed(slot, delivery, why)
            else:
                slot.handled += 1
                _Turn(self, slot, delivery, handler).carry_out(done.effects)

    def forget(self, path: str) -> None:
        """The agent is gone for good."""
        self._seats.pop(path, None)

    def dropped(self, path: str, delivery: Delivery, reason: str) -> None:
        """A message that nobody will handle: who waits for an answer is told."""
        self._answer_failure(path, delivery.message, reason)

    def _failed(self, slot: Slot, delivery: Delivery, reason: str) -> None:
        slot.last_error = reason
        if delivery.settle is not None:
            delivery.settle("failed", reason)
        else:
            self._answer_failure(slot.path, delivery.message, reason)

    def _answer_failure(self, path: str, message: Message, reason: str) -> None:
        if message.kind == "request" and _answers(message.sender):
            text = json.dumps(reason[:_REASON], ensure_ascii=False)
            failure = new(path, message.sender, text, message.priority, "failure", message.id)
            self.send_beside(path, failure)

    def send_beside(self, path: str, message: Message) -> None:
        """Send a message; that it cannot be is an event."""
        work = self.sent(path, message)
        if work is not None:
            self._post.spawn(work)

    def sent(self, path: str, message: Message) -> Work | None:
        """Send a message whose failure is an event, and no failure of what it answers.

        Only what the runtime says goes into a full mailbox: publications and timers are somebody's own.
        """
        try:
            work = self._post.deliver(message, must=message.kind in RUNTIME_KINDS)
        except McpWasmError as error:
            self._post.note(path, "undelivered", str(error))
            return None
        return None if work is None else self.noted(path, work)

    async def noted(self, path: str, work: Work) -> None:
        """``work``, whose failure is an event."""
        try:
            await work
        except McpWasmError as error:
            self._post.note(path, "undelivered", str(error))

    def seat(self, path: str) -> asyncio.Semaphore:
        """What bounds the calls of one agent at once."""
        return self._seats.setdefault(path, asyncio.Semaphore(CALLS))

    @property
    def post(self) -> Post:
        """The node."""
        return self._post

    async def tool(self, name: str, arguments: Mapping[str, Any], who: str) -> Mapping[str, Any]:
        """What a tool gave."""
        if self._tools is None:
            return {"err": "this node has no tools"}
        return await self._tools.call(name, arguments, who)

    async def model(self, effect: AskModel, handler: Handler, id_: str) -> Mapping[str, Any]:
        """What a model gave."""
        if self._models is None:
            return {"status": "failed", "error": "this node has no language models"}
        return await self._models.ask(effect.operation, effect.input, handler.grants, handler.name, id_)


class _Turn:
    """The effects of one message."""

    def __init__(self, outbox: Outbox, slot: Slot, delivery: Delivery, handler: Handler) -> None:
        self._outbox, self._post = outbox, outbox.post
        self._slot, self._delivery, self._message = slot, delivery, delivery.message
        self._handler = handler
        self._answered = False

    def carry_out(self, effects: Sequence[Effect]) -> None:
        slot, message, settle = self._slot, self._message, self._delivery.settle
        left, wrong = list[Work](), ""
        for index, effect in enumerate(effects):
            try:
                work = self._carry(index, effect)
            except McpWasmError as error:
                wrong = wrong or str(error)
                self._post.note(slot.path, "undelivered", str(error))
                continue
            if work is not None:
                left.append(work)
        if not self._answered and message.kind == "request":
            slot.asked(message.id, message.sender)
        if settle is None:
            for work in left:
                self._post.spawn(self._outbox.noted(slot.path, work))
        elif left or wrong:
            self._post.spawn(self._settled(settle, left, wrong))
        else:
            settle("handled", "")

    async def _settled(self, settle: Settle, left: Sequence[Work], wrong: str) -> None:
        """Settle the delivery once all that is left is done; what went wrong makes it fail."""
        for found in await asyncio.gather(*left, return_exceptions=True):
            if isinstance(found, McpWasmError):
                wrong = wrong or str(found)
                self._post.note(self._slot.path, "undelivered", str(found))
            elif isinstance(found, BaseException):
                settle("failed", f"a fault of the host: {type(found).__name__}")
                raise found
        settle("failed" if wrong else "handled", wrong)

    def _carry(self, index: int, effect: Effect) -> Work | None:
        slot, message = self._slot, self._message
        match effect:
            case Reply():
                return self._reply(index, effect)
            case Send(to=to):
                if self._may_send(to):
                    return self._post.deliver(self._sent(index, effect))
            case Publish(subject=subject, payload=payload):
                decision = granted.subject(self._handler.grants, self._handler.name, subject)
                if self._allowed(f"publish to {subject}", "messaging", decision):
                    return self._post.publish(self._sent(index, Send(subject, payload, *_PLAIN)))
            case Schedule(after_ms=delay, message=sent):
                if self._may_send(sent.to):
                    timer = new(slot.path, sent.to, sent.payload, sent.priority, sent.kind, message.id)
                    self._post.later(slot.path, delay / 1000, timer)
            case CallTool(name=name, tag=tag, arguments=arguments):
                may = granted.tool(self._handler.grants, self._handler.name, name)
                if not self._allowed(f"call {name}", "tools", may):
                    return self._answer(f"tool:{name}", "tool_result", tag, {"err": f"denied: {may.rule}"})
                return self._asking(
                    f"tool:{name}", "tool_result", tag, lambda: self._outbox.tool(name, arguments, slot.path)
                )
            case AskModel(tag=tag):
                operation = f"{slot.path}:{made.id_of(message.id, index)}"
                return self._asking(
                    "llm", "llm_result", tag, lambda: self._outbox.model(effect, self._handler, operation)
                )
            case _:
                pass  # what was stored is kept already, and the agent itself ends
        return None

    def _sent(self, index: int, effect: Send) -> Message:
        message = self._message
        return Message(
            made.id_of(message.id, index),
            self._slot.path,
            effect.to,
            effect.payload,
            now(),
            effect.priority,
            effect.kind,
            message.id if effect.to == message.sender else "",
        )

    def _reply(self, index: int, effect: Reply) -> Work | None:
        message, slot = self._message, self._slot
        own = effect.re in {"", message.id}
        to = message.sender if own else slot.askers.pop(effect.re, "")
        # One answer for each question: whoever asked has to take that much, and no more.
        owed = not own or (message.kind == "request" and not self._answered)
        self._answered = self._answered or own
        if not _answers(to):
            raise AgentFailed(slot.path, f"nobody waits for its reply to {effect.re or message.id}")
        kind, re = "failure" if effect.failed else "reply", effect.re or message.id
        made_id = made.id_of(message.id, index)
        reply = Message(made_id, slot.path, to, effect.payload, now(), message.priority, kind, re)
        if not to.startswith(PREFIX):
            return self._post.deliver(reply, must=owed)
        if own and message.kind != "request":
            return None  # a client that only sent something does not wait
        # One that has gone meanwhile is no reason to handle the message again.
        return self._outbox.sent(slot.path, reply)

    def _may_send(self, to: str) -> bool:
        """Whether the agent may send there: always to itself and to who sent to it."""
        if to in {self._message.sender, self._slot.path}:
            return True
        decision = granted.agent(self._handler.grants, self._handler.name, to)
        return self._allowed(f"send to {to}", "messaging", decision)

    def _allowed(self, asked: str, kind: str, decision: Decision[Any]) -> bool:
        if decision.grant is None:
            self._post.denied(self._slot.path, self._handler, asked, kind, decision)
        return decision.grant is not None

    def _asking(
        self, sender: str, kind: str, tag: str, ask: Callable[[], Awaitable[Mapping[str, Any]]]
    ) -> Work | None:
        """Ask beside the agent; one that asks for too much at once is told so."""
        if self._slot.calls >= WAITING_CALLS:
            text = f"{WAITING_CALLS:,} calls of this agent wait already"
            return self._answer(sender, kind, tag, {"err": text, "status": "failed"})
        self._slot.calls += 1
        return self._asked(sender, kind, tag, ask)

    async def _asked(
        self, sender: str, kind: str, tag: str, ask: Callable[[], Awaitable[Mapping[str, Any]]]
    ) -> None:
        try:
            async with self._outbox.seat(self._slot.path):
                answer = await ask()
        finally:
            self._slot.calls -= 1
        work = self._answer(sender, kind, tag, answer)
        if work is not None:
            await work

    def _answer(self, sender: str, kind: str, tag: str, answer: Mapping[str, Any]) -> Work | None:
        path, text = self._slot.path, json.dumps(answer, ensure_ascii=False)
        if len(text) > MOST_BYTES:
            told = f"the answer has {len(text):,} characters, at most {MOST_BYTES:,} fit into a message"
            text = json.dumps({"err": told, "status": "failed"})
        re = tag or self._message.id
        message = new(sender, path, text, self._message.priority, kind, re)
        return self._post.deliver(message, must=True)


_PLAIN = (Priority.NORMAL, "data_transfer")
_REASON = 2000


def _answers(sender: str) -> bool:
    """Whether a sender is somebody who takes an answer: an agent, or a client."""
    return bool(sender) and sender not in {"llm", "system"} and not sender.startswith("tool:")
