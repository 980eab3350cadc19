"""The toolchains by language, and the one way from a source to a finished component."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mcp_wasm.build import c, docs, javascript, python, wat, zig
from mcp_wasm.build.toolchain import Progress, Source, Toolchain, silent
from mcp_wasm.errors import BuildFailed

TOOLCHAINS: Mapping[str, Toolchain] = {
    "c": c.TOOLCHAIN,
    "javascript": javascript.TOOLCHAIN,
    "typescript": javascript.TYPESCRIPT,
    "python": python.TOOLCHAIN,
    "wat": wat.TOOLCHAIN,
    "zig": zig.TOOLCHAIN,
}


def compile_component(
    language: str, source: Source, *, cache: Path | None = None, progress: Progress = silent
) -> bytes:
    """The component of ``source`` with its docs inside.

    ``cache`` is a folder for what may be kept between builds, as downloaded packages.

    Raises:
        BuildFailed: the toolchain refused the source, or nothing compiles ``language``.
        ToolchainMissing: the toolchain of ``language`` is not installed.
    """
    toolchain = TOOLCHAINS.get(language)
    if toolchain is None:
        raise BuildFailed(
            source.name, f"no toolchain for {language}; there is one for {', '.join(TOOLCHAINS)}"
        )
    toolchain.require()
    return docs.attach(toolchain.compile(source, cache, progress), source.wit, source.world)
