"""Tools of fixed names that ask the client in rounds, which is how the 2026 protocol asks."""

from __future__ import annotations

import json
from typing import Any

from mcp import types
from mcp.types import InputRequiredResult

from tests.server.conformance_base import (
    TEXT,
    Answer,
    Context,
    asking,
    fixture,
    said,
    sampling,
)

ROUNDS = "test_input_required_result_"
NAME = asking({"name": TEXT}, "What is your name?", "name")
CONFIRM = asking({"ok": {"type": "boolean"}}, "Please confirm", "ok")


def given(ctx: Context) -> tuple[dict[str, Any], str | None]:
    """What the client sent back: its answers, and the state it was given."""
    params = types.CallToolRequestParams.model_validate(ctx.params, by_name=False)
    return dict(params.input_responses or {}), params.request_state


def content(reply: Any) -> dict[str, Any]:
    found: dict[str, Any] = getattr(reply, "content", None) or {}
    return found


@fixture(ROUNDS + "elicitation")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, _ = given(ctx)
    reply = replies.get("user_name")
    if isinstance(reply, types.ElicitResult):
        return said(f"Hello, {content(reply).get('name', '?')}!")
    return InputRequiredResult(input_requests={"user_name": NAME}) if reply is None else said("Hello!")


@fixture(ROUNDS + "sampling")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, _ = given(ctx)
    if "capital_question" in replies:
        return said(f"Model said: {getattr(replies['capital_question'].content, 'text', '?')}")
    return InputRequiredResult(
        input_requests={"capital_question": sampling("What is the capital of France?")}
    )


@fixture(ROUNDS + "list_roots")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, _ = given(ctx)
    if "client_roots" in replies:
        return said(f"Client exposed {len(getattr(replies['client_roots'], 'roots', []))} root(s).")
    return InputRequiredResult(input_requests={"client_roots": types.ListRootsRequest()})


@fixture(ROUNDS + "request_state")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, state = given(ctx)
    if "confirm" in replies and state == "nonce":
        return said("state-ok: confirmation received")
    return InputRequiredResult(input_requests={"confirm": CONFIRM}, request_state="nonce")


@fixture(ROUNDS + "tampered_state")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    _, state = given(ctx)
    if state is not None:
        return said(f"state-ok: {state}")
    return InputRequiredResult(input_requests={"confirm": CONFIRM}, request_state="round-1")


@fixture(ROUNDS + "multiple_inputs")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    requests: dict[str, Any] = {
        "user_name": NAME,
        "greeting": sampling("Generate a greeting"),
        "client_roots": types.ListRootsRequest(),
    }
    if requests.keys() <= given(ctx)[0].keys():
        return said("All inputs received.")
    return InputRequiredResult(input_requests=requests, request_state="multiple")


@fixture(ROUNDS + "multi_round")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    replies, raw = given(ctx)
    state = json.loads(raw) if raw else {"round": 0}
    if state["round"] == 1 and "step1" in replies:
        color = asking({"color": TEXT}, "Step 2: What is your favorite color?", "color")
        following = json.dumps({"round": 2, "name": content(replies["step1"]).get("name")})
        return InputRequiredResult(input_requests={"step2": color}, request_state=following)
    if state["round"] == 2 and "step2" in replies:
        return said(f"{state['name']} likes {content(replies['step2']).get('color')}.")
    return InputRequiredResult(input_requests={"step1": NAME}, request_state=json.dumps({"round": 1}))


@fixture(ROUNDS + "capabilities")
async def _(ctx: Context, arguments: dict[str, Any]) -> Answer:
    can = ctx.session.client_capabilities
    requests: dict[str, Any] = {}
    if can is None or can.sampling is not None:
        requests["sample"] = sampling("Say hello")
    if can is None or can.elicitation is not None:
        requests["ask"] = NAME
    return InputRequiredResult(input_requests=requests, request_state="gated")
