"""The settings of access over HTTP and of the audit log."""

from __future__ import annotations

import argparse
from pathlib import Path

import jsonschema
import pytest

from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.cli import settings
from mcp_wasm.config.access import ACCESS_TABLES
from mcp_wasm.config.keys import json_schema
from mcp_wasm.config.model import Config
from mcp_wasm.config.read import load
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.access import Access, Budget, OAuth, Token, hashed

SECRET = "0123456789abcdef"
TOKENS = """
[tokens.ci]
secret_env = "CI_TOKEN"
tools = ["text_*", "hash_digest"]
calls_per_minute = 600
concurrent = 4

[tokens.ci.limits]
deadline = 5
memory = "1 MiB"

[tokens.laptop]
secret_file = "laptop.token"

[tokens.plain]
secret = "fedcba9876543210"
"""


def loaded(folder: Path, text: str, *, trusted: bool = True) -> Config:
    path = folder / "mcp-wasm.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, trusted=trusted)


def test_tokens_have_tools_budgets_and_secrets_from_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "laptop.token").write_text(f"  {SECRET}laptop\n", encoding="utf-8")
    access = settings.access(loaded(tmp_path, TOKENS), {"CI_TOKEN": SECRET})
    budget = Budget(600, 4, limits={"deadline": 5, "memory": 1024 * 1024})
    assert access.tokens == (
        Token("ci", hashed(SECRET), ("text_*", "hash_digest"), budget),
        Token("laptop", hashed(f"{SECRET}laptop")),
        Token("plain", hashed("fedcba9876543210")),
    )


def test_a_secret_is_not_kept_by_the_settings(tmp_path: Path) -> None:
    config = loaded(tmp_path, TOKENS)
    assert "fedcba9876543210" not in repr(config)
    assert all("fedcba" not in str(value) for setting in config.tokens for value in (setting, setting.token))


WRONG_TOKENS = [
    ("[tokens.a]\n", "one of secret, secret_env and secret_file"),
    ('[tokens.a]\nsecret = "0123456789abcdef"\nsecret_env = "B"\n', "secret, secret_env"),
    ('[tokens.a]\nsecret = "short"\n', "at least 16"),
    ('[tokens.a]\nsecret = "0123456789 abcdef"\n', "at least 16"),
    ('[tokens.a]\nsecret = "0123456789abcd\u00e9f"\n', "at least 16"),
    ('[tokens.A]\nsecret = "0123456789abcdef"\n', "a name of lower-case"),
    ('[tokens.a]\nsecret = "0123456789abcdef"\ntool = ["x"]\n', "did you mean tools"),
    ('[tokens.a]\nsecret = "0123456789abcdef"\ntools = "x"\n', "a list of texts"),
    ('[tokens.a]\nsecret = "0123456789abcdef"\ncalls_per_minute = 0\n', "from 1"),
    ('[tokens.a]\nsecret = "0123456789abcdef"\nlimits = {instances = 1}\n', "a key that exists"),
    ('[tokens.a]\nsecret = "0123456789abcdef"\nlimits = 5\n', "a table"),
    ('[tokens]\na = "0123456789abcdef"\n', "a table"),
]


@pytest.mark.parametrize(("text", "said"), WRONG_TOKENS)
def test_a_token_that_is_wrong_is_refused_without_its_secret(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        loaded(tmp_path, text)
    assert said in str(refused.value)
    if "tokens]" not in text:
        assert "0123456789" not in str(refused.value)


@pytest.mark.parametrize("environment", [{}, {"CI_TOKEN": ""}, {"CI_TOKEN": "short"}])
def test_a_reference_to_no_secret_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    config = loaded(tmp_path, '[tokens.ci]\nsecret_env = "CI_TOKEN"\n')
    with pytest.raises(InvalidSettings, match="CI_TOKEN"):
        settings.access(config, environment)
    with pytest.raises(InvalidSettings, match=r"nowhere\.token"):
        settings.access(loaded(tmp_path, '[tokens.a]\nsecret_file = "nowhere.token"\n'), {})


def test_two_tokens_have_two_secrets(tmp_path: Path) -> None:
    config = loaded(tmp_path, '[tokens.a]\nsecret_env = "X"\n[tokens.b]\nsecret_env = "X"\n')
    with pytest.raises(InvalidSettings, match=r"tokens\.b.*that of a"):
        settings.access(config, {"X": SECRET})


def test_the_authorization_server_is_read_whole(tmp_path: Path) -> None:
    text = """
    [oauth]
    issuer = "https://i.example"
    resource = "https://t.example/mcp"
    jwks_file = "keys.json"
    audience = ["a"]
    jwks_seconds = 60
    algorithms = ["ES256"]
    leeway = 5
    scopes = ["mcp"]
    tools_scope = "run:"
    tools = ["calc_*"]
    claim = "own"
    concurrent = 2
    [oauth.limits]
    fuel = 1000
    """
    assert loaded(tmp_path, text).access.oauth == OAuth(
        issuer="https://i.example",
        resource="https://t.example/mcp",
        audience=("a",),
        jwks_file=tmp_path / "keys.json",
        jwks_seconds=60,
        algorithms=("ES256",),
        leeway=5,
        scopes=("mcp",),
        tools_scope="run:",
        tools=("calc_*",),
        claim="own",
        budget=Budget(concurrent=2, limits={"fuel": 1000}),
    )


OAUTH = '[oauth]\nissuer = "https://i"\nresource = "https://t/mcp"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[oauth]\n", "the key issuer"),
        ('[oauth]\nissuer = "https://i"\n', "the key resource"),
        (OAUTH, "one of jwks_url and jwks_file"),
        (OAUTH + 'jwks_file = "a"\njwks_url = "https://k"\n', "one of jwks_url and jwks_file"),
        *((OAUTH + f'jwks_file = "a"\nalgorithms = ["{name}"]\n', "some of RS256")
          for name in ("none", "HS256", "HS512", "RS1", "")
          if name),
        (OAUTH + 'jwks_file = "a"\nlimits = {tables = 1}\n', "a key that exists"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_authorization_server_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        loaded(tmp_path, text)
    assert said in str(refused.value)


def test_rates_of_http_go_over_the_defaults(tmp_path: Path) -> None:
    access = loaded(tmp_path, "[http]\nconcurrent = 3\nconnections = 9\nbody_seconds = 1.5\n").access
    assert access == Access(
        budget=Budget(calls_per_minute=6000, concurrent=3), connections=9, body_seconds=1.5
    )
    assert loaded(tmp_path, "").access == Access()


def test_the_audit_log_is_set(tmp_path: Path) -> None:
    text = (
        '[audit]\nenabled = false\nmax_bytes = "1 MiB"\nkeep = 2\nsync = true\narguments = 100\nqueue = 5\n'
    )
    assert loaded(tmp_path, text).audit == AuditOptions(False, 1024 * 1024, 2, True, 100, 5)
    assert loaded(tmp_path, "").audit == AuditOptions()


@pytest.mark.parametrize("table", ACCESS_TABLES)
def test_a_file_that_came_with_a_project_sets_none_of_it(tmp_path: Path, table: str) -> None:
    for key in ACCESS_TABLES[table]:
        name = table.replace("NAME", "a")
        value = {"flag": "false", "texts": '["x"]', "integer": "1", "number": "1", "size": "1"}.get(
            key.kind, '"x"'
        )
        with pytest.raises(InvalidSettings, match="working folder"):
            loaded(tmp_path, f"[{name}]\n{key.name} = {value}\n", trusted=False)


def test_the_schema_for_editors_knows_all_of_it(tmp_path: Path) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    good = {
        "tokens": {"ci": {"secret_env": "X", "tools": ["a"], "limits": {"fuel": 5}}},
        "oauth": {"issuer": "x", "limits": {"deadline": 1}},
        "audit": {"sync": True},
        "http": {"concurrent": 5},
    }
    jsonschema.validate(good, schema)
    wrong: tuple[dict[str, object], ...] = (
        {"tokens": {"ci": {"limits": {"tables": 1}}}},
        {"tokens": {"C I": {}}},
        {"audit": {"x": 1}},
    )
    for bad in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_tokens_are_looked_for_only_where_http_is_served(tmp_path: Path, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "mcp-wasm.toml").write_text('[tokens.a]\nsecret_env = "NOT_SET"\n', encoding="utf-8")
    args = argparse.Namespace(home=str(home), config=None)
    assert settings.read(args, {}).tokens[0].env == "NOT_SET"
