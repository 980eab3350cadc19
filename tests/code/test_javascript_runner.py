"""The shipped JavaScript runner is what its sources make, and no more than it should be."""

from __future__ import annotations

import hashlib

import pytest

from mcp_wasm.build import runner_javascript
from mcp_wasm.build.bundled import SHIPPED, read_lock
from tests.code.javascript import Runner

RUNNER = SHIPPED / "runner_javascript.wasm"


def test_the_shipped_runner_is_of_these_sources() -> None:
    entry = read_lock()["runner_javascript"]
    told = "the runner changed: build and commit it anew (runner_javascript.ship)"
    assert entry["sources"] == runner_javascript.source_digest(), told
    assert entry["component"] == hashlib.sha256(RUNNER.read_bytes()).hexdigest(), told
    assert entry["size"] == RUNNER.stat().st_size < 3_000_000


def test_the_licences_of_what_is_in_it_are_shipped_beside_it() -> None:
    licences = RUNNER.with_suffix(".licenses.txt").read_text(encoding="utf-8")
    for name in ("QuickJS", "sucrase", "wasi-libc", "musl"):
        assert name in licences


def test_an_error_tells_its_place_in_the_submitted_code(javascript: Runner) -> None:
    error = javascript("const a = 1;\nfunction f(x) {\n  return x.name.first;\n}\nf({});\n").error
    assert (error["type"], error["line"], error["column"]) == ("TypeError", 3, 10)
    assert error["traceback"].splitlines()[1:] == ["    at f (code.js:3:10)", "    at code.js:5:1"]


@pytest.mark.toolchain
@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_shipped_runner_is_what_its_sources_build(request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    component = runner_javascript.build(request.config.cache.mkdir("toolchains"))
    assert runner_javascript.entry(component) == read_lock()["runner_javascript"]
