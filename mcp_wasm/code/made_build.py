"""A made tool of a script, compiled to a component of its own: run as a program of its own.

    python -m mcp_wasm.code.made_build FOLDER RUNNER RUNTIMES

FOLDER is that of a version of a made tool, RUNNER the component that runs its
language, and RUNTIMES a folder for what toolchains keep. What comes of it is put
into FOLDER as ``built``: ``component.wasm`` with its WIT and its digest, or the
reason why there is none. A program, so that a server can end it together with its
toolchain, and has none of a toolchain's modules. It prints each step as a line.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from mcp_wasm.build import bundled
from mcp_wasm.build.signature.model import Parameter, Published, Signature
from mcp_wasm.build.signature.names import kebab
from mcp_wasm.build.toolchain import Progress
from mcp_wasm.code import made_files
from mcp_wasm.code.made_contract import PERSON, Edition
from mcp_wasm.code.run import FILE
from mcp_wasm.component.types import Function, Primitive, Result
from mcp_wasm.errors import BuildFailed, McpWasmError

Build = Callable[[Edition, Path, Path, Progress], tuple[bytes, str]]


def build(folder: Path, runner: Path, runtimes: Path, progress: Progress) -> None:
    """Put into the version ``folder`` what it is compiled to, or why it is not, unless that is there.

    Raises:
        InvalidSettings: there is no version of a made tool.
    """
    edition = made_files.read(folder)
    with bundled.alone(folder / ".building", edition.name, progress):
        if (folder / made_files.BUILT).is_dir():
            return
        try:
            component, wit = _BUILDS[edition.language](edition, runner, runtimes, progress)
        except McpWasmError as error:
            _put(folder, {"failed": str(error)[:2000]})
        else:
            _put(folder, {"digest": hashlib.sha256(component).hexdigest()}, component, wit)


def signature_of(edition: Edition) -> Signature:
    """What a version publishes, as the toolchains want it.

    Raises:
        BuildFailed: its world is one that only the runner can stand in for.
    """
    published = tuple(_published(edition, function) for function in edition.world.exports)
    return Signature(kebab(edition.name) or "script", published, edition.world.docs)


def _published(edition: Edition, function: Function) -> Published:
    match function:
        case Function(interface="", result=Result(ok=ok, err=Primitive(primitive="string"))):
            parameters = tuple(
                Parameter(each.name.replace("-", "_"), each.name, each.type, docs=each.docs)
                for each in function.params
            )
            name, shapes = edition.names[function.path], edition.shapes.get(function.path, {})
            return Published(name, function.name, parameters, ok, function.docs, shapes=shapes)
    raise BuildFailed(
        edition.name,
        f"the world has {function.path} in another form than `export name: func(…) -> result<T, string>`, "
        "which only the runner can give it",
    )


def _python(edition: Edition, _runner: Path, _runtimes: Path, progress: Progress) -> tuple[bytes, str]:
    from mcp_wasm.build import script_python

    trusted, signature = edition.client == PERSON, signature_of(edition)
    component = script_python.compile_script(
        edition.source, signature, file=FILE["python"], trusted=trusted, progress=progress
    )
    return component, script_python.world_text(edition.source, signature)


def _javascript(edition: Edition, runner: Path, runtimes: Path, progress: Progress) -> tuple[bytes, str]:
    from mcp_wasm.build import c_library, script_javascript

    signature, language = signature_of(edition), edition.language
    component = script_javascript.compile_script(
        edition.source,
        signature,
        runner,
        c_library.prepare(runtimes, progress),
        language=language,
        file=FILE[language],
        progress=progress,
    )
    return component, script_javascript.world_text(signature)


_BUILDS: dict[str, Build] = {
    "python": _python,
    "javascript": _javascript,
    "typescript": _javascript,
}


def _put(folder: Path, about: dict[str, str], component: bytes = b"", wit: str = "") -> None:
    """Write ``built`` whole: a process that is killed leaves none."""
    made = folder / f".new-{secrets.token_hex(8)}"
    made.mkdir(mode=0o700)
    contents = {made_files.ABOUT: json.dumps(about).encode()}
    if component:
        contents |= {made_files.BINARY: component, made_files.WIT: wit.encode()}
    for name, content in contents.items():
        handle = os.open(made / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
    made.rename(folder / made_files.BUILT)


def _stop(_signal: int, _frame: object) -> None:
    sys.exit(1)  # not at once: the toolchain has to be ended too


def main() -> int:
    """Build what the command line names."""
    signal.signal(signal.SIGTERM, _stop)
    folder, runner, runtimes = map(Path, sys.argv[1:4])
    build(folder, runner, runtimes, lambda step: print(step, flush=True))  # noqa: T201 - whoever started it listens
    return 0


if __name__ == "__main__":
    sys.exit(main())
