"""State on another machine, from the settings to a store that works."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mcp_wasm.cli import state_backend
from mcp_wasm.config.read import load
from mcp_wasm.errors import InvalidSettings, StateUnavailable
from mcp_wasm.memory.options import StateOptions, store
from tests.memory import redis_server


def written(folder: Path, text: str) -> Path:
    path = folder / "mcp-wasm.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_state_in_nats_is_kept_by_a_server_of_our_own(tmp_path: Path) -> None:
    config = load(written(tmp_path, "[state]\nbackend = 'nats'\nkeys = 2\n"))
    found = state_backend.opened(config, tmp_path / "home", {})
    with closing(store(found, tmp_path / "keyvalue.sqlite")) as kept:
        kept.set("b", "k", b"v")
    with closing(store(found, tmp_path / "keyvalue.sqlite")) as kept:
        assert kept.get("b", "k") == b"v"  # another server, the same data
        assert kept.bounds.keys == 2
    assert (tmp_path / "home" / "mesh" / "nats").is_dir()
    assert not (tmp_path / "keyvalue.sqlite").exists()


def test_state_in_redis_is_where_the_settings_say(tmp_path: Path) -> None:
    text = "[state]\nbackend = 'redis'\nurl = 'env:STATE'\n"
    config = load(written(tmp_path, text))
    with pytest.raises(InvalidSettings, match=r"state\.url"):
        state_backend.opened(config, tmp_path, {})
    with pytest.raises(InvalidSettings, match="another text"):
        state_backend.opened(config, tmp_path, {"STATE": "secret"})
    found = state_backend.opened(config, tmp_path, {"STATE": redis_server.url()})
    with closing(store(found, tmp_path / "keyvalue.sqlite")) as kept:
        kept.set(str(tmp_path), "k", b"v")
        assert kept.get(str(tmp_path), "k") == b"v"


def test_what_is_not_said_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="expected redis://"):
        state_backend.opened(load(written(tmp_path, "[state]\nbackend = 'redis'\n")), tmp_path, {})
    with pytest.raises(StateUnavailable, match="settings file"):
        store(StateOptions("nats"), tmp_path / "x")
    plain = load(written(tmp_path, ""))
    assert state_backend.opened(plain, tmp_path, {}) is plain.state


@pytest.mark.parametrize("backend", ["nats", "redis"])
def test_what_agents_remember_is_apart_from_buckets_of_the_same_name(tmp_path: Path, backend: str) -> None:
    text = f"[state]\nbackend = '{backend}'\nurl = 'env:STATE'\n"
    environ = {"STATE": redis_server.url() if backend == "redis" else ""}
    found = state_backend.opened(load(written(tmp_path, text)), tmp_path / "home", environ)
    name = f"agent.{tmp_path.name}"
    with (
        closing(store(found, tmp_path / "memory.sqlite")) as memory,
        closing(store(found, tmp_path / "keyvalue.sqlite")) as buckets,
    ):
        memory.set(name, "k", b"secret")
        assert buckets.list_keys(name).keys == ()
        buckets.set(name, "k", b"other")
        assert memory.get(name, "k") == b"secret"
        assert [memory.clear(name), buckets.clear(name)] == [1, 1]
