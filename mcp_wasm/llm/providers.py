"""From what a person set to providers: one class for each kind."""

from __future__ import annotations

from mcp_wasm.llm.exchange import KeySource
from mcp_wasm.llm.fallback import Fallback
from mcp_wasm.llm.options import ProviderOptions
from mcp_wasm.llm.protocol import Provider


def provider(options: ProviderOptions, key: KeySource | None) -> Provider:
    """The provider of ``options``; ``key`` gives its key, None where it has none."""
    match options.kind:
        case "fallback":
            return Fallback()
        case "anthropic":
            # Here and below, since a node whose models are of one kind, or none, needs no other.
            from mcp_wasm.llm.anthropic import Anthropic

            return Anthropic(options, key)
        case _:
            from mcp_wasm.llm.openai import OpenAi

            return OpenAi(options, key)
