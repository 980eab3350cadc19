"""Chat completions, as OpenAI and all that are compatible with it have them.

Source: the API reference, "Create chat completion" and its streaming events; an
answer ends with a finish reason, then a chunk with the usage, then ``[DONE]``.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from mcp_wasm.errors import LlmCutOff, LlmMalformed
from mcp_wasm.llm import faults, prompts
from mcp_wasm.llm.exchange import Exchange, KeySource
from mcp_wasm.llm.options import ProviderOptions
from mcp_wasm.llm.protocol import Answer, Delta, Finish, Request
from mcp_wasm.llm.redact import Redaction
from mcp_wasm.llm.taken import count, name_of

_FINISHES: Mapping[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "refused"}
_PATH = "/chat/completions"


class OpenAi:
    """A provider that speaks chat completions."""

    def __init__(self, options: ProviderOptions, key: KeySource | None) -> None:
        self.name, self.model = options.name, options.model
        # OpenAI's newer models refuse max_tokens; others often know nothing else.
        self._most = "max_completion_tokens" if options.kind == "openai" else "max_tokens"
        self._exchange = Exchange(
            self.name, options.url, key, _headers, timeout=options.timeout, ca=options.ca
        )

    async def ask(self, request: Request) -> Answer:
        """As ``Provider`` has it."""
        reply = await self._exchange.post(_PATH, self._body(request))
        document, redaction = reply.document, reply.redaction
        used = _usage(document)
        choice = _choice(document)
        message = choice.get("message") if choice is not None else None
        if not isinstance(message, dict):
            raise LlmMalformed(self.name, "its answer has no message", used=used)
        refusal = message.get("refusal")
        content = message.get("content")
        text = refusal if isinstance(refusal, str) and refusal else content
        if not isinstance(text, str):
            raise LlmMalformed(self.name, "its message has no text", used=used)
        finish = "refused" if text is refusal else _finish(choice)
        return self._answer(request, document, redaction.text(text), finish, used, redaction)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """As ``Provider`` has it."""
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        state = _Streamed(self.name)
        events = self._exchange.events(_PATH, body)
        async with contextlib.aclosing(events):
            async for event, redaction in events:
                if event.data == "[DONE]":
                    state.done = True
                    break
                piece = redaction.piece(state.take(event.data, redaction))
                if piece:
                    state.text.append(piece)
                    yield Delta(piece)
        # Some that are compatible never send [DONE].
        if not state.done and state.finish is None:
            raise LlmCutOff(self.name, used=state.used)
        if rest := redaction.rest():
            state.text.append(rest)
            yield Delta(rest)
        text = "".join(state.text)
        yield Delta(
            "", self._answer(request, state.last, text, state.finish or "other", state.used, redaction)
        )

    async def aclose(self) -> None:
        """As ``Provider`` has it."""
        await self._exchange.aclose()

    def _body(self, request: Request) -> dict[str, Any]:
        system, messages = prompts.conversation(request)
        turns = [{"role": each.role, "content": each.text} for each in messages]
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": "system", "content": system}, *turns] if system else turns,
            self._most: request.max_tokens,
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.stop:
            body["stop"] = list(request.stop)
        return body

    def _answer(  # noqa: PLR0917 - the parts of an answer
        self,
        request: Request,
        document: Any,
        text: str,
        finish: Finish,
        used: tuple[int, int] | None,
        redaction: Redaction,
    ) -> Answer:
        model = name_of(document.get("model"), request.model, redaction)
        tokens_in, tokens_out = used or (None, None)
        return Answer(text, model, self.name, finish, tokens_in, tokens_out)


class _Streamed:
    """What came of a streamed answer so far."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self.text: list[str] = []
        self.finish: Finish | None = None
        self.used: tuple[int, int] | None = None
        self.last: Mapping[str, Any] = {}
        self.done = False

    def take(self, data: str, redaction: Redaction) -> str:
        """The text in one chunk."""
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            chunk = None
        if not isinstance(chunk, dict):
            raise LlmMalformed(self._provider, "a piece of its answer is no JSON object", used=self.used)
        if chunk.get("error") is not None:
            raise faults.in_stream(self._provider, chunk["error"], redaction, self.used)
        self.last = chunk if "model" in chunk else self.last
        self.used = _usage(chunk) or self.used
        choice = _choice(chunk)
        if choice is None:
            return ""
        if choice.get("finish_reason") is not None:
            self.finish = self.finish or _finish(choice)
        delta = choice.get("delta")
        found = delta if isinstance(delta, dict) else {}
        if isinstance(found.get("refusal"), str) and found["refusal"]:
            self.finish = "refused"
            return str(found["refusal"])
        return found["content"] if isinstance(found.get("content"), str) else ""


def _headers(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _choice(document: Any) -> dict[str, Any] | None:
    choices = document.get("choices") if isinstance(document, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _finish(choice: Mapping[str, Any] | None) -> Finish:
    reason = choice.get("finish_reason") if choice is not None else None
    return _FINISHES.get(reason, "other") if isinstance(reason, str) else "other"


def _usage(document: Any) -> tuple[int, int] | None:
    usage = document.get("usage") if isinstance(document, dict) else None
    if not isinstance(usage, dict):
        return None
    tokens_in, tokens_out = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    return None if tokens_in is None or tokens_out is None else (tokens_in, tokens_out)
