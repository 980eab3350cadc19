"""Settings of providers: where a key may go, and what does not fit together."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_wasm.errors import (
    InvalidSettings,
)
from mcp_wasm.llm.options import Price, ProviderOptions

URLS = ["https://llm.example.com", "https://llm.example.com:8443/v1/", "http://127.0.0.1:8000/v1", "http://[::1]:1",
        "http://localhost:11434/v1", "http://127.8.9.1", "https://10.0.0.1/v1"]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_base_url_is_https_or_this_machine(url: str) -> None:
    assert ProviderOptions("p", "compatible", "m", url).url == url.rstrip("/")


BAD_URLS = [
    "http://llm.example.com", "http://10.0.0.1", "http://169.254.169.254/latest", "http://127.0.0.1.evil.example",
    "http://localhost.evil.example", "http://127.1", "http://0x7f000001", "http://2130706433", "http://0.0.0.0",
    "ftp://a", "file:///etc/passwd", "llm.example.com", "https://", "https://a b", "https://a/?x=1", "https://a/#x",
    "https://user:secret@a", "https://user@a", "https://a\\@b", "https://a:0", "https://a:99999", "https://[::1",
    "https://bücher.example", "http://127.0.0.1@evil.example", "https://a\r\nb",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_another_base_url_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"llm\.p\.base_url") as error:
        ProviderOptions("p", "compatible", "m", url)
    assert "secret" not in str(error.value)


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"name": "fallback", "kind": "openai"}, "under the name fallback"),
    ({"name": "p", "kind": "fallback"}, "under the name fallback"),
    ({"name": "p", "kind": "openai", "key": "env:A"}, "the key model"),
    ({"name": "p", "kind": "openai", "model": "m"}, "the key key, such as env:OPENAI_API_KEY"),
    ({"name": "p", "kind": "compatible", "model": "m"}, "the key base_url"),
    (
        {"name": "p", "kind": "anthropic", "model": "m", "key": "sk-ant-secret"},
        "keyring:SERVICE/USER, got '\\*\\*\\*'",
    ),
]


@pytest.mark.parametrize(("values", "told"), SETTINGS)
def test_what_does_not_fit_together_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidSettings, match=told) as error:
        ProviderOptions(**values)
    assert "secret" not in str(error.value)


def test_a_provider_of_its_own_place_needs_no_address() -> None:
    assert ProviderOptions("p", "openai", "m", key="env:K").url == "https://api.openai.com/v1"
    assert ProviderOptions("p", "anthropic", "m", key="file:/k").url == "https://api.anthropic.com"
    assert ProviderOptions("fallback", "fallback").url == ""


def test_a_price_is_for_a_million_tokens() -> None:
    assert Price(2.5, 10).cost(1_000_000, 500_000) == 7.5
