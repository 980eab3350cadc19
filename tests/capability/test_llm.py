"""The grant of asking language models: what each of its keys takes, from both sides."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from mcp_wasm.capability import document
from mcp_wasm.capability.llm import OPERATIONS, Llm
from mcp_wasm.capability.schema import document_schema
from tests.capability.test_document import PLACE, refused

TAKEN: list[tuple[dict[str, Any], Llm]] = [
    ({"operations": [*OPERATIONS, "ask"]}, Llm(("a",))),
    ({"models": ["m*"], "operations": ["reason"]}, Llm(("a",), ("m*",), ("reason",))),
    (
        {"call_tokens": 1, "tokens": 1, "cost": 0, "period": 1},
        Llm(("a",), call_tokens=1, tokens=1, cost=0.0, period=1.0),
    ),
    (
        {"call_tokens": 10**7, "cost": 1e6, "period": 31_536_000},
        Llm(("a",), call_tokens=10**7, cost=1e6, period=31_536_000.0),
    ),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"providers": []}, "a list of names that is not empty"),
    ({"operations": ["sing"]}, "one of ask, summarize, plan_workflow, reason"),
    ({"operations": []}, "a list of words that is not empty"),
    ({"operations": "ask"}, "a list of words"),
    ({"call_tokens": 0}, "from 1 to 10,000,000"),
    ({"call_tokens": 10**7 + 1}, "from 1 to 10,000,000"),
    ({"tokens": 0}, "from 1 to"),
    ({"cost": -0.01}, "from 0 to 1,000,000"),
    ({"period": 0.5}, "from 1 to 31,536,000"),
]


@pytest.mark.parametrize(("table", "grant"), TAKEN)
def test_what_a_grant_of_models_takes(table: dict[str, Any], grant: Llm) -> None:
    given = {"providers": ["a"]} | table
    found = document.grant("llm", given, "here", PLACE)
    assert found == grant
    assert document.grant("llm", document.plain(found), "here", PLACE) == grant
    assert "operations" not in document.plain(Llm(("a",)))


@pytest.mark.parametrize(("table", "told"), REFUSED)
def test_what_a_grant_of_models_does_not_take(table: dict[str, Any], told: str) -> None:
    given = {"providers": ["a"]} | table
    assert told in refused("llm", given)
    validator = jsonschema.Draft202012Validator(document_schema())
    assert not validator.is_valid({"grants": {"a": {"trust": "name", "llm": given}}})


def test_a_grant_of_models_names_its_providers() -> None:
    assert "the key providers" in refused("llm", {"models": ["m"]})
