"""Whatever a provider sends is an answer or a failure that is told; nothing else comes of it."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.errors import LlmFailed, LlmRefused
from mcp_wasm.llm import anthropic, faults, openai
from mcp_wasm.llm.redact import Redaction
from mcp_wasm.llm.sse import Events, TooLong

WORDS = st.sampled_from(
    [
        "type",
        "error",
        "message",
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_delta",
        "delta",
        "text",
        "text_delta",
        "usage",
        "input_tokens",
        "output_tokens",
        "stop_reason",
        "choices",
        "content",
        "code",
        "finish_reason",
        "refusal",
        "model",
        "prompt_tokens",
        "completion_tokens",
        "insufficient_quota",
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)


@given(st.lists(JSON | st.dictionaries(WORDS, JSON), max_size=4))
def test_any_events_are_read_or_a_failure(events: list[Any]) -> None:
    for streamed in (openai._Streamed("p"), anthropic._Streamed("p")):
        with contextlib.suppress(LlmFailed):
            for event in events:
                assert isinstance(streamed.take(json.dumps(event), Redaction("")), str)


@given(st.integers(100, 599), JSON, st.dictionaries(st.sampled_from(["retry-after", "location"]), st.text()))
def test_any_status_and_body_are_a_failure(status: int, body: Any, headers: dict[str, str]) -> None:
    error = faults.of(
        "p", status, headers, json.dumps({"error": body}).encode(), Redaction("secret-key"), 0.0
    )
    assert isinstance(error, (LlmFailed, LlmRefused))
    assert isinstance(error, LlmRefused) or str(error).isprintable()


@given(st.text(), st.floats(0, 2e9))
def test_any_wait_is_a_number_of_seconds_or_none(value: str, now: float) -> None:
    for name in ("retry-after", "retry-after-ms"):
        wait = faults.again({name: value}, now)
        assert wait is None or wait >= 0


@given(st.lists(st.binary(max_size=20)), st.integers(1, 50))
def test_any_bytes_are_events_within_their_bound_or_refused(chunks: list[bytes], longest: int) -> None:
    events = Events(longest)
    with contextlib.suppress(TooLong, UnicodeDecodeError):
        for chunk in chunks:
            assert all(len(each.data) <= longest for each in events.feed(chunk))


@given(st.text(min_size=6), st.lists(st.text(max_size=4)), st.lists(st.integers(0, 50), max_size=5))
def test_a_key_is_in_no_pieces_however_they_are_cut(key: str, around: list[str], cuts: list[int]) -> None:
    text = key.join(["", *around, ""])
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    redaction = Redaction(key)
    given_on = [redaction.piece(text[at:end]) for at, end in itertools.pairwise(places)]
    whole = "".join([*given_on, redaction.rest()])
    assert key not in whole or key in "[key]"
