from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed


def test_a_program_sees_none_of_the_environment_that_leads_to_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PATH", "VIRTUAL_ENV", "PYTHONPATH", "MCP_WASM_SECRET"):
        monkeypatch.setenv(name, "/somewhere")
    with Workspace("x") as space:
        said = space.run([sys.executable, "-I", "-c", "import os; print(sorted(os.environ))"])
        home = space.run([sys.executable, "-I", "-c", "import os; print(os.environ['HOME'])"]).strip()
        assert Path(home).is_relative_to(space.folder)
    for name in ("PATH", "VIRTUAL_ENV", "PYTHONPATH", "MCP_WASM_SECRET"):
        assert name not in said


def test_only_a_package_manager_gets_the_persons_registry_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_cafile", "/certificates")
    monkeypatch.setenv("MCP_WASM_SECRET", "x")
    show = [sys.executable, "-I", "-c", "import os; print(sorted(os.environ))"]
    with Workspace("x") as space:
        assert "npm_config_cafile" not in space.run(show)
        said = space.run(show, package_manager=True)
    assert "npm_config_cafile" in said
    assert "MCP_WASM_SECRET" not in said


def test_an_error_has_the_end_of_what_was_said_and_no_scratch_paths() -> None:
    code = "import os, sys; print('x' * 100_000); sys.exit(os.getcwd() + '/a.c: it is wrong')"
    with Workspace("the thing") as space, pytest.raises(BuildFailed) as caught:
        space.run([sys.executable, "-I", "-c", code])
    assert caught.value.what == "the thing"
    assert "a.c: it is wrong" in caught.value.output
    assert str(space.folder) not in caught.value.output
    assert len(caught.value.output) < 10_000


def test_a_build_without_end_is_ended_with_all_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = "import time; time.sleep(1000)"
    code = (
        "import subprocess, sys, pathlib\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "child.wait()"
    )
    with Workspace("x", seconds=2) as space, pytest.raises(BuildFailed, match="did not finish within 2 s"):
        space.run([sys.executable, "-I", "-c", code])
    assert _gone(int(note.read_text(encoding="utf-8")))


def _gone(pid: int) -> bool:
    """Whether the process ended; a zombie that nobody reaps counts as ended."""
    for _ in range(1000):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.005)
    return False


def test_a_flood_of_output_does_not_fill_our_memory() -> None:
    code = "import sys\nfor _ in range(400): sys.stdout.write('x' * 100_000)\nsys.stdout.write('END')"
    with Workspace("x", output=1000) as space:
        said = space.run([sys.executable, "-I", "-c", code])
    assert len(said) <= 1000
    assert said.endswith("END")


def test_a_program_that_is_not_there_is_a_failed_build() -> None:
    with Workspace("x") as space, pytest.raises(BuildFailed, match="could not be started"):
        space.run([space.folder / "no-such-program"])


def test_a_source_with_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").symlink_to("/etc/hostname")
    with Workspace("x") as space, pytest.raises(BuildFailed, match="secret is a symbolic link"):
        space.copy(tmp_path, "source")


def test_the_scratch_folder_is_gone_afterwards() -> None:
    with Workspace("x") as space:
        space.write("a/b", "text")
        assert space.folder.is_dir()
    assert not space.folder.exists()
