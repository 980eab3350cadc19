from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import once

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str, seconds: int = 18) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def test_the_demo_calls_the_shipped_tools_and_shows_both_limits(tmp_path: Path) -> None:
    done = run("01_demo.py", "--only", "units", "hash", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "units_convert(value: number" in done.stdout
    assert "The fuel limit was reached" in done.stdout
    assert "The deadline limit was reached" in done.stdout
    assert "Everything came out as it should." in done.stdout


def test_the_demo_fails_when_there_is_nothing_to_show(tmp_path: Path) -> None:
    done = run("01_demo.py", "--only", "no-such-tool", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert "There is no tool to serve." in done.stdout


@pytest.mark.toolchain
@pytest.mark.timeout(900)
def test_the_demo_builds_and_calls_every_bundled_tool(tmp_path_factory: pytest.TempPathFactory) -> None:
    # The tests of the bundled tools use what it built, and it what they did.
    folder = once.shared(tmp_path_factory, "bundled")
    once.share_compiled(tmp_path_factory, folder / "home")
    done = run("01_demo.py", "--folder", str(folder), seconds=880)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_api_example_shows_a_result_and_every_kind_of_error() -> None:
    done = run("02_api.py")
    assert done.returncode == 0, done.stderr
    for said in (
        "sums_add gave 42",
        "nearest: sums_add",
        "/c: expected no parameter",
        "by zero",
        "its fuel limit",
    ):
        assert said in done.stdout


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_the_language_example_builds_a_component_that_runs_a_model_when_granted(tmp_path: Path) -> None:
    done = run("03_language.py", "--folder", str(tmp_path), seconds=280)
    assert done.returncode == 0, done.stderr
    assert "security: denied: no grant of nn to language" in done.stdout
    assert "A person can allow it: mcp-wasm grants add language nn models=language" in done.stdout
    told = [line.split()[0] for line in done.stdout.splitlines()[-5:]]
    assert told == ["english", "german", "french", "spanish", "swedish"]


@pytest.fixture(scope="session")
def fetching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the examples that use one tool: the first builds it."""
    folder = tmp_path_factory.mktemp("fetching")
    once.share_compiled(tmp_path_factory, folder / "home")
    return folder


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_the_http_example_fetches_what_was_granted_and_nothing_else(fetching: Path) -> None:
    done = run("04_http.py", "--folder", str(fetching), seconds=280)
    assert done.returncode == 0, done.stderr
    for said in (
        "/secret. no grant of network to fetch. A person can allow it: mcp-wasm grants add fetch network",
        '["this is /hello"]',
        '["this is /0","this is /1","this is /2"]',
        "GET http://169.254.169.254/latest/meta-data/.",
    ):
        assert said in done.stdout, said
    assert "not-shown" not in done.stdout + done.stderr


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_the_files_example_keeps_notes_where_it_may_and_nowhere_else(tmp_path: Path) -> None:
    done = run("05_files.py", "--folder", str(tmp_path), seconds=280)
    assert done.returncode == 0, done.stderr
    for said in (
        "write /notes/idea. no grant of storage to notes. A person can allow it: mcp-wasm grants add notes",
        'notes_recall: "bread, salt"',
        "its grant allows only reading",
        'notes_keep: "kept 6 characters"',
        "the path leads out of the granted folder",
        "The storage limit was reached: 100,000 bytes allowed",
        "in the folder: all, idea, shopping",
    ):
        assert said in done.stdout, said
    assert not (tmp_path / "idea").exists()


@pytest.mark.timeout(120)
def test_the_code_example_replaces_a_hundred_calls_by_one_run(tmp_path: Path) -> None:
    done = run("06_code.py", "--folder", str(tmp_path), seconds=110)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "$ mcp-wasm grants add code tools names=units_*",
        "export function unitsConvert(value: number, from: string, to: string): Conversion;",
        "Both gave 160.9344 km.",
    ):
        assert said in done.stdout, said
    rows = [line.split() for line in done.stdout.splitlines() if line.endswith("×")]
    assert [float(row[-1].rstrip("×").replace(",", "")) > 1 for row in rows] == [True] * 6


@pytest.mark.toolchain
@pytest.mark.timeout(400)
def test_the_agents_example_scrapes_as_configured_and_starts_again_what_crashed(
    fetching: Path, python_home: Path
) -> None:
    # The runner of Python takes a minute to build, and these tests have one.
    shutil.copytree(python_home / "runtimes", fetching / "home" / "runtimes", dirs_exist_ok=True)
    done = run("07_agents.py", "--folder", str(fetching), seconds=380)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "$ mcp-wasm grants add fetch network 127.0.0.1",
        "GET /weather/slow    nothing: the client gave up",
        "collectors/science restarted: collectors/science failed: AttributeError",
        "yes   at most 5 requests at once: the site counted",
        "- `/market/closed`: status 503, 4 requests",
    ):
        assert said in done.stdout, said
    assert "WRONG" not in done.stdout


@pytest.mark.toolchain
@pytest.mark.timeout(400)
def test_the_sensor_example_loses_no_reading_when_its_node_is_killed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    once.share_compiled(tmp_path_factory, tmp_path / "home")
    done = run("08_sensor.py", "--folder", str(tmp_path), seconds=380)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "plant: mcp-wasm: sensor_handle (sensor): [sensor] pump-2 is failing: reading 25",
        "it ends with -9",
        "yes  each of the 150 readings was counted, once",
        "{'failing': 6, 'normal': 132, 'worn': 12}",
        "yes  alarms came to the other node, each once: [25, 50, 75, 100, 125, 150]",
    ):
        assert said in done.stdout, said


@pytest.mark.browser
@pytest.mark.timeout(200)
def test_the_page_of_the_browser_example_asks_one_agent_and_is_refused_all_else(tmp_path: Path) -> None:
    done = run("09_browser.py", "--check", "--folder", str(tmp_path), seconds=180)
    if done.returncode == 3:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "State: connected",
        "Answer: Hello, Ada! You are number 1. The agent knows this page as client:web.page@desk.",
        'Published: greetings.new: {"name":"Ada","greeted":1}',
        'Refused: Permissions Violation for Publish to "mw.pages.web.page.to.diary"',
        'ask in another\'s name: Permissions Violation for Publish to "mw.pages.web.other.to.greeter"',
        'hear everything: Permissions Violation for Subscription to ">"',
        "a name of 20,000 letters: greeted; one of 40,000: refused",
        "State: the connection to NATS is closed",
    ):
        assert said in done.stdout, said


def test_every_example_is_in_the_readme_and_run_here() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    here = Path(__file__).read_text(encoding="utf-8")
    numbered = [path.name for path in sorted(EXAMPLES.glob("[0-9]*.py"))]
    assert numbered
    for name in numbered:
        assert f"({name})" in readme
        assert f'run("{name}"' in here
