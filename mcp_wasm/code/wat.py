"""WebAssembly text that a model sends, as a component with a function to call.

- A component is taken as it is.
- A core module by itself imports nothing and exports a function over numbers:
  ``run``, ``main`` or ``_start``, or the only one that it exports. i32 is lifted
  as s32, i64 as s64; parameters keep their names (``$width`` is ``width``).
- A core module with ``world``, the text of a WIT package, follows the canonical
  ABI of the first world in it, with memory and ``cabi_realloc`` where it needs them.
"""

from __future__ import annotations

import re

from mcp_wasm.build import confine, core_module, messages, wasm_tools
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.core_module import CoreFunction, NotPlain
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed
from mcp_wasm.sandbox import inspect

PREFERRED = ("run", "main", "_start")
FILE = "code.wat"
MAX_TEXT = 128 * 1024
_WORLD = re.compile(r"^[ \t]*world\s+%?([a-z0-9-]+)", re.MULTILINE)


def component_of(text: str, world: str | None = None, *, file: str = FILE) -> bytes:
    """The component of a WebAssembly text; ``file`` is its name in messages.

    Raises:
        BuildFailed: what is wrong, with line and column in its ``messages`` where that is known.
        NotConfined: a ``world`` was given and there is no confinement for wasm-tools on this machine.
        ToolchainMissing: a ``world`` was given and wasm-tools is not installed.
    """
    if len(text) > MAX_TEXT:
        raise BuildFailed(file, f"the text has {len(text):,} characters; {MAX_TEXT:,} are taken")
    binary = _assembled(text, file)
    if binary[6:8] == b"\x01\0":
        return binary
    if world is not None:
        return _of_world(binary, world, file, confine.require())
    try:
        function = _entry(core_module.functions(binary))
        made = core_module.lifted(binary, function, core_module.kebab(function.name, "run"))
    except NotPlain as reason:
        raise BuildFailed(file, f"this module cannot run by itself: {reason}") from None
    if not inspect.is_valid(binary):
        _explain(text, file)
    return made


def _assembled(text: str, file: str) -> bytes:
    try:
        return inspect.assemble(text.encode())
    except (inspect.NotText, UnicodeEncodeError) as error:
        said = f"error: {error}".replace("<anon>", file)
        raise BuildFailed(file, said, messages.parse(said, {file: text})) from None


def _explain(text: str, file: str) -> None:
    """Raise the words of wasm-tools for a module that is not valid; it alone tells the place in the text."""
    with Workspace(file, seconds=30, confined=confine.require()) as space:
        space.sources = {file: text}
        space.write(file, text)
        space.run([wasm_tools.program(), "validate", "-g", file])
    raise BuildFailed(file, "the engine refuses this module, with a feature that it has switched off")


def _of_world(binary: bytes, world: str, file: str, confined: Confinement) -> bytes:
    found = _WORLD.search(world)
    if found is None:
        raise BuildFailed(file, "the WIT has no world; begin it with `package a:b; world w { … }`")
    with Workspace(file, seconds=30, confined=confined) as space:
        return wasm_tools.componentize(space, space.write("core.wasm", binary), world, found[1])


def _entry(functions: tuple[CoreFunction, ...]) -> CoreFunction:
    by_name = {function.name: function for function in functions}
    for name in PREFERRED:
        if name in by_name:
            return by_name[name]
    if len(functions) == 1:
        return functions[0]
    listed = ", ".join(by_name)
    raise NotPlain(
        f"it exports {listed}; name the one to call `run`"
        if listed
        else 'it exports no function; write (func (export "run") …)'
    )
