"""How a server presents the runtime: one frozen value, made by the settings, read by every module here.

It says nothing of tools or of limits of calls: those belong to the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ToolsMode = Literal["dynamic", "search", "both"]

TOOLS_MODES: tuple[ToolsMode, ...] = ("dynamic", "search", "both")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a person may set about a server.

    ``name``, ``title`` and ``version`` are shown to clients; ``instructions``
    replaces the built-in text for models.

    ``tools`` is ``dynamic`` (every tool is listed), ``search`` (only the stable
    pair ``search_tools`` and ``call_tool`` is) or ``both``; ``page_size`` is the
    number of tools or resources on one page of a list.

    ``result_page`` is the size in bytes of one page of an oversized result;
    ``results_bytes`` and ``results_count`` bound what is kept of such results
    and ``results_seconds`` how long.

    ``line_limit`` bounds one line on stdio and ``body_limit`` one HTTP body
    (bytes). ``allowed_hosts`` and ``allowed_origins`` are the host names (without
    port) that may stand in ``Host`` and ``Origin`` besides the loopback ones;
    ``sessions`` is the number of HTTP sessions that may be open at once and
    ``session_seconds`` how long an idle one lives, and for how long a client that
    has none may be quiet before what it made goes.

    ``allow_load`` are folders from which a model may load components, which then
    run without any grant; without them it cannot.

    ``code`` says whether a model may run source code, and make tools of it, and
    ``warm`` whether its runners are made ready once a client has been answered.

    ``approvals`` says whether a person is asked, through their client, about what
    a finished call was denied, and ``approval_seconds`` how long they may think.

    ``shutdown_seconds`` is how long calls in flight may still take when the
    server is told to end.
    """

    name: str = "mcp-wasm"
    title: str = "Wasm tools"
    version: str = ""
    instructions: str | None = None
    tools: ToolsMode = "dynamic"
    page_size: int = 500
    result_page: int = 64 * 1024
    results_bytes: int = 128 * 1024 * 1024
    results_count: int = 256
    results_seconds: float = 900.0
    line_limit: int = 32 * 1024 * 1024
    body_limit: int = 32 * 1024 * 1024
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    sessions: int = 1000
    session_seconds: float = 1800.0
    allow_load: tuple[Path, ...] = ()
    code: bool = True
    warm: bool = False
    approvals: bool = True
    approval_seconds: float = 600.0
    shutdown_seconds: float = 0.3
