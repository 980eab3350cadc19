from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mcp_wasm.cli.clients import CLIENTS
from mcp_wasm.cli.merge import Document
from mcp_wasm.errors import InvalidSettings
from tests.cli.conftest import Command

FILES = {
    "claude-desktop": (".config/Claude/claude_desktop_config.json", "mcpServers"),
    "claude-code": (".mcp.json", "mcpServers"),
    "vscode": (".vscode/mcp.json", "servers"),
    "cursor": (".cursor/mcp.json", "mcpServers"),
}


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folders of Linux, whatever runs the test."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))


def test_every_client_is_tried_here() -> None:
    assert set(FILES) == set(CLIENTS)


@pytest.mark.parametrize("client", FILES)
def test_the_entry_is_shown_and_nothing_written(command: Command, tmp_path: Path, client: str) -> None:
    ran = command("config", client)
    path, key = FILES[client]
    entry = json.loads(ran.out)[key]["mcp-wasm"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-1] == "serve"
    assert path in ran.err
    assert not (tmp_path / path).exists()


@pytest.mark.parametrize("client", FILES)
def test_a_new_file_holds_the_entry_alone(command: Command, tmp_path: Path, client: str) -> None:
    ran = command("config", client, "--write")
    path, key = FILES[client]
    assert ran.code == 0
    assert str(tmp_path / path) in ran.out
    assert json.loads((tmp_path / path).read_text(encoding="utf-8")) == json.loads(
        json.dumps({key: {"mcp-wasm": json.loads(command("config", client).out)[key]["mcp-wasm"]}})
    )
    assert list((tmp_path / path).parent.glob("*.backup")) == []


def test_folders_and_settings_are_written_as_absolute_paths(command: Command, folder: Path) -> None:
    ran = command(
        "config", "cursor", "--components", "components", "--home", "h", "--config", "c.toml", "--name", "x"
    )
    args = json.loads(ran.out)["mcpServers"]["x"]["args"]
    here = folder.parent
    assert args[-7:] == [
        "serve", "--components", str(folder), "--config", str(here / "c.toml"), "--home", str(here / "h"),
    ]  # fmt: skip


OLD = """{
    "zebra": 1.50,
    "mcpServers": {
        "other": {"command": "ä"}
    },
    "apple": [1,2]
}"""


def test_everything_else_in_the_file_stays_in_its_order(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(OLD.encode())
    ran = command("config", "claude-desktop", "--write", "--file", path)
    text = path.read_text(encoding="utf-8")
    after = json.loads(text)
    assert list(after) == ["zebra", "mcpServers", "apple"]
    assert list(after["mcpServers"]) == ["other", "mcp-wasm"]
    del after["mcpServers"]["mcp-wasm"]
    assert after == json.loads(OLD)
    assert '\n    "zebra"' in text
    assert "ä" in text
    assert not text.endswith("\n")
    (backup,) = tmp_path.glob("c.json.*.backup")
    assert backup.read_bytes() == OLD.encode()
    assert str(backup) in ran.out


def test_writing_twice_changes_nothing_the_second_time(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(OLD, encoding="utf-8")
    command("config", "cursor", "--write", "--file", path)
    before = path.stat().st_mtime_ns
    ran = command("config", "cursor", "--write", "--file", path)
    assert "has this entry already" in ran.out
    assert path.stat().st_mtime_ns == before
    assert len(list(tmp_path.glob("*.backup"))) == 1


def test_an_entry_keeps_what_a_person_added_to_it(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"mcpServers": {"mcp-wasm": {"command": "old", "env": {"A": "1"}}}}', encoding="utf-8")
    document = Document.read(path)
    assert document.put(("mcpServers", "mcp-wasm"), {"command": "new", "args": []})
    document.write()
    entry = json.loads(path.read_text(encoding="utf-8"))["mcpServers"]["mcp-wasm"]
    assert entry == {"command": "new", "env": {"A": "1"}, "args": []}


NOT_PLAIN = [
    '{\n  // mine\n  "servers": {}\n}',
    '{"servers": {},}',
    '{"servers": {}',
    "[]",
    '{"servers": []}',
    '{"servers": {"mcp-wasm": 3}}',
    '{"a": 1, "a": 2}',
    '{"a": NaN}',
    "\ud800",
    "[" * 100_000,
]


@pytest.mark.parametrize(
    "text", NOT_PLAIN, ids=[text[:20].encode("unicode_escape").decode() for text in NOT_PLAIN]
)
def test_a_file_that_a_program_would_spoil_is_left_alone_and_the_lines_are_shown(
    command: Command, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "mcp.json"
    content = text.encode("utf-8", "surrogatepass")
    path.write_bytes(content)
    ran = command("config", "vscode", "--write", "--file", path)
    assert ran.code == 2
    assert path.read_bytes() == content
    assert list(tmp_path.glob("*.backup")) == []
    assert "mcp-wasm" in json.loads(ran.out)["servers"]
    assert "Nothing was written" in ran.err


def test_byte_order_mark_and_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b'\xef\xbb\xbf{\r\n\t"a": 1\r\n}\r\n')
    document = Document.read(path)
    document.put(("b",), {"c": 1})
    document.write()
    assert path.read_bytes() == b'\xef\xbb\xbf{\r\n\t"a": 1,\r\n\t"b": {\r\n\t\t"c": 1\r\n\t}\r\n}\r\n'


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text('{"token": "secret"}', encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    document = Document.read(link)
    document.put(("b",), {"c": 1})
    backup = document.write()
    assert link.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8")) == {"token": "secret", "b": {"c": 1}}
    assert backup is not None
    assert [stat.S_IMODE(path.stat().st_mode) for path in (real, backup)] == [0o640, 0o640]


def test_a_file_that_changes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text("{}", encoding="utf-8")
    document = Document.read(path)
    document.put(("b",), {"c": 1})
    path.write_text('{"new": 1}', encoding="utf-8")
    with pytest.raises(InvalidSettings, match="just changed"):
        document.write()
    assert path.read_text(encoding="utf-8") == '{"new": 1}'
    assert [each.name for each in tmp_path.iterdir()] == ["c.json"]


def test_the_file_at_the_top_of_the_project_is_what_the_command_writes(command: Command) -> None:
    example = json.loads(
        (Path(__file__).parents[2] / "claude_desktop_config.json").read_text(encoding="utf-8")
    )
    written = json.loads(command("config", "claude-desktop").out)
    assert set(example["mcpServers"]["mcp-wasm"]) == set(written["mcpServers"]["mcp-wasm"])
    assert example["mcpServers"]["mcp-wasm"]["args"] == ["serve"]
