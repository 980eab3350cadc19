"""A standalone component of a Python source and its signature, by componentize-py.

The component holds the modules of the Python runner, so that it takes the same
arguments and gives the same results and errors as the source has on the runner,
and the source itself, whose top level is run while it is built. Its libraries
are those of the runner.
"""

from __future__ import annotations

import ast
import json
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from mcp_wasm.build import confine, docs, python
from mcp_wasm.build.bundled import PACKAGE
from mcp_wasm.build.signature import wit
from mcp_wasm.build.signature.model import Signature
from mcp_wasm.build.toolchain import Progress, Source, silent
from mcp_wasm.component.script import form

GUESTS = PACKAGE / "code" / "guests"
ENTRY = "mcp_wasm_runner.py"
"""The runner's own entry, in whose place ours stands."""

TOOLS = "mcp-wasm:tools/call@0.1.0"
TOOLS_WIT = Path("mcp-wasm-tools-0.1.0", "tools.wit")

_START = '''"""The entry of this component."""

import component

WitWorld = component.world({functions!r}, {code!r}, {file!r})
'''
_NO_TOOLS = '''"""There are no tools here."""


def install():
    """Nothing to install: the world has no import for them."""


def renew():
    """Nothing to ask for anew."""
'''


def world_text(code: str, signature: Signature) -> str:
    """The WIT text of the component; it imports the tools of a host where ``code`` does."""
    if "tools" not in _imports(code):
        return wit.text(signature)
    return f"{wit.text(signature, imports=[TOOLS])}\n{_nested(tools_wit())}"


def tools_wit() -> str:
    """The WIT package of what code calls tools by."""
    installed = PACKAGE / "_wit"
    folder = installed if installed.is_dir() else PACKAGE.parent / "wit"
    return (folder / TOOLS_WIT).read_text(encoding="utf-8")


def compile_script(
    code: str,
    signature: Signature,
    *,
    file: str = "code.py",
    trusted: bool = False,
    progress: Progress = silent,
) -> bytes:
    """The component of ``code``, with its docs; ``file`` is what tracebacks call the source.

    The toolchain sees nothing but the source and itself; where no such
    confinement is to be had, only a source that is ``trusted`` is compiled.

    Raises:
        BuildFailed: what the source's top level raised, or the toolchain said.
        NotConfined: the source is not trusted and there is no confinement here.
        ToolchainMissing: componentize-py or a library of the runner is not installed.
    """
    python.TOOLCHAIN.require()
    confined = confine.where_possible() if trusted else confine.require()
    text = world_text(code, signature)
    with tempfile.TemporaryDirectory(prefix="mcp-wasm-script-") as name:
        folder = Path(name)
        for path in (GUESTS / "python").iterdir():
            if path.suffix == ".py":
                shutil.copyfile(path, folder / path.name)
        # Time zones are data that the standard library asks for.
        used = _imports(code) | {"tzdata"}
        kept = {name: [m for m in modules if m in used] for name, modules in libraries().items()}
        listed = "".join(f"{name} = {json.dumps(modules)}\n" for name, modules in kept.items())
        (folder / "libraries.toml").write_text(listed, encoding="utf-8")
        shutil.copyfile(GUESTS / "exported" / "component.py", folder / "component.py")
        start = _START.format(functions=_functions(signature), code=code, file=file)
        (folder / ENTRY).write_text(start, encoding="utf-8")
        if "tools" not in used:
            (folder / "tools_module.py").write_text(_NO_TOOLS, encoding="utf-8")
        # componentize-py writes docs into the module that it generates, where their quotes end the text.
        plain = wit.without_docs(text)
        source = Source(
            signature.world,
            folder,
            ENTRY,
            plain,
            signature.world,
            tuple(name for names in libraries().values() for name in names),
            {file: code},
        )
        component = python.compile_source(source, None, progress, confined)
    return docs.attach(component, text, signature.world, confined)


def _imports(code: str) -> set[str]:
    """The packages and modules that ``code`` imports anywhere, by the first part of their names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
    return found


def _functions(signature: Signature) -> dict[str, Any]:
    return {
        each.name: [each.code_name, [[p.name, form(p.type)] for p in each.parameters], form(each.result)]
        for each in signature.functions
    }


def libraries() -> dict[str, list[str]]:
    """The libraries of the runner: what each is installed as, and its import names."""
    listed: dict[str, list[str]] = tomllib.loads(
        (GUESTS / "python" / "libraries.toml").read_text(encoding="utf-8")
    )
    return listed


def _nested(text: str) -> str:
    """A WIT package as one that stands beside another in one text."""
    before, keyword, rest = text.partition("package ")
    name, _, body = rest.partition(";")
    return f"{before}{keyword}{name} {{{body}}}\n"
