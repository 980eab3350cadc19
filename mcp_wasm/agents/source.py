"""The component that a spec names: a published one, a file of WebAssembly, or source code.

Python, JavaScript and TypeScript run on the shared runner of their language; C and
WebAssembly text are compiled in confinement. An agent's source has a function
``handle(context, message)`` of the world ``mcp-wasm:agent``; for an adapted tool it is
typed by its own signatures.
"""

from __future__ import annotations

from pathlib import Path

from mcp_wasm.build import bundled
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.errors import CallerError, ComponentRefused
from mcp_wasm.registry.tool import Component
from mcp_wasm.runtime import Runtime

LANGUAGES = {".py": "python", ".js": "javascript", ".ts": "typescript", ".c": "c"}
"""The language of a source, by the end of its name."""

PACKAGE = "mcp-wasm-agent-0.1.0"
FOLDER = "sources"


def component(runtime: Runtime, given: str | Path, *, agent: bool = True) -> Component:
    """The component ``given`` in a spec; with ``agent`` source code is of the world of agents.

    Raises:
        CallerError: there is none, the file cannot be read, or its code cannot be used.
        ToolchainMissing, NotConfined: it cannot be compiled here.
    """
    path = Path(given)
    language = LANGUAGES.get(path.suffix)
    if language is not None:
        return _made(runtime, path, language, world() if agent else "")
    if is_file(given):
        return runtime.inspect(path)
    return _published(runtime, str(given))


def is_file(given: str | Path) -> bool:
    """Whether a spec names a file, and not a published component."""
    if isinstance(given, Path) or "/" in given:
        return True
    return Path(given).suffix in {".wasm", ".wat", *LANGUAGES}


def world() -> str:
    """The world of an agent, as one WIT text."""
    installed = bundled.PACKAGE / "_wit"
    folder = installed if installed.is_dir() else bundled.PACKAGE.parent / "wit"
    types = (folder / PACKAGE / "agent.wit").read_text(encoding="utf-8")
    return f"{types}\nworld agent {{\n    export handler;\n}}\n"


def _published(runtime: Runtime, name: str) -> Component:
    """The component that a person has: what a tree file grants to its name is for no other.

    A model may put a tool of its own before one that a person kept, until its session ends, and another
    node may have one of that name.
    """
    found = runtime.component(name)
    if found.remote is not None:
        raise ComponentRefused(name, "it is another node's", "Install it here, or run the agent there")
    if any(each.digest == found.digest and not each.kept for each in runtime.made.list()):
        raise ComponentRefused(name, "a model made it, and no person has kept it", "Keep it, or name a file")
    return found


def _made(runtime: Runtime, path: Path, language: str, wit: str) -> Component:
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError(f"{path} cannot be read as source code: {error}") from None
    wanted = Wanted(path.stem.replace("-", "_"), language, source, world=wit, file=path.name)
    return runtime.made.unlisted(wanted, runtime.home / "agents" / FOLDER)
