from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mcp_wasm.cli.main import COMMANDS, parser_of
from mcp_wasm.config.keys import TABLES
from tests.project import sizes

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TARGETS = ("demo", "test", "check", "fix", "bench")


def test_no_module_is_too_long_and_none_of_the_long_ones_grew() -> None:
    recorded = json.loads(sizes.RECORD.read_text(encoding="utf-8"))
    assert sizes.faults(sizes.lines(), recorded) == []


RATCHET: list[tuple[dict[str, int], dict[str, int], str]] = [
    ({"a.py": 300}, {}, ""),
    ({"a.py": 301}, {}, "a.py has 301 lines; 300 are allowed"),
    ({"a.py": 400}, {"a.py": 400}, ""),
    ({"a.py": 401}, {"a.py": 400}, "a.py has 401 lines; 400 are allowed"),
    ({"a.py": 399}, {"a.py": 400}, "a.py shrank to 399 lines"),
    ({}, {"a.py": 400}, "a.py shrank to 0 lines"),
    ({"a.py": 501}, {"a.py": 501}, "500 is the hard end"),
]


@pytest.mark.parametrize(("found", "recorded", "fault"), RATCHET)
def test_the_ratchet_only_lets_modules_shrink(
    found: dict[str, int], recorded: dict[str, int], fault: str
) -> None:
    faults = sizes.faults(found, recorded)
    assert (faults == []) if not fault else (len(faults) == 1 and fault in faults[0])


def test_the_import_contracts_hold() -> None:
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert lint is not None
    ran = subprocess.run([lint, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]


def test_the_contracts_cover_the_whole_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["name"]: each for each in project["tool"]["importlinter"]["contracts"]}
    layers = next(each for each in contracts.values() if each["type"] == "layers")
    assert layers["exhaustive"] is True
    assert layers["layers"][0] == "cli"
    assert layers["layers"][-1] == "errors"
    assert len(contracts) >= 4


@pytest.mark.parametrize("target", TARGETS)
def test_make_has_the_target(target: str) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    ran = subprocess.run([make, "-n", target], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr


def test_ci_runs_what_the_readme_tells() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "make test" in text
    assert "make check" in text
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme


def documented() -> str:
    if not DOCS.is_dir():
        pytest.skip("there are no docs yet")
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md")))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_flag_is_documented(name: str) -> None:
    text = documented()
    assert re.search(rf"(`|mcp-wasm ){name}\b", text)
    parser, _ = parser_of(name)
    flags = {
        flag
        for action in parser._actions
        if action.help != "==SUPPRESS=="
        for flag in action.option_strings
        if flag.startswith("--") and flag != "--help"
    }
    assert {flag for flag in flags if not re.search(rf"{flag}\b(?!-)", text)} == set()


@pytest.mark.parametrize("table", TABLES)
def test_every_setting_is_documented(table: str) -> None:
    text = documented()
    if table:
        assert f"[{table}]" in text
    assert {key.name for key in TABLES[table] if not re.search(rf"\b{key.name}\b", text)} == set()


def test_links_between_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    links = [(page, target) for page in pages for target in link.findall(page.read_text(encoding="utf-8"))]
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []


def tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], capture_output=True, cwd=ROOT, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_no_lock_file_names_where_packages_were_downloaded_from() -> None:
    """Such an address is this machine's own, and fails on every other."""
    addresses = re.compile(rb'"resolved"\s*:')
    found = [path.name for path in tracked() if path.name == "package-lock.json" and path.is_file()
             and addresses.search(path.read_bytes())]  # fmt: skip
    assert found == []
