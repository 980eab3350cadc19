from __future__ import annotations

import pytest

from mcp_wasm.agents import incoming
from mcp_wasm.agents.message import KINDS, RUNTIME_KINDS, Priority
from mcp_wasm.errors import MessageRefused


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("critical", Priority.CRITICAL),
        ("high", Priority.HIGH),
        ("normal", Priority.NORMAL),
        ("medium", Priority.NORMAL),
        ("low", Priority.LOW),
        (" HIGH ", Priority.HIGH),
        (None, Priority.NORMAL),
        ("", Priority.NORMAL),
    ],
)
def test_a_known_priority_is_taken_without_a_warning(text: object, priority: Priority) -> None:
    assert incoming.priority(text) == (priority, "")


@pytest.mark.parametrize("text", ["urgent", "0", 0, True, ["high"], "x" * 10_000])
def test_an_unknown_priority_is_normal_with_a_warning(text: object) -> None:
    priority, warning = incoming.priority(text)
    assert priority is Priority.NORMAL
    assert "is not known and was taken as normal" in warning
    assert len(warning) < 120


@pytest.mark.parametrize("text", sorted(KINDS))
def test_a_kind_that_people_send_is_taken(text: str) -> None:
    assert incoming.kind(text) == text


def test_without_a_kind_it_is_the_default_one() -> None:
    assert incoming.kind(None) == incoming.kind("") == "data_transfer"


@pytest.mark.parametrize("text", [*sorted(RUNTIME_KINDS), "Request", 7, ["request"], "x" * 10_000])
def test_an_unknown_kind_and_one_of_the_runtime_are_refused(text: object) -> None:
    with pytest.raises(MessageRefused, match=r"one of coordination, data_transfer") as caught:
        incoming.kind(text)
    assert len(str(caught.value)) < 300


def test_the_nearest_kind_is_named() -> None:
    with pytest.raises(MessageRefused, match=r"did you mean state_update\?"):
        incoming.kind("state_updates")
