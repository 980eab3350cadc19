"""Whatever stands in a policy document is read or refused in words."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.capability import document
from mcp_wasm.capability.grant import KINDS
from mcp_wasm.capability.keys import KEYS, required
from mcp_wasm.errors import InvalidSettings
from tests.capability.test_document import PLACE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
NEARLY = st.dictionaries(
    st.sampled_from(["fetch", "a", "A"]) | st.text(max_size=4),
    st.dictionaries(
        st.sampled_from(["digest", "trust", "wishes", *KINDS]),
        JSON
        | st.dictionaries(st.sampled_from(sorted({k.name for keys in KEYS.values() for k in keys})), JSON),
        max_size=4,
    ),
    max_size=3,
)


@given(JSON | st.fixed_dictionaries({"grants": JSON | NEARLY}))
def test_any_document_is_read_or_refused_in_words(values: Any) -> None:
    with contextlib.suppress(InvalidSettings):
        document.read(values if isinstance(values, dict) else {"grants": values}, "f", PLACE)


@given(st.sampled_from(sorted(required(kind) and kind for kind in KINDS if required(kind))), JSON)
def test_any_value_of_a_required_key_is_read_or_refused(kind: str, value: Any) -> None:
    table = dict.fromkeys(required(kind), value)
    with contextlib.suppress(InvalidSettings):
        found = document.grant(kind, table, "here", PLACE)
        assert document.plain(found) == document.plain(document.grant(kind, document.plain(found), "", PLACE))
