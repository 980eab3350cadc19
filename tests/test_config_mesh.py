"""Users of the embedded NATS server in the settings: what they may do, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_wasm.config import read
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.mesh import server_config, subjects

USERS = """
[mesh]
websocket = 0
origins = ["http://127.0.0.1:8000"]

[mesh.users.page]
password = "env:PAGE"
agents = ["echo", "news/*"]
subscribe = ["said.*"]
"""


def settings(folder: Path, text: str) -> Path:
    file = folder / "mcp-wasm.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_user_has_its_password_by_reference_and_what_is_granted_to_it(tmp_path: Path) -> None:
    config = read.load(settings(tmp_path, USERS))
    assert config.mesh is not None
    options, _ = config.mesh.resolved({"PAGE": "page-secret"})
    (user,) = subjects.users(options)
    assert (user.name, user.password) == ("page", "page-secret")
    assert user.publish == ("mw.main.web.page.to.echo", "mw.main.web.page.to.news.>")
    assert user.subscribe == ("_INBOX_page.>", "mw.main.pub.said.*")
    with pytest.raises(InvalidSettings, match=r"mesh\.users\.page\.password"):
        config.mesh.resolved({})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("env:PAGE", "hunter2"), r"users\.page\.password: expected a reference"),
        (('password = "env:PAGE"', ""), "a password"),
        (('"echo"', '"echo@two"'), "without a node"),
        (('"echo"', '"ec*"'), "no address"),
        (('"said.*"', '"a..b"'), "pattern"),
        (("[mesh.users.page]", "[mesh.users.Page]"), "a name of"),
        (('subscribe = ["said.*"]', "hears = []"), "a key that exists"),
        (("[mesh]", '[mesh]\nurls = ["nats://127.0.0.1:1"]'), "only of the server that we start"),
    ],
)
def test_a_user_that_cannot_be_is_refused_and_its_password_not_repeated(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said) as refused:
        read.load(settings(tmp_path, USERS.replace(*change)))
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "interval"), [("", "1s"), ('sync = "normal"', "1s"), ('sync = "full"', "always")]
)
def test_what_is_kept_is_put_on_disk_as_the_settings_say(tmp_path: Path, said: str, interval: str) -> None:
    config = read.load(settings(tmp_path, f"[mesh]\n{said}\n"))
    assert config.mesh is not None
    options = config.mesh.options.embedded
    made = json.loads(server_config.text(options, server_config.Places(tmp_path), (), 0, None))
    assert made["jetstream"]["sync_interval"] == interval
    with pytest.raises(InvalidSettings, match="sync"):
        read.load(settings(tmp_path, '[mesh]\nsync = "always"\n'))
