from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.capability.sizes import parse_size
from mcp_wasm.config.keys import TABLES, json_schema
from mcp_wasm.config.model import Config
from mcp_wasm.config.read import load
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.options import ServerOptions

EVERYTHING = """
components = ["tools", "/srv/components"]
home = "state"
bundled = false
workers = 3
log = "info"

[cache]
size = "2 GiB"

[state]
backend = "sqlite"
sync = "full"
value = "2 KiB"
keys = 7

[http]
host = "127.0.0.1"
port = 8000
token = "secret"

[server]
name = "mine"
tools = "both"
page_size = 20
results_bytes = "10 MB"
results_seconds = 60
allowed_hosts = ["example.org"]

[limits]
fuel = 1000000
deadline = 2.5
memory = "64 MiB"

[component.text.limits]
deadline = 9

[tools.tiny_add]
name = "sum"
title = "Sum"
hidden = false
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mcp-wasm.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_reaches_the_config(tmp_path: Path) -> None:
    config = load(written(tmp_path, EVERYTHING))
    assert config.components == (tmp_path / "tools", Path("/srv/components"))
    assert (config.home, config.bundled, config.workers, config.log) == (tmp_path / "state", False, 3, "info")
    assert config.cache_bytes == 2 * 1024**3
    assert (config.http.host, config.http.port, config.http.token) == ("127.0.0.1", 8000, "secret")
    assert (config.server.name, config.server.tools, config.server.page_size) == ("mine", "both", 20)
    assert config.server.results_bytes == 10_000_000
    assert config.server.allowed_hosts == ("example.org",)
    assert config.limits == Limits(fuel=1_000_000, deadline=2.5, memory=64 * 1024**2)
    assert config.component_limits["text"] == dataclasses.replace(config.limits, deadline=9)
    assert (config.tools["tiny_add"].name, config.tools["tiny_add"].hidden) == ("sum", False)


def test_what_people_may_answer_and_models_may_load_is_set(tmp_path: Path) -> None:
    text = "[server]\ncode = false\napprovals = false\napproval_seconds = 60\nallow_load = ['wasm']\n"
    config = load(written(tmp_path, text + f"[tokens.me]\nsecret = '{'s' * 20}'\napproves = true\n"))
    assert (config.server.code, config.server.approvals, config.server.approval_seconds) == (False, False, 60)
    assert config.server.allow_load == (tmp_path / "wasm",)
    assert [setting.token.approves for setting in config.tokens] == [True]


def test_state_is_kept_as_it_was_set(tmp_path: Path) -> None:
    found = load(written(tmp_path, EVERYTHING)).state
    assert found == StateOptions("sqlite", "full", Bounds(value=2048, keys=7))


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    assert load(path) == Config(source=path)


def test_a_token_is_not_shown(tmp_path: Path) -> None:
    assert "secret" not in repr(load(written(tmp_path, EVERYTHING)))


WRONG = [
    ("colour = 1", "colour: expected a key that exists"),
    ("[limits]\nfule = 1", "limits.fule: expected a key that exists (did you mean fuel?)"),
    ("[limit]\nfuel = 1", "limit: expected a key that exists (did you mean limits?)"),
    ("[limits]\nfuel = 0", "limits.fuel: expected an integer from 1"),
    ("[limits]\nfuel = 1.5", "limits.fuel: expected an integer, got 1.5"),
    ("[limits]\nfuel = true", "limits.fuel: expected an integer, got True"),
    ("[limits]\ndeadline = nan", "limits.deadline: expected a number"),
    ("[limits]\ndeadline = inf", "limits.deadline: expected a number"),
    ("[limits]\ndeadline = -1", "limits.deadline: expected a number"),
    ("[limits]\nmemory = '64 MiX'", "limits.memory: expected a number of bytes"),
    ("[limits]\nmemory = '1 TiB'", "limits.memory: expected a number of bytes"),
    ("limits = 3", "limits: expected a table, got 3"),
    ("[component]\ntext = 3", "component.text: expected a table, got 3"),
    (
        "[component.text]\nlimit = 3",
        "component.text.limit: expected a key that exists (did you mean limits?)",
    ),
    ("[component.'Text Tool'.limits]\nfuel = 3", "component.Text Tool: expected a name"),
    ("[tools.a]\nname = 'B C'", "tools.a.name: expected a name"),
    ("[tools.a]\nname = 'c'\n[tools.b]\nname = 'c'", "tools.b.name: expected a name that no other tool has"),
    ("[tools.a]\nhidden = 'yes'", "tools.a.hidden: expected true or false, got 'yes'"),
    ("log = 'loud'", "log: expected one of debug, info, warning, error, got 'loud'"),
    ("components = 'tools'", "components: expected a list of paths, got 'tools'"),
    ("components = [1]", "components: expected a list of paths"),
    ("home = ''", "home: expected the path of a folder"),
    ("[state]\nbackend = 'paper'", "state.backend: expected one of sqlite, memory, redis, nats, got 'paper'"),
    ("[state]\nsync = 'off'", "state.sync: expected one of normal, full, got 'off'"),
    ("[state]\nkeys = 0", "state.keys: expected an integer from 1"),
    ("[http]\nport = 65536", "http.port: expected an integer from 0 to 65,535, got 65536"),
    ("[server]\ntools = 'all'", "server.tools: expected one of dynamic, search, both, got 'all'"),
    ("[server]\nversion = '1'", "server.version: expected a key that exists"),
    ("a = ", "expected a TOML document"),
    ("a = " + "[" * 5000, "expected a TOML document"),
    ("a = " + "9" * 5000, "expected a TOML document"),
    ("[grants.a.netwrok]", "grants.a.netwrok: expected a kind of grant that exists (did you mean network?)"),
    ("grants = 5", "grants: expected a table"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_what_is_wrong_is_named_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InvalidSettings) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_token_of_the_wrong_type_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(written(tmp_path, "[http]\ntoken = 12345678"))
    assert "12345678" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["missing.toml", "."], ids=["a file that is not there", "a folder in place of a file"]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidSettings, match="a file that can be read"):
        load(tmp_path / path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings, match="a TOML document"):
        load(tmp_path / "x.toml")


FROM_A_STRANGER = [
    "home = '/tmp/evil'",
    "[cache]\nsize = '1 GiB'",
    "[state]\nbackend = 'memory'",
    "[state]\nsync = 'full'",
    "[state]\ntotal = '1 TiB'",
    "[http]\nport = 80",
    "[http]\nhost = '0.0.0.0'",
    "[http]\ntoken = 'known-to-me'",
    "[server]\nallowed_origins = ['evil.example']",
    "[server]\nbody_limit = '1 TiB'",
    "[server]\nallow_load = ['.']",
    f"[limits]\nfuel = {Limits().fuel + 1}",
    "[limits]\nmemory = '1 GiB'",
    "[component.evil.limits]\ndeadline = 31",
    # `tools = ["fetch_get"]` in a grant, `tools` of a token, and a grant of tools mean names.
    "[tools.fetch_post]\nname = 'fetch_get'",
]


@pytest.mark.parametrize("text", FROM_A_STRANGER)
def test_a_project_that_someone_else_wrote_cannot_reach_beyond_the_sandbox(tmp_path: Path, text: str) -> None:
    """In a home of the attacker's lie artifacts under the attacker's key: native code that we would run."""
    path = written(tmp_path, text)
    with pytest.raises(InvalidSettings, match="--config"):
        load(path, trusted=False)
    load(path)


def test_a_project_may_narrow_limits_and_title_its_tools(tmp_path: Path) -> None:
    text = "components = ['t']\n[limits]\nfuel = 5\n[tools.t_run]\ntitle = 'Run'"
    config = load(written(tmp_path, text), trusted=False)
    assert (config.components, config.limits.fuel) == ((tmp_path / "t",), 5)
    assert config.tools["t_run"].title == "Run"


SIZES = [
    ("0", 0), ("123", 123), ("1 KiB", 1024), ("1k", 1000), ("1 kB", 1000), ("1.5 GiB", 1_610_612_736),
    ("64MiB", 64 * 1024**2), ("2 tib", 2 * 1024**4), ("7 B", 7), ("", None), ("MiB", None), ("-1", None),
    ("1 PiB", None), ("0x10", None), ("1e3", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_sizes_are_read(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_the_keys_are_those_of_the_values_they_set() -> None:
    assert {key.name for key in TABLES["limits"]} == {f.name for f in dataclasses.fields(Limits)}
    options = {f.name for f in dataclasses.fields(ServerOptions)} - {"version", "warm"}  # not for people
    assert {key.name for key in TABLES["server"]} == options


def test_the_schema_for_editors_accepts_what_is_accepted_and_refuses_what_is_refused(tmp_path: Path) -> None:

    schema = json_schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(tomllib.loads(EVERYTHING))
    for text in ("colour = 1", "[limits]\nfuel = 0", "[tools.a]\nname = 'B C'", "log = 'loud'", "limits = 3"):
        assert list(validator.iter_errors(tomllib.loads(text))), text
    json.dumps(schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["components", "limits", "tools", "component", "server", "http", "cache", "home", "fuel"]
)


@given(document=st.dictionaries(NAMES, st.dictionaries(NAMES | st.text(), JSON) | JSON))
def test_no_document_is_answered_with_anything_but_settings_or_a_clear_error(
    document: dict[str, object],
) -> None:
    from mcp_wasm.config.read import _Reader

    try:
        answer: object = _Reader(Path("x.toml"), trusted=True).config(document)
    except InvalidSettings as error:
        answer = str(error)
    assert isinstance(answer, Config) or str(answer).startswith("x.toml: ")
