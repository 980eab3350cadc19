"""The MCP clients that can be set up: where their settings are, and what an entry looks like.

Sources: the clients' own documentation of ``claude_desktop_config.json``,
``.mcp.json``, ``.vscode/mcp.json`` and ``.cursor/mcp.json``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Client:
    """A client; ``project`` is its file in a project's folder (None: it has none), ``user`` the person's own.

    ``servers`` is the key under which servers stand; ``typed`` says whether an
    entry names its transport; ``after`` is what a person does next.
    """

    title: str
    project: str | None
    user: Callable[[], Path]
    servers: str
    typed: bool
    after: str

    def entry(self, command: Sequence[str]) -> dict[str, Any]:
        """The entry of a server that ``command`` starts."""
        kind = {"type": "stdio"} if self.typed else {}
        return {**kind, "command": command[0], "args": list(command[1:])}


def _settings_folder() -> Path:
    """Where programs of this system keep a person's settings."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


CLIENTS = {
    "claude-desktop": Client(
        "Claude Desktop",
        None,
        lambda: _settings_folder() / "Claude" / "claude_desktop_config.json",
        "mcpServers",
        False,
        "Quit Claude Desktop and start it again.",
    ),
    "claude-code": Client(
        "Claude Code",
        ".mcp.json",
        lambda: Path.home() / ".claude.json",
        "mcpServers",
        True,
        "Start Claude Code in that folder and approve the server; /mcp shows it.",
    ),
    "vscode": Client(
        "VS Code",
        ".vscode/mcp.json",
        lambda: _settings_folder() / "Code" / "User" / "mcp.json",
        "servers",
        True,
        "Open the file in VS Code and press Start above the server's name.",
    ),
    "cursor": Client(
        "Cursor",
        ".cursor/mcp.json",
        lambda: Path.home() / ".cursor" / "mcp.json",
        "mcpServers",
        False,
        "Enable the server in Cursor's settings, under MCP.",
    ),
}
