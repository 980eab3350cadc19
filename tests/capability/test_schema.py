"""The schema that editors get agrees with the reader."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mcp_wasm.capability import document
from mcp_wasm.capability.grant import KINDS
from mcp_wasm.capability.keys import KEYS
from mcp_wasm.capability.schema import document_schema
from tests.capability.test_document import PLACE, REFUSED, TAKEN

PUBLISHED = Path(__file__).parents[2] / "docs" / "grants.schema.json"

BEYOND = (
    "a host name", "an absolute path", "with time and offset", "a name", "a method", "a variable",
    "zero byte", "begins with ~/", "the path", "env:NAME", "20,000 bits", "a whole number", "a number",
)  # fmt: skip
"""What a schema for editors need not know: what a host or path is, which numbers are whole."""


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = document_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize(("kind", "table", "_grant"), TAKEN)
def test_what_is_read_fits_the_schema(validator: Any, kind: str, table: dict[str, Any], _grant: Any) -> None:
    # An editor sees a date of TOML as a text.
    plain = json.loads(json.dumps(table, default=lambda value: value.isoformat()))
    assert validator.is_valid({"grants": {"a": {"digest": "d" * 64, kind: [plain, plain]}}})
    assert validator.is_valid({"grants": {"a": {"trust": "name", kind: plain}}})


@pytest.mark.parametrize(("kind", "table", "told"), [case for case in REFUSED if case[2] not in BEYOND])
def test_what_is_refused_does_not_fit(validator: Any, kind: str, table: dict[str, Any], told: str) -> None:
    assert not validator.is_valid({"grants": {"a": {kind: json.loads(json.dumps(table))}}}), told


@pytest.mark.parametrize("text", [{"grant": {}}, {"grants": {"A": {}}}, {"grants": {"a": {"digest": "x"}}}])
def test_what_is_no_policy_does_not_fit(validator: Any, text: Any) -> None:
    assert not validator.is_valid(text)


def test_the_tables_have_the_fields_of_the_grants() -> None:
    for kind, class_ in KINDS.items():
        fields = [field.name for field in dataclasses.fields(class_) if field.name != "rule"]
        assert [key.name for key in KEYS[kind]] == fields


def test_the_published_file_is_the_schema() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == document_schema()


def test_a_default_in_the_schema_is_what_is_read_without_the_key() -> None:
    entry = document_schema()["properties"]["grants"]["additionalProperties"]
    for kind, schema in entry["properties"].items():
        if kind in document.OWN:
            continue
        keys = schema["anyOf"][0]["properties"]
        with_defaults = {name: key["default"] for name, key in keys.items() if "default" in key}
        base = next(table for name, table, _ in TAKEN if name == kind)
        needed = {key: value for key, value in base.items() if "default" not in keys[key]}
        assert document.grant(kind, with_defaults | needed, "", PLACE) == document.grant(
            kind, needed, "", PLACE
        )
