"""Programs for the shipped JavaScript runner, and what became of them.

The runner is compiled once for all tests: its folder of compiled code outlives
the home of each test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from mcp_wasm import Runtime
from mcp_wasm.build.bundled import SHIPPED
from mcp_wasm.capability.grant import Grant
from mcp_wasm.sandbox.report import Report
from tests import once

TOOL = "runner_javascript_run"


@dataclass(frozen=True, slots=True)
class Ended:
    """The runner's answer, and what the run printed and cost."""

    answer: dict[str, Any]
    report: Report

    @property
    def value(self) -> Any:
        """The value; an error is a failed test."""
        assert "error" not in self.answer, self.answer["error"]
        return self.answer.get("value")

    @property
    def error(self) -> dict[str, Any]:
        """The error; none is a failed test."""
        error = self.answer.get("error")
        assert isinstance(error, dict), self.answer
        return error

    @property
    def stdout(self) -> str:
        """What it printed."""
        return self.report.stdout.text


class Runner:
    """The runner, loaded; call it with code, and with what else a request may say."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        runtime.add(SHIPPED / "runner_javascript.wasm")

    def __call__(
        self,
        code: str,
        *,
        approved: Sequence[Grant] = (),
        limits: Mapping[str, object] | None = None,
        **request: Any,
    ) -> Ended:
        given = {"code": code, "file": "code.js", "mode": "run", "keep": False} | request
        text = {"request": json.dumps(given)}
        outcome = self.runtime.call_sync(TOOL, text, approved=approved, limits=limits)
        answer = json.loads(str(outcome.value))
        assert isinstance(answer, dict)
        return Ended(answer, outcome.report)


@pytest.fixture(scope="session")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    home = once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("javascript"))
    with Runtime(home=home) as runtime:
        yield Runner(runtime)
