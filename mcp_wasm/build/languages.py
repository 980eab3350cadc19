"""The toolchains by language, and the one way from a source to a finished component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mcp_wasm.build import c, confine, docs, go, javascript, python, rust, wat, zig
from mcp_wasm.build.toolchain import Progress, Source, Toolchain, silent
from mcp_wasm.build.workspace import SECONDS
from mcp_wasm.errors import BuildFailed

TOOLCHAINS: Mapping[str, Toolchain] = {
    "c": c.TOOLCHAIN,
    "go": go.TOOLCHAIN,
    "javascript": javascript.TOOLCHAIN,
    "typescript": javascript.TYPESCRIPT,
    "python": python.TOOLCHAIN,
    "rust": rust.TOOLCHAIN,
    "wat": wat.TOOLCHAIN,
    "zig": zig.TOOLCHAIN,
}


def compile_component(
    language: str,
    source: Source,
    *,
    trusted: bool = False,
    cache: Path | None = None,
    progress: Progress = silent,
) -> bytes:
    """The component of ``source`` with its docs inside.

    The toolchain sees nothing but the source and itself; where no such
    confinement is to be had, only a source that is ``trusted`` is compiled
    (yours, or one that you would run as a program).
    ``cache`` is a folder for what may be kept between builds, as downloaded packages.

    Raises:
        BuildFailed: the toolchain refused the source, or nothing compiles ``language``.
        NotConfined: the source is not trusted and there is no confinement here.
        ToolchainMissing: the toolchain of ``language`` is not installed.
    """
    toolchain = TOOLCHAINS.get(language)
    if toolchain is None:
        raise BuildFailed(
            source.name, f"no toolchain for {language}; there is one for {', '.join(TOOLCHAINS)}"
        )
    toolchain.require()
    if not trusted and javascript.has_libraries(source):
        raise BuildFailed(source.name, "only what you build yourself may bring a package.json of its own")
    confined = confine.where_possible() if trusted else confine.require()
    if trusted and confined is not None:
        # Nobody means harm by being slow: a machine that does much else needs its time.
        confined = replace(confined, seconds=SECONDS)
    component = toolchain.compile(source, cache, progress, confined)
    # The text of a component says its types itself.
    return docs.attach(component, source.wit, source.world, confined) if source.wit else component
