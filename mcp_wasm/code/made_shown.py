"""How versions of made tools are shown: what they are, what they run on, and what else has their name."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from mcp_wasm.code import made_files
from mcp_wasm.code.made_contract import Edition, Made, Version
from mcp_wasm.code.made_state import State
from mcp_wasm.code.made_takeover import Takeovers
from mcp_wasm.component.signature import signature
from mcp_wasm.errors import InvalidSettings, McpWasmError


class Shown:
    """Shows what ``state`` has; its methods are called with the state's lock held."""

    def __init__(self, state: State, takeovers: Takeovers) -> None:
        self._state, self._takeovers = state, takeovers

    def of(self, edition: Edition) -> Made:
        """A version in short."""
        state = self._state
        shown = state.host.index.component(edition.name)
        if shown is None or shown.digest != edition.digest:
            shown = None
            with contextlib.suppress(McpWasmError):  # it is not published here, or could not be
                shown = state.host.maker().component(edition, state.folder(edition))
        kept = state.kept.get(edition.name)
        over = kept.digest if kept is not None and not edition.kept_by and kept.digest == edition.over else ""
        return Made(
            edition.name,
            edition.language,
            edition.source,
            edition.wit,
            tuple(tool.name for tool in shown.tools) if shown is not None else (),
            edition.description,
            edition.created_by,
            edition.created_at,
            edition.digest,
            edition.version,
            bool(edition.kept_by),
            self._takeovers.of(edition, shown),
            tests=edition.tests,
            client=edition.client,
            functions=tuple(signature(tool.function) for tool in shown.tools) if shown is not None else (),
            over=over,
        )

    def whole(self, edition: Edition, *, waiting: bool = False) -> Made:
        """A version with those before it; with ``waiting`` also those of its name in servers' sessions."""
        versions = []
        for path in self._state.history(edition).values():
            with contextlib.suppress(InvalidSettings, FileNotFoundError):
                versions.append(made_files.about(path))
        others = self._state.others(edition.name) if waiting else []
        found = {
            each.digest: Version(each.version, each.digest, each.created_at, each.created_by)
            for each in others
            if each.digest != edition.digest
        }
        made = self.of(edition)
        return replace(made, versions=tuple(versions), waiting=tuple(found.values()), apart=_apart(edition))


def _apart(edition: Edition) -> str:
    if edition.language not in {"javascript", "typescript"}:
        return ""
    from mcp_wasm.build import script_javascript  # with its toolchain's modules, when somebody looks

    return script_javascript.interface_of(edition.world.exports)
