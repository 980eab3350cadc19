"""The variables that code finds: those that were granted to it, anew in each run, and nothing of the host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Environment
from mcp_wasm.code.contract import Language, Run
from mcp_wasm.runtime import Runtime
from tests.code.c_runtime import main
from tests.code.javascript import Runner

ENVIRON = {"LANG": "C", "TOKEN": "of the host"}
GRANTS = (Environment("MODE", "test"), Environment("LANG"), Environment("NOWHERE"))
GRANTED = {"MODE": "test", "LANG": "C"}

PYTHON = """
import os, posix
os.reload_environ()
raw = {key.decode(): value.decode() for key, value in posix.environ.items()}
assert dict(os.environ) == raw, (os.environ, raw)
result = dict(os.environ)
os.environ["LEFT"] = "behind"
os.putenv("LEFT", "behind")
"""
C = main(
    """for (char **each = environ; *each; each++) puts(*each);
    if (getenv("TOKEN") || getenv("NOWHERE")) abort();
    setenv("LEFT", "behind", 1);"""
).replace("int main", "extern char **environ;\nint main")


def variables(runtime: Runtime, language: Language, code: str, *granted: Environment) -> object:
    ran = runtime.run_code_sync(Run(language, code), approved=granted)
    assert ran.failure is None, ran.failure
    if language == "c":
        return dict(line.split("=", 1) for line in ran.report.stdout.text.splitlines())
    return ran.value


def only_what_is_granted(runtime: Runtime, language: Language, code: str) -> None:
    for _ in range(2):
        assert variables(runtime, language, code) == {}
        assert variables(runtime, language, code, *GRANTS) == GRANTED


@pytest.fixture
def in_python(python_home: Path) -> Iterator[Runtime]:
    with Runtime(home=python_home, environ=ENVIRON) as made:
        yield made


@pytest.mark.toolchain
@pytest.mark.timeout(600)
def test_python_has_the_variables_that_were_granted(in_python: Runtime) -> None:
    only_what_is_granted(in_python, "python", PYTHON)


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_c_has_the_variables_that_were_granted(c_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_runtime.services, "environ", ENVIRON)
    only_what_is_granted(c_runtime, "c", C)


JAVASCRIPT = """
const found = { ...process.env };
process.env.LEFT = "behind";
found
"""


def test_javascript_has_the_variables_that_were_granted(
    javascript: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(javascript.runtime.services, "environ", ENVIRON)
    only_what_is_granted(javascript.runtime, "javascript", JAVASCRIPT)
    odd = Environment("__proto__", "own")
    asked = "[Object.keys(process.env), process.env.toString === Object.prototype.toString]"
    assert variables(javascript.runtime, "javascript", asked, odd) == [["__proto__"], True]


@pytest.mark.toolchain
@pytest.mark.timeout(600)
def test_code_that_asks_for_a_socket_is_told_of_the_way_that_code_has(in_python: Runtime) -> None:
    ran = in_python.run_code_sync(Run("python", "import socket\nsocket.create_connection(('127.0.0.1', 80))"))
    assert ran.failure is not None
    assert "call a granted tool" in ran.failure.hint
    (denial, *_) = ran.report.denials
    assert "code has no network: it calls a tool that a person granted to it" in denial.rule
