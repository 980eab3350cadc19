"""The languages of ``run_code`` and of tools on this machine: which are ready, and building what can be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mcp_wasm.code.contract import MADE_LANGUAGES, TOOLS_ONLY, Language
from mcp_wasm.errors import ToolchainMissing

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime

BUILD = "mcp-wasm build code"


@dataclass(frozen=True, slots=True)
class Ready:
    """A language and its state: ``ready``, ``buildable``, or why it cannot be run, in words."""

    language: str
    state: str

    @property
    def remedy(self) -> str:
        """What to type."""
        if self.state == "buildable":
            return BUILD
        return re.split("[Tt]ype: ", self.state, maxsplit=1)[-1] if "ype: " in self.state else ""


def states(runtime: Runtime) -> list[Ready]:
    """How each language is on this machine."""
    return [Ready(language, _state(runtime, language)) for language in MADE_LANGUAGES]


def build(runtime: Runtime, step: Callable[[str], None]) -> None:
    """Build and compile what languages need and what can be built here.

    Raises:
        BuildFailed, ToolchainMissing: something cannot be.
    """
    for each in states(runtime):
        if each.state in ("ready", "buildable") and each.language not in ("typescript", "wat", "rust"):
            step(f"{each.language}: building" if each.state == "buildable" else f"{each.language}: compiling")
            _build(runtime, each.language, step)


def _build(runtime: Runtime, language: str, step: Callable[[str], None]) -> None:
    if language == "c":
        from mcp_wasm.code import c  # a toolchain, for this command alone

        c.warm(runtime.runners.folder, step)
    elif language == "go":
        from mcp_wasm.build import go_library  # as above

        go_library.prepare(runtime.runners.folder, step)
    elif language != "wat":
        runtime.runners.path(language)
        runtime.prepare_code(cast(Language, language)).result()


def _state(runtime: Runtime, language: str) -> str:
    if language in ("python", "javascript", "typescript"):
        return runtime.runners.state(language)
    from mcp_wasm.build import confine  # as above
    from mcp_wasm.code import c

    if confine.where_possible() is None:
        reasons = "; ".join(f"{name}: {why}" for name, why in confine.mechanisms().items())
        return f"no confinement for compilers ({reasons}); type: apt-get install bubblewrap"
    if language in TOOLS_ONLY:
        return _tools_only(runtime, language)
    return c.state(runtime.runners.folder) if language == "c" else "ready"


def _tools_only(runtime: Runtime, language: str) -> str:
    from mcp_wasm.build import go_library  # as above
    from mcp_wasm.build.languages import TOOLCHAINS

    try:
        TOOLCHAINS[language].require()
    except ToolchainMissing as missing:
        return str(missing)
    ready = language != "go" or go_library.is_prepared(runtime.runners.folder)
    return "ready" if ready else "buildable"
