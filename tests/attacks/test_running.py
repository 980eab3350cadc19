"""Guests that never end, that call themselves for ever, and that wait for ever."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.attacked import Attacked, text_of

Limits = dict[str, Any] | None
HOUR_NS = 3600 * 10**9
FUEL: Limits = {"fuel": 10_000_000}
SOON: Limits = {"deadline": 0.1, "fuel": 10**18}

ENDLESS: list[tuple[str, dict[str, Any], Limits, str]] = [
    ("loops_spin", {}, FUEL, "fuel limit was reached"),
    ("loops_spin", {}, SOON, "deadline limit was reached"),
    ("loops_in_destructor", {}, FUEL, "fuel limit was reached"),
    ("loops_in_destructor", {}, SOON, "deadline limit was reached"),
    ("loops_in_realloc", {"text": "x"}, FUEL, "fuel limit was reached"),
    ("loops_in_realloc", {"text": "x"}, SOON, "deadline limit was reached"),
    ("loops_in_post_return", {}, FUEL, "fuel limit was reached"),
    ("loops_in_post_return", {}, SOON, "deadline limit was reached"),
    ("start_f", {}, FUEL, "fuel limit was reached"),
    ("start_f", {}, SOON, "deadline limit was reached"),
    ("loops_recurse", {}, None, "call stack is exhausted"),
    ("loops_recurse_wide", {}, None, "call stack is exhausted"),
    ("wasi_sleep", {"ns": HOUR_NS}, SOON, "deadline limit was reached"),
    ("wasi_poll_ever", {}, SOON, "deadline limit was reached"),
    ("wasi_nap_ever", {}, SOON, "deadline limit was reached"),
    ("wasi_poll_nothing", {}, None, "empty list"),
    ("hoarder_poll_many", {"n": 30_000, "ns": HOUR_NS}, SOON, "deadline limit was reached"),
]


@pytest.mark.parametrize(("tool", "arguments", "limits", "says"), ENDLESS)
def test_what_does_not_end_is_ended(
    server: Attacked, tool: str, arguments: dict[str, Any], limits: Limits, says: str
) -> None:
    result = server.call(tool, arguments, limits)
    assert result["isError"]
    assert says in text_of(result)
    server.check()


def test_a_destructor_of_what_is_left_behind_never_runs(server: Attacked) -> None:
    # The store goes with all that is in it; nothing of the guest runs after its call.
    assert server.call("loops_in_destructor_left", {}, FUEL)["structuredContent"] == {"result": 1}
    server.check()
