from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_wasm.cli.main import main
from mcp_wasm.mesh import identity
from mcp_wasm.mesh.mesh import running
from mcp_wasm.mesh.options import MeshOptions
from tests.conftest import PROGRAMS


def test_the_key_of_a_mesh_goes_from_one_home_to_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["mesh", "key", "--home", str(tmp_path / "a")]) == 0
    key = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO(key))
    assert main(["mesh", "key", "-", "--home", str(tmp_path / "b")]) == 0
    assert main(["mesh", "key", "--home", str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out == key
    monkeypatch.setattr(sys, "stdin", io.StringIO("secret words\n"))
    assert main(["mesh", "key", "-", "--home", str(tmp_path / "b")]) == 2
    assert "secret words" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["find"],
        ["forget"],
        ["again"],
        ["nodes", "--nats", "http://x"],
        ["nodes", "--mesh-name", "a.b"],
        ["nodes", "--node", "Not A Name"],
    ],
)
def test_what_names_nothing_is_wrong_usage(words: list[str], tmp_path: Path) -> None:
    assert main(["mesh", *words, "--home", str(tmp_path)]) == 2


@pytest.mark.parametrize("words", [["mesh", "nodes"], ["worker"], ["serve", "--mesh"], ["agents", "run"]])
def test_who_has_no_client_of_nats_is_told_what_to_type(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)
    tree = tmp_path / "t.toml"
    tree.write_text("[mesh]\n[agents.a]\ncomponent = 'x'", encoding="utf-8")
    given = {"mesh": [], "agents": [str(tree), "--no-bundled"]}.get(words[0], ["--no-bundled"])
    assert main([*words, *given, "--home", str(tmp_path)]) == 3
    assert "pip install 'mcp-wasm[mesh]'" in capsys.readouterr().err


def test_a_node_that_is_not_known_cannot_be_forgotten(tmp_path: Path) -> None:
    assert main(["mesh", "forget", "nobody", "--home", str(tmp_path)]) == 2


@pytest.mark.slow
def test_who_exports_what_is_told_and_dead_letters_are_listed(tmp_path: Path) -> None:
    """One node that serves a component, looked at by commands of the same home."""
    home = tmp_path / "home"

    async def look() -> dict[tuple[str, ...], tuple[int, str]]:
        from mcp_wasm.mesh.beside import tools_shared
        from mcp_wasm.runtime import Runtime

        asked = [("nodes",), ("find", "nobody:has/this"), ("dead",)]
        options = ["--json", "--home", str(home)]
        with Runtime(home=tmp_path / "own") as own:
            own.add(PROGRAMS / "tiny.wat")
            async with running(home, MeshOptions(), "far") as mesh, tools_shared(mesh, own, 4):
                found = {}
                for words in asked:
                    command = [sys.executable, "-m", "mcp_wasm", "mesh", *words, *options]
                    made = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
                    out, _ = await made.communicate()
                    found[words] = made.returncode or 0, out.decode()
                return found

    found = asyncio.run(look())
    nodes = json.loads(found["nodes",][1])["nodes"]
    assert [each["node"] for each in nodes] == ["far"]
    assert list(nodes[0]["components"]) == ["tiny"]
    assert found["find", "nobody:has/this"][0] == 1
    assert json.loads(found["dead",][1]) == {"dead": []}
    assert (home / "mesh" / "main" / identity.KEY_FILE).stat().st_mode & 0o077 == 0
