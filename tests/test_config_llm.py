"""The settings of language models, and the page about them."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from mcp_wasm.config.keys import TABLES, json_schema
from mcp_wasm.config.llm import keys
from mcp_wasm.config.model import Config
from mcp_wasm.config.read import load
from mcp_wasm.errors import InvalidSettings, LlmKeyMissing
from mcp_wasm.llm.options import LlmOptions, Price, ProviderOptions
from mcp_wasm.llm.protocol import Request
from mcp_wasm.llm.service import Asked, Llm
from tests.llm.wire import body, granted, json_reply, openai_answer
from tests.sandbox.network.server import serving

TEXT = (Path(__file__).parents[1] / "docs" / "llm.md").read_text(encoding="utf-8")
SECRET = "sk-not-to-be-shown"


def loaded(folder: Path, text: str, *, trusted: bool = True) -> Config:
    path = folder / "mcp-wasm.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, trusted=trusted)


def test_the_settings_of_the_page_are_read_in_their_order(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert loaded(tmp_path, example).llm == LlmOptions((
        ProviderOptions(
            "claude", "anthropic", "claude-sonnet-4-5", key="env:ANTHROPIC_API_KEY", price=Price(3, 15)
        ),
        ProviderOptions("gpt", "openai", "gpt-5-mini", key="keyring:openai/me", timeout=60),
        ProviderOptions("local", "compatible", "llama3.2", "http://127.0.0.1:11434/v1"),
    ))  # fmt: skip


def test_every_key_is_on_the_page_with_what_holds_without_it() -> None:
    cells = [line.split(" | ") for line in TEXT.splitlines()]
    rows = {row[0]: row[-1] for row in cells if len(row) == 3}
    usual = ProviderOptions("p", "openai", "m", key="env:K")
    for key in TABLES["llm.NAME"]:
        value = getattr(usual, key.name, None)
        assert f"`{key.name}`" in TEXT
        if isinstance(value, (int, float)):
            assert rows[f"| `{key.name}`"] == f"`{value:g}` |"


def test_without_settings_there_is_no_provider(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").llm == LlmOptions()
    assert loaded(tmp_path, "[llm.fallback]").llm == LlmOptions((ProviderOptions("fallback", "fallback"),))


OPENAI = "[llm.p]\nkind = 'openai'\nmodel = 'm'\n"

WRONG: list[tuple[str, str]] = [
    ("[llm.p]\nmodel = 'm'", "llm.p: expected the key kind"),
    ("[llm.p]\nkind = 'gemini'", "llm.p.kind: expected one of openai, anthropic, compatible, fallback"),
    ("[llm.p]\nkind = 'openai'", "llm.p: expected the key model"),
    ("[llm.P]\nkind = 'openai'", "llm.P: expected a name"),
    ("[llm]\np = 1", "llm.p: expected a table"),
    (OPENAI, "the key key, such as env:OPENAI_API_KEY"),
    (
        f"{OPENAI}key = '{SECRET}'",
        "llm.p.key: expected env:NAME, file:PATH or keyring:SERVICE/USER, got '***'",
    ),
    (f"{OPENAI}key = ['{SECRET}']", "llm.p.key: expected a text that is not empty, got '***'"),
    (f"{OPENAI}api_key = 'env:K'", "llm.p.api_key: expected a key that exists"),
    (
        f"{OPENAI}key = 'env:K'\nbase_url = 'http://llm.example.com'",
        "an https:// address, or http:// to this machine",
    ),
    (f"{OPENAI}key = 'env:K'\ninput_price = 1", "both input_price and output_price, or none"),
    (f"{OPENAI}key = 'env:K'\ninput_price = -1", "llm.p.input_price: expected a number from 0"),
    (f"{OPENAI}key = 'env:K'\ntimeout = 0", "llm.p.timeout: expected a number from 0.1"),
    (f"{OPENAI}key = 'env:K'\nretries = 11", "llm.p.retries: expected an integer from 0 to 10"),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_what_is_wrong_is_named_and_no_key_is_repeated(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidSettings) as error:
        loaded(tmp_path, text)
    assert told in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("key", [each.name for each in TABLES["llm.NAME"]])
def test_a_project_that_someone_else_wrote_sets_no_provider(tmp_path: Path, key: str) -> None:
    """It could send a person's key, and all that agents ask, to an address of its own."""
    with pytest.raises(InvalidSettings, match="in a file that lies in the working folder"):
        loaded(tmp_path, f"[llm.p]\n{key} = '{SECRET}'", trusted=False)
    with pytest.raises(InvalidSettings, match="the key kind"):
        loaded(tmp_path, "[llm.p]", trusted=False)


def test_a_key_is_read_when_it_is_asked_for_and_is_no_part_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f"{SECRET}\n", encoding="utf-8")
    (tmp_path / "key.txt").chmod(0o600)
    text = f"{OPENAI}key = 'env:K'\n[llm.q]\nkind = 'openai'\nmodel = 'm'\nkey = 'file:key.txt'"
    options = loaded(tmp_path, text).llm
    environ: dict[str, str] = {}
    found = keys(options, environ)
    with pytest.raises(
        LlmKeyMissing, match="its key cannot be read from env:K: the host has no such variable"
    ):
        found["p"]()
    environ["K"] = SECRET
    assert (found["p"](), found["q"]()) == (SECRET, SECRET)
    assert SECRET not in repr(options)
    assert keys(LlmOptions((ProviderOptions("fallback", "fallback"),)), {}) == {}


@pytest.mark.anyio
async def test_what_is_set_is_what_is_asked(tmp_path: Path) -> None:
    """The whole way: settings, a key in the environment, a grant, a provider on a socket, an answer."""
    with serving(lambda *_: json_reply(openai_answer())) as server:
        text = f"{OPENAI}key = 'env:K'\nbase_url = 'http://127.0.0.1:{server.port}/v1/'\nmax_tokens = 7"
        options = loaded(tmp_path, f"{text}\ninput_price = 1\noutput_price = 10").llm
        llm = Llm(options, keys(options, {"K": SECRET}))
        answer = await llm.ask(Asked(Request(text="Hi.")), granted(cost=0.01), "a")
        await llm.aclose()
    assert (answer.text, answer.provider, answer.cost) == ("Hello.", "p", 0.000119)
    assert server.seen[0].line == "POST /v1/chat/completions HTTP/1.1"
    assert server.seen[0].header("authorization") == [f"Bearer {SECRET}"]
    assert body(server.seen[0])["max_completion_tokens"] == 7


def test_the_schema_for_editors_knows_providers() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid({"llm": {"p": {"kind": "openai", "model": "m", "key": "env:K"}}})
    assert not validator.is_valid({"llm": {"p": {"kind": "gemini"}}})
    assert not validator.is_valid({"llm": {"p": {"api_key": "x"}}})
