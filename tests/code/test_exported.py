"""A script and the component that it is compiled to take the same, give the same, and run elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mcp_wasm.build import c_library, confine, script_javascript, script_python
from mcp_wasm.build import python as toolchain
from mcp_wasm.build.signature import python as python_signature
from mcp_wasm.build.signature import typescript as typescript_signature
from mcp_wasm.runtime import Runtime
from tests.code.exported import both, ended
from tests.code.exported_python import PYTHON, PYTHON_CALLS
from tests.code.exported_typescript import TYPESCRIPT, TYPESCRIPT_CALLS
from tests.code.python import Python

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(900)]

JCO = ("@bytecodealliance/jco@1.35.0", "@bytecodealliance/preview2-shim@0.26.1")
# node 20 has what clang emits for thread-local addresses behind a flag.
NODE = ("node", "--experimental-wasm-extended-const")


@pytest.fixture(scope="session")
def typescript_component(c_runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TypeScript source as a component."""
    path = tmp_path_factory.mktemp("exported") / "compiled.wasm"
    signature = typescript_signature.signature(TYPESCRIPT, world="compiled")
    runner, library = c_runtime.runners.path("typescript"), c_library.prepare(c_runtime.runners.folder)
    component = script_javascript.compile_script(
        TYPESCRIPT, signature, runner, library, language="typescript", file="code.ts"
    )
    path.write_bytes(component)
    return path


@pytest.fixture(scope="session")
def python_component(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python source as a component, built as one that nobody vouches for."""
    if toolchain.available() is not None:
        pytest.skip("componentize-py is not installed")
    path = tmp_path_factory.mktemp("exported") / "compiled.wasm"
    signature = python_signature.signature(PYTHON, world="compiled")
    trusted = confine.where_possible() is None
    path.write_bytes(script_python.compile_script(PYTHON, signature, file="code.py", trusted=trusted))
    return path


@pytest.fixture(scope="session")
def jco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with jco, another runtime of components: it makes them JavaScript and core modules."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("jco")
    (folder / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *JCO]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        # What is tested is our component; that packages of others install today is not ours to promise.
        pytest.skip(f"jco does not install: {done.stderr[-1000:]}")
    return folder


@pytest.fixture(scope="session")
def typescript_home(c_runtime: Runtime) -> Runtime:
    """A runtime that runs TypeScript."""
    if c_runtime.runners.state("typescript") != "ready":
        pytest.skip(c_runtime.runners.state("typescript"))
    return c_runtime


def test_typescript_is_the_same_as_a_script_and_as_a_component(
    typescript_home: Runtime, typescript_component: Path
) -> None:
    tools = both(typescript_home, "typescript", TYPESCRIPT, typescript_component)
    for function, arguments in TYPESCRIPT_CALLS:
        script, component = tools[function]
        one, other = ended(typescript_home, script, arguments), ended(typescript_home, component, arguments)
        assert one == other, (function, arguments)
        assert not one.stopped, one
    exact = {"a": "9007199254740993", "b": 1}
    assert ended(typescript_home, tools["whole"][1], exact).value == "9007199254740993"
    assert "RangeError: no number: x" in ended(typescript_home, tools["fails"][1], {"a": "x"}).value


@pytest.mark.long
def test_python_is_the_same_as_a_script_and_as_a_component(python: Python, python_component: Path) -> None:
    tools = both(python.runtime, "python", PYTHON, python_component)
    for function, arguments in PYTHON_CALLS:
        script, component = tools[function]
        one, other = ended(python.runtime, script, arguments), ended(python.runtime, component, arguments)
        assert one == other, (function, arguments)
        assert not one.stopped, one
    failed = ended(python.runtime, tools["fails"][1], {"a": "x"})
    assert 'File "code.py", line' in failed.value
    assert "no number: x" in failed.value


def elsewhere(jco: Path, component: Path, name: str, calls: str) -> list[object]:
    """What the expressions ``calls`` give in node, of the component that jco made a module of."""
    transpile = ["node", "node_modules/.bin/jco", "transpile", str(component), "-o", name, "--name", name]
    subprocess.run(transpile, cwd=jco, check=True, capture_output=True, timeout=400)
    # An err of a function is an exception here, whose payload is the text.
    program = f"""import * as whole from "./{name}/{name}.js";
const api = whole.api ?? whole;
const plain = (_, value) => typeof value === "bigint" ? String(value) : value;
const said = (error) => error.payload ?? String(error);
const attempt = (call) => {{ try {{ return call(); }} catch (error) {{ return said(error); }} }};
console.log(JSON.stringify([{calls}], plain));
"""
    (jco / f"{name}.mjs").write_text(program, encoding="utf-8")
    run = [*NODE, f"{name}.mjs"]
    done = subprocess.run(run, cwd=jco, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[object] = json.loads(done.stdout.strip().split("\n")[-1])
    return found


@pytest.mark.long
def test_a_component_of_typescript_runs_in_another_runtime(jco: Path, typescript_component: Path) -> None:
    whole, shape, failed = elsewhere(
        jco,
        typescript_component,
        "ts",
        'api.whole(9007199254740993n), api.shape({tag: "circle", val: {radius: 2}}), '
        'attempt(() => api.fails("x"))',
    )
    assert whole == "18014398509481986"
    assert shape == {"tag": "square", "val": {"side": "2"}}
    assert str(failed).startswith("RangeError: no number: x")


@pytest.mark.long
def test_a_component_of_python_runs_in_another_runtime(jco: Path, python_component: Path) -> None:
    whole, items, failed = elsewhere(
        jco,
        python_component,
        "py",
        'api.whole(9007199254740993n), api.items([{name: "a", colour: "red"}]), '
        'attempt(() => api.fails("x"))',
    )
    assert whole == "18014398509481986"
    assert items == [{"name": "A", "count": "2", "tags": [], "colour": "dark-blue"}]
    assert str(failed).startswith("KeyError: 'outer é'\nTraceback")
