"""The settings of language models: which keys there are, and the values made of tables that were checked.

A key of a provider is named by reference; the text itself in its place is refused
and not repeated. ``keys`` makes of the references what ``llm`` asks at each
request, so that a key can be changed without a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args

from mcp_wasm.config.key import Key
from mcp_wasm.errors import InvalidSettings, LlmKeyMissing
from mcp_wasm.llm.options import FALLBACK, LlmOptions, Price, ProviderKind, ProviderOptions

LLM_KEYS = (
    Key("kind", "text", "what it speaks", choices=get_args(ProviderKind), trusted=True),
    Key("model", "text", "the model that is asked where the request names none", trusted=True),
    Key("base_url", "text", "where it is: https, or http on this machine", trusted=True),
    Key("key", "secret", "its key: env:NAME, file:PATH or keyring:SERVICE/USER", trusted=True),
    Key("timeout", "number", "seconds of an answer with all that is tried again", 0.1, 3600, trusted=True),
    Key(
        "retries", "integer", "how often a request that failed in passing is sent again", 0, 10, trusted=True
    ),
    Key("breaker", "integer", "failures in a row after which it is left alone, or 0", 0, 1000, trusted=True),
    Key("alone", "number", "seconds for which it is left alone", 1, 86_400, trusted=True),
    Key("max_tokens", "integer", "tokens of an answer where the request names none", 1, 10**6, trusted=True),
    Key("ca", "file", "file of the certificates that are believed in place of the usual ones", trusted=True),
    Key("input_price", "number", "US dollars of a million tokens that are sent", 0, 10**6, trusted=True),
    Key("output_price", "number", "US dollars of a million tokens that come back", 0, 10**6, trusted=True),
)
"""All of them could send a key, or what agents say, to somebody else, or cost a person money."""

_PRICES = ("input_price", "output_price")


def provider(name: str, values: Mapping[str, Any], where: Path) -> ProviderOptions:
    """The provider ``[llm.name]``; ``where`` is the file, for errors and relative paths.

    Raises:
        InvalidSettings: for what does not fit together.
    """
    kind = values.get("kind", FALLBACK if name == FALLBACK else None)
    if kind is None:
        raise InvalidSettings(f"{where}: llm.{name}", "the key kind", "none")
    prices = [values[key] for key in _PRICES if key in values]
    if len(prices) == 1:
        raise InvalidSettings(f"{where}: llm.{name}", "both input_price and output_price, or none", "one")
    own = {key: value for key, value in values.items() if key not in {*_PRICES, "kind", "key"}}
    key = _absolute(values.get("key", ""), where.absolute().parent)
    return ProviderOptions(name, kind, key=key, price=Price(*prices) if prices else None, **own)


def keys(options: LlmOptions, environ: Mapping[str, str]) -> Mapping[str, Callable[[], str]]:
    """What gives the key of each provider that has one, by its name."""
    found = (each for each in options.providers if each.key)
    return {each.name: partial(_resolved, each.name, each.key, environ) for each in found}


def _resolved(name: str, reference: str, environ: Mapping[str, str]) -> str:
    # It loads the sandbox, and a key is read when it is sent and not before.
    from mcp_wasm.sandbox import secrets

    try:
        return secrets.resolve(reference, environ)
    except secrets.Unresolved as error:
        raise LlmKeyMissing(name, f"its key cannot be read from {reference}: {error}") from None


def _absolute(reference: str, folder: Path) -> str:
    scheme, _, path = reference.partition(":")
    if scheme != "file" or not path:
        return reference
    return f"file:{(folder / Path(path).expanduser()).resolve()}"
