from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from mcp_wasm.cli import settings, wiring
from mcp_wasm.config.model import Config
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.sandbox.limits import Limits


def read(environment: Mapping[str, str], **flags: str) -> Config:
    return settings.read(argparse.Namespace(**{"config": None, "home": None, **flags}), environment)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def workers(path: Path, number: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"workers = {number}", encoding="utf-8")
    return path


def test_without_anything_the_home_is_in_the_persons_folder() -> None:
    assert read({}).home == Path.home() / ".mcp-wasm"


def test_the_first_settings_file_that_is_named_or_found_wins(tmp_path: Path, here: Path) -> None:
    flag, variable = workers(tmp_path / "flag.toml", 1), workers(tmp_path / "variable.toml", 2)
    local, own = workers(here / "mcp-wasm.toml", 3), workers(tmp_path / "home" / "mcp-wasm.toml", 4)
    environment = {"MCP_WASM_HOME": str(own.parent), "MCP_WASM_CONFIG": str(variable)}
    assert read(environment, config=str(flag)).workers == 1
    assert read(environment).workers == 2
    del environment["MCP_WASM_CONFIG"]
    assert read(environment).workers == 3
    local.unlink()
    assert read(environment).workers == 4
    own.unlink()
    assert read(environment).workers is None


def test_a_named_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InvalidSettings, match=r"nowhere\.toml"):
        read({"MCP_WASM_CONFIG": "nowhere.toml"})


def test_flags_go_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("home = '/from/file'\n[http]\ntoken = 'file'", encoding="utf-8")
    named = {"MCP_WASM_CONFIG": str(path)}
    assert read(named).home == Path("/from/file")
    assert read({**named, "MCP_WASM_HOME": "/from/env"}).home == Path("/from/env")
    assert read({**named, "MCP_WASM_HOME": "/from/env"}, home="/flag").home == Path("/flag")
    assert read(named).http.token == "file"
    assert read({**named, "MCP_WASM_TOKEN": "env"}).http.token == "env"


def test_a_file_in_the_working_folder_is_not_trusted_with_the_home(here: Path) -> None:
    (here / "mcp-wasm.toml").write_text("home = 'evil'", encoding="utf-8")
    with pytest.raises(InvalidSettings, match="--config"):
        read({})
    assert read({}, config="mcp-wasm.toml").home == here / "evil"


OWN = """
[http]
port = 8000
[tokens.ide]
secret = "0123456789abcdef"
[server]
approvals = false
allowed_hosts = ["mine.example"]
[audit]
keep = 3
[limits]
fuel = 1000
deadline = 60
[component.text.limits]
memory = 65536
[tools.files_delete]
hidden = true
[grants.text]
trust = "name"
[[grants.text.keyvalue]]
bucket = "notes"
"""
PROJECT = """
workers = 2
[server]
name = "theirs"
approvals = true
[limits]
deadline = 5
[component.text.limits]
deadline = 4
[tools.files_delete]
hidden = false
[tools.text_diff]
title = "Diff"
"""


def test_a_file_in_the_working_folder_takes_nothing_away_that_it_could_not_set(
    tmp_path: Path, here: Path
) -> None:
    """Without the tokens anybody on the machine could call the tools, once a person serves in a clone."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "mcp-wasm.toml").write_text(OWN, encoding="utf-8")
    own = read({"MCP_WASM_HOME": str(home)})
    (here / "mcp-wasm.toml").write_text(PROJECT, encoding="utf-8")
    found = read({"MCP_WASM_HOME": str(home)})
    for name in ("http", "tokens", "access", "audit", "state", "grants", "home", "cache_bytes"):
        assert getattr(found, name) == getattr(own, name)
    assert (found.server.approvals, found.server.allowed_hosts) == (False, ("mine.example",))
    assert (found.limits.fuel, found.limits.deadline) == (1000, 5)
    text = found.component_limits["text"]
    assert (text.fuel, text.deadline, text.memory) == (1000, 4, 65536)
    assert found.tools["files_delete"].hidden
    assert (found.workers, found.server.name, found.tools["text_diff"].title) == (2, "theirs", "Diff")


def test_no_guest_may_write_the_settings_that_are_obeyed_nor_the_home_of_other_servers(
    tmp_path: Path, here: Path
) -> None:
    usual = Path.home() / ".mcp-wasm"
    assert read({}).guarded == (usual / "mcp-wasm.toml", usual)
    named = workers(tmp_path / "named.toml", 1)
    assert read({}, config=str(named)).guarded == (named, usual)
    assert read({}, home=str(here)).guarded == (here / "mcp-wasm.toml", usual)
    with wiring.new_runtime(read({"MCP_WASM_HOME": str(tmp_path / "home")}, config=str(named))) as runtime:
        assert runtime.services.guarded == (named, usual)


def test_in_the_home_itself_the_file_is_the_persons_own(here: Path) -> None:
    (here / "mcp-wasm.toml").write_text(f"[limits]\nfuel = {2 * Limits().fuel}", encoding="utf-8")
    assert read({"MCP_WASM_HOME": str(here)}).limits.fuel == 2 * Limits().fuel


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away")
def test_a_file_that_another_user_put_there_is_refused(here: Path) -> None:
    path = workers(here / "mcp-wasm.toml", 1)
    os.chown(path, 12345, 12345)
    if path.stat().st_uid != 12345:
        pytest.skip("this file system keeps no owners")
    with pytest.raises(InvalidSettings, match="another owner"):
        # As root every file is readable; to root a stranger's file is still a stranger's.
        read({})
