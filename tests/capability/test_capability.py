"""Which import asks for which capability."""

from __future__ import annotations

import pytest

from mcp_wasm.capability.capability import WORDS, need

KINDS = [
    ("wasi:cli/environment@0.2.9", "base"),
    ("wasi:cli/run@0.2.0", "base"),
    ("wasi:clocks/wall-clock@0.2.3", "base"),
    ("wasi:random/random@0.2.9", "base"),
    ("wasi:io/streams@0.2.9", "base"),
    ("wasi:filesystem/types@0.2.9", "base"),
    ("wasi:sockets/tcp@0.2.9", "base"),
    ("wasi:http/outgoing-handler@0.2.3", "network"),
    ("wasi:http/types", "network"),
    ("wasi:keyvalue/store@0.2.0-draft", "keyvalue"),
    ("wasi:nn/graph@0.2.0-rc-2024-10-28", "nn"),
    ("wasi:logging/logging", "logging"),
    ("wasi:config/store@0.2.0-draft", "config"),
    ("wasi:messaging/consumer@0.2.0-draft", "messaging"),
    ("wasi:blobstore/container@0.2.0-draft", "storage"),
    ("mcp-wasm:tools/call@0.1.0", "tools"),
    ("wasi:httpx/types@0.2.3", "unknown"),
    ("evil:wasi/cli", "unknown"),
    ("wasi:cli-more/run", "unknown"),
    ("log", "unknown"),
    ("", "unknown"),
    ("wasi", "unknown"),
]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_an_import_asks_for_its_packages_capability(name: str, kind: str) -> None:
    assert need(name).kind == kind


def test_versions_make_no_difference_and_are_left_out() -> None:
    assert need("wasi:http/types@0.2.0") == need("wasi:http/types@0.3.0-rc")
    assert need("wasi:http/types@0.2.0").interface == "wasi:http/types"


def test_every_need_has_words_for_people() -> None:
    for name, kind in KINDS:
        assert need(name).words
        assert kind in WORDS
    assert need("acme:robots/arm@1.0.0").words == "use `acme:robots/arm`, which this runtime does not know"
