"""Which runners there are, what is missing where there is none, and what they are built from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.build.languages import TOOLCHAINS
from mcp_wasm.code import runner
from mcp_wasm.code.runtimes import SHIPPED, Runners
from mcp_wasm.component.types import Param, Primitive
from mcp_wasm.errors import CallerError, ToolchainMissing
from mcp_wasm.registry.tool import Component
from mcp_wasm.sandbox import inspect
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits

ROOT = Path(__file__).parents[2]


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.close()


@pytest.fixture
def runners(home: Path, children: Children) -> Runners:
    return Runners(home, Cache(home / "cache"), Limits(), children)


def lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the Python runner want a library that is not installed."""
    monkeypatch.setattr(runner, "libraries", lambda _runner: {"no-such-library": ["no_such_library"]})


def test_the_shipped_runner_is_ready_and_taken_as_it_is(runners: Runners) -> None:
    assert runners.state("javascript") == runners.state("typescript") == "ready"
    assert runners.path("typescript") == SHIPPED / "runner_javascript.wasm"


def test_a_runner_is_published_once_and_runs_requests(runners: Runners) -> None:
    component = runners.component("javascript")
    assert runners.component("typescript") is component
    (tool,) = component.tools
    assert tool.function.params == (Param("request", Primitive("string")),)
    assert component.needs == ("mcp-wasm:tools/call@0.1.0",)


def test_a_language_without_a_runner_is_the_callers_mistake(runners: Runners) -> None:
    for call in (runners.state, runners.path, runners.component):
        with pytest.raises(CallerError, match="no runner runs 'cobol'; there are python, javascript"):
            call("cobol")


def test_what_is_missing_is_named_with_what_to_type(
    runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:
    lack(monkeypatch)
    state = runners.state("python")
    if TOOLCHAINS["python"].available() is not None:
        assert state.startswith("componentize-py")
    else:
        assert state.startswith("the Python package no-such-library is not installed. Type: pip install")
    with pytest.raises(ToolchainMissing):
        runners.component("python")
    assert not list(runners.folder.glob("*.wasm"))


def test_a_runner_of_these_sources_stays_good_without_its_toolchain(
    runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:
    lack(monkeypatch)
    named = runner.built("python", runners.folder).name
    assert named.endswith("-none.wasm")
    runners.folder.mkdir(parents=True)
    other = runners.folder / "runner_python-0000000000000000-0000000000000000.wasm"
    other.write_bytes(b"of other sources")
    assert runners.state("python") != "ready"
    kept = runners.folder / named.replace("none", "0123456789abcdef")
    kept.write_bytes(b"of these sources")
    assert runners.state("python") == "ready"
    assert runners.path("python") == kept


def test_warming_prepares_what_can_be_had_and_goes_on_after_what_cannot(
    runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:
    lack(monkeypatch)
    prepared: list[str] = []

    def prepare(component: Component) -> Future[Any]:
        prepared.append(component.name)
        done: Future[Any] = Future()
        done.set_result(None)
        return done

    runners.warm(prepare).join()
    assert prepared == ["runner_javascript"]


def test_the_world_of_a_runner_is_wit_with_all_that_it_imports(tmp_path: Path, children: Children) -> None:
    path = tmp_path / "runner.wit"
    path.write_text(runner.wit(), encoding="utf-8")
    text = inspect.wit_text(path, children)
    assert text is not None
    assert "import mcp-wasm:tools/call@0.1.0;" in text
    assert "export run: func(request: string) -> string;" in text


def test_every_library_of_programs_comes_with_the_extra_that_builds_the_runner() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extra = project["project"]["optional-dependencies"]["build"]
    installed = {requirement.partition(">=")[0] for requirement in extra}
    assert set(runner.libraries("python")) - installed == set()
