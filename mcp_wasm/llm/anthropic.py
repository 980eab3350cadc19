"""Messages, as Anthropic has them.

Source: the API reference, "Create a Message", "Streaming messages" and "Stop
reasons". A streamed answer is ``message_start`` (with the tokens that came in),
``content_block_delta`` for each piece, ``message_delta`` (why it ended, the tokens
that went out so far, cumulative) and ``message_stop``; ``ping`` anywhere, and
``error`` where it breaks off. Other events may be added and are passed over.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from mcp_wasm.errors import LlmCutOff, LlmMalformed, LlmRefused
from mcp_wasm.llm import faults, prompts
from mcp_wasm.llm.exchange import Exchange, KeySource
from mcp_wasm.llm.options import ProviderOptions
from mcp_wasm.llm.protocol import Answer, Delta, Finish, Request
from mcp_wasm.llm.redact import Redaction
from mcp_wasm.llm.taken import count, name_of

VERSION = "2023-06-01"
"""The version of the API that is spoken."""

_FINISHES: Mapping[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
}
_IN = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_PATH = "/v1/messages"


class Anthropic:
    """A provider that speaks messages."""

    def __init__(self, options: ProviderOptions, key: KeySource | None) -> None:
        self.name, self.model = options.name, options.model
        self._exchange = Exchange(
            self.name, options.url, key, _headers, timeout=options.timeout, ca=options.ca
        )

    async def ask(self, request: Request) -> Answer:
        """As ``Provider`` has it."""
        reply = await self._exchange.post(_PATH, self._body(request))
        document, redaction = reply.document, reply.redaction
        used = _usage(document)
        blocks = document.get("content") if isinstance(document, dict) else None
        if not isinstance(blocks, list):
            raise LlmMalformed(self.name, "its answer has no content", used=used)
        texts = [each.get("text") for each in blocks if isinstance(each, dict) and each.get("type") == "text"]
        text = "".join(each for each in texts if isinstance(each, str))
        finish = _finish(document.get("stop_reason"))
        return self._answer(request, document.get("model"), redaction.text(text), finish, used, redaction)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """As ``Provider`` has it."""
        state = _Streamed(self.name)
        events = self._exchange.events(_PATH, self._body(request) | {"stream": True})
        async with contextlib.aclosing(events):
            async for event, redaction in events:
                piece = redaction.piece(state.take(event.data, redaction))
                if piece:
                    state.text.append(piece)
                    yield Delta(piece)
                if state.done:
                    break
        # What it has used until now is not known: what went out is told at the end.
        if not state.done:
            raise LlmCutOff(self.name)
        if rest := redaction.rest():
            state.text.append(rest)
            yield Delta(rest)
        text = "".join(state.text)
        yield Delta("", self._answer(request, state.model, text, state.finish, state.used, redaction))

    async def aclose(self) -> None:
        """As ``Provider`` has it."""
        await self._exchange.aclose()

    def _body(self, request: Request) -> dict[str, Any]:
        if request.temperature is not None and request.temperature > 1:
            raise LlmRefused("temperature", f"a number from 0 to 1 for {self.name}", request.temperature)
        system, messages = prompts.conversation(request)
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            "messages": [{"role": each.role, "content": each.text} for each in messages],
        }
        if system:
            body["system"] = system
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.stop:
            body["stop_sequences"] = list(request.stop)
        return body

    def _answer(  # noqa: PLR0917 - the parts of an answer
        self,
        request: Request,
        model: Any,
        text: str,
        finish: Finish,
        used: tuple[int, int] | None,
        redaction: Redaction,
    ) -> Answer:
        tokens_in, tokens_out = used or (None, None)
        return Answer(
            text, name_of(model, request.model, redaction), self.name, finish, tokens_in, tokens_out
        )


class _Streamed:
    """What came of a streamed answer so far."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self.text: list[str] = []
        self.finish: Finish = "other"
        self.model: Any = None
        self.done = False
        self._in: int | None = None
        self._out: int | None = None

    @property
    def used(self) -> tuple[int, int] | None:
        """The tokens, once both numbers were told."""
        return None if self._in is None or self._out is None else (self._in, self._out)

    def take(self, data: str, redaction: Redaction) -> str:
        """The text in one event."""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            raise LlmMalformed(self._provider, "a piece of its answer is no JSON object", used=None)
        match event.get("type"):
            case "error":
                raise faults.in_stream(self._provider, event.get("error"), redaction, None)
            case "message_start":
                message = event.get("message")
                if isinstance(message, dict):
                    self.model, self._in = message.get("model"), _tokens_in(message.get("usage"))
            case "message_delta":
                self._ends(event)
            case "message_stop":
                self.done = True
            case "content_block_delta":
                delta = event.get("delta")
                if isinstance(delta, dict) and delta.get("type") == "text_delta":
                    return delta["text"] if isinstance(delta.get("text"), str) else ""
        return ""

    def _ends(self, event: Mapping[str, Any]) -> None:
        usage, delta = event.get("usage"), event.get("delta")
        if isinstance(usage, dict):
            self._out = count(usage.get("output_tokens"))
            self._in = _tokens_in(usage) if "input_tokens" in usage else self._in
        if isinstance(delta, dict) and delta.get("stop_reason") is not None:
            self.finish = _finish(delta["stop_reason"])


def _headers(key: str) -> Mapping[str, str]:
    return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}


def _finish(reason: Any) -> Finish:
    return _FINISHES.get(reason, "other") if isinstance(reason, str) else "other"


def _tokens_in(usage: Any) -> int | None:
    """All tokens that came in: those that were cached are told apart, and are paid for too."""
    if not isinstance(usage, dict) or count(usage.get("input_tokens")) is None:
        return None
    return sum(count(usage.get(name)) or 0 for name in _IN)


def _usage(document: Any) -> tuple[int, int] | None:
    usage = document.get("usage") if isinstance(document, dict) else None
    tokens_in = _tokens_in(usage)
    tokens_out = count(usage.get("output_tokens")) if isinstance(usage, dict) else None
    return None if tokens_in is None or tokens_out is None else (tokens_in, tokens_out)
