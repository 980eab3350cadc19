"""From a version of a made tool to the component that the index holds, with a mark of who made it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mcp_wasm import publish
from mcp_wasm.build.toolchain import Source
from mcp_wasm.capability.wishes import of_imports
from mcp_wasm.code import made_files
from mcp_wasm.code.contract import TOOLS_ONLY
from mcp_wasm.code.made_contract import PERSON, Edition, Wanted
from mcp_wasm.code.made_types import Typed, typed, world_of
from mcp_wasm.code.run import FILE
from mcp_wasm.component.script import Script
from mcp_wasm.component.types import Function, World
from mcp_wasm.errors import BuildFailed, CallerError, ComponentRefused
from mcp_wasm.registry import sources
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.limits import Limits

_COMPONENT = re.compile(r"\(\s*component\b")
GLUED = "exported"
"""The world of Rust and of Go whose signatures say it."""
SCRIPTS = ("python", "javascript", "typescript")


class Maker:
    """Makes components for a runtime, whose ``cache`` and ``children`` these are.

    ``limits`` gives those of a component by its name; ``builds`` is a folder for
    what toolchains keep between builds.
    """

    def __init__(
        self, cache: Cache, limits: Callable[[str], Limits], children: Children, builds: Path
    ) -> None:
        self._cache, self._limits, self._children, self._builds = cache, limits, children, builds

    def edition(self, wanted: Wanted, name: str, by: str, client: str, at: str) -> Edition:
        """The first version of ``wanted``, called ``name``; source that is compiled is compiled here.

        Raises:
            SignatureRefused: it cannot be typed, with the line and the reason.
            BuildFailed, NotConfined, ToolchainMissing: it cannot be compiled.
            CallerError: a world is missing or wrong.
        """
        if wanted.language not in SCRIPTS:
            wit, binary = self._compiled(wanted, name)
            found = Typed(wit, World((), ()), {}, {})
        else:
            found, binary = typed(wanted, name, self._children), None
        made = Edition(
            name, 1, wanted.language, wanted.source, found.wit, found.world, found.names, found.shapes,
            "", wanted.description, wanted.tests, by, client, at, binary=binary,
        )  # fmt: skip
        return replace(made, digest=made_files.digest_of(made))

    def component(self, edition: Edition, folder: Path) -> Component:
        """The component of a version that lies in ``folder``.

        Raises:
            ComponentRefused: nothing in it can be a tool.
        """
        made = (
            self._of_binary(edition, folder) if edition.binary is not None else self._script(edition, folder)
        )
        return replace(made, tools=tuple(_described(tool, edition) for tool in made.tools))

    def built(self, edition: Edition, path: Path) -> Component:
        """The component at ``path`` that a script was compiled to.

        Raises:
            ComponentRefused: it is none that can run here.
        """
        limits = self._limits(edition.name)
        return publish.publish(sources.source(path), self._cache, limits, self._children, edition.name)

    def _script(self, edition: Edition, folder: Path) -> Component:
        tools, refused = publish.tools_of(edition.name, edition.digest, edition.world, {})
        path = folder / made_files.source_name(edition.language)
        if not tools:
            told = "; ".join(f"{each.path}: {each.reason}" for each in refused[:5])
            raise ComponentRefused(edition.name, f"it has nothing to publish ({told or 'no function'})")
        imports = [each.name for each in edition.world.imports]
        script = Script(
            edition.language, edition.source, FILE[edition.language], edition.names, edition.shapes
        )
        return Component(
            edition.name, edition.digest, path, edition.world, edition.wit, self._limits(edition.name), {},
            tools, refused, tuple(imports), of_imports(imports), script,
        )  # fmt: skip

    def _of_binary(self, edition: Edition, folder: Path) -> Component:
        made = self.built(edition, folder / made_files.BINARY)
        if made.digest != edition.digest:
            raise ComponentRefused(edition.name, "its file has changed since it was made")
        return made

    def _compiled(self, wanted: Wanted, name: str) -> tuple[str, bytes]:
        """The WIT and the component of source in a language that is compiled, made in confinement."""
        import tempfile  # only for these languages, as the toolchains

        from mcp_wasm.build import c_signature
        from mcp_wasm.build.languages import compile_component

        if wanted.language == "wat" and not wanted.world and not _COMPONENT.search(wanted.source):
            raise CallerError(
                "A core module says too little of its types: give a world (WIT text) with its functions."
            )
        with tempfile.TemporaryDirectory(prefix="mcp-wasm-") as scratch:
            entry, packages = (
                wanted.file or FILE[wanted.language],
                ("libc",) if wanted.language == "c" else (),
            )
            (Path(scratch) / entry).write_text(wanted.source, encoding="utf-8")
            wit, world = wanted.world, world_name(wanted.world)
            # A given one is read first: that refuses types that grow without end once they are written out.
            given = world_of(wit, self._children).exports if wit else ()
            texts: dict[str, str] | None = None
            if wanted.language in TOOLS_ONLY:
                texts = {entry: wanted.source}
                derived, files = _glued(wanted, entry, given)
                wit, world = (wit, world) if wit else (derived, GLUED)
                for file, content in files.items():
                    (Path(scratch) / file).write_text(content, encoding="utf-8")
            if wanted.language == "c" and not wit:
                found = c_signature.read(wanted.source, entry)
                wit, world = found.wit, c_signature.WORLD
                (Path(scratch) / c_signature.GLUE).write_text(found.glue, encoding="utf-8")
            source = Source(name, Path(scratch), entry, wit, world, packages, texts)
            try:
                return wit, compile_component(wanted.language, source, cache=self._builds)
            except BuildFailed as error:
                if wanted.language != "c" or not wanted.world:
                    raise
                raise _with_declarations(error, wit, world) from None


def _glued(wanted: Wanted, file: str, world: Sequence[Function]) -> tuple[str, dict[str, str]]:
    """The WIT of a source in Rust or Go, and the files to compile."""
    from mcp_wasm.build import go, rust  # only for these languages

    prepare = rust.prepare if wanted.language == "rust" else go.prepare
    return prepare(wanted.source, file, world)


def _with_declarations(error: BuildFailed, wit: str, world: str) -> BuildFailed:
    """What the compiler said, with the functions that the world wants: nobody knows them by heart."""
    from mcp_wasm.build import c  # only where C was compiled

    try:
        wanted = c.declarations(wit, world)
    except BuildFailed:
        return error  # the world itself is wrong, and that is what was said
    said = f"{error.output.rstrip()}\n\nThe world wants these functions:\n{wanted}"
    return BuildFailed(error.what, said, error.messages)


def world_name(text: str) -> str:
    """The name of the one world in a WIT text, ``""`` where there is none.

    Raises:
        CallerError: there are several.
    """
    # An open comment ends with the text: to look for its end again at each of many takes minutes.
    plain = re.sub(r"//[^\n]*|/\*.*?(?:\*/|\Z)", " ", text, flags=re.DOTALL)
    found = re.findall(r"(?<![\w%-])world\s+%?([a-z][a-z0-9-]*)\s*\{", plain)
    if len(found) > 1:
        raise CallerError(f"The WIT text has {len(found)} worlds ({', '.join(found[:5])}); give one.")
    return found[0] if found else ""


def _described(tool: Tool, edition: Edition) -> Tool:
    said = edition.description.strip()
    own = tool.description if tool.function.docs or not said else ""
    text = "\n\n".join(dict.fromkeys(filter(None, (said, own))))
    return replace(tool, description=f"{mark(edition)} {text}")


def mark(edition: Edition) -> str:
    """What the description of each tool of a made component begins with."""
    day = edition.created_at[:10]
    if edition.client == PERSON:
        return f"Made of {edition.language} code by {edition.created_by}, {day}."
    kept = f"kept by {edition.kept_by}" if edition.kept_by else "no person installed it"
    return f"Made by a model ({edition.created_by}, {day}); {kept}."
