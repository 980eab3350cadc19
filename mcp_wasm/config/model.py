"""All settings as one frozen value, ``Config``; its defaults are the documented ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.capability.policy import EMPTY, Policy
from mcp_wasm.config.access import TokenSetting
from mcp_wasm.config.mesh import MeshSettings
from mcp_wasm.llm.options import LlmOptions
from mcp_wasm.memory.options import StateOptions
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.sandbox.artifacts import DEFAULT_LIMIT
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.server.access import Access
from mcp_wasm.server.options import ServerOptions


@dataclass(frozen=True, slots=True)
class Http:
    """Where HTTP is served: ``host`` and ``port`` (None: not over HTTP), and the bearer ``token``."""

    host: str = "127.0.0.1"
    port: int | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set.

    ``source`` is the file it was read from. ``components`` are folders whose
    components are published, ``home`` holds added components and the cache (None:
    ``~/.mcp-wasm``), ``bundled`` says whether the tools that come with
    the package are published. ``component_limits`` are whole limits by the
    component's name, ``tools`` settings by the tool's own name, ``grants`` what
    components are granted beside the policy file; ``cache_bytes`` bounds the
    compiled artifacts on disk. ``access`` says who may do how much over HTTP, all
    but for the ``tokens``, whose secrets may have to be fetched first; ``state`` is
    how key-value state is kept, ``llm`` which language models may be asked, ``mesh`` how
    other nodes are reached (None: not at all).
    ``options`` are the flags with which another command line finds the same
    settings, home and components. ``late`` are folders
    like ``components`` that never take a name from another: those that a file of
    the working folder names. ``guarded`` is what says what guests may do, beside the
    home: the settings file that is obeyed, and the home of other servers.
    """

    source: Path | None = None
    components: tuple[Path, ...] = ()
    home: Path | None = None
    bundled: bool = True
    workers: int | None = None
    log: str = "warning"
    cache_bytes: int = DEFAULT_LIMIT
    http: Http = field(default_factory=Http)
    server: ServerOptions = field(default_factory=ServerOptions)
    limits: Limits = field(default_factory=Limits)
    component_limits: Mapping[str, Limits] = field(default_factory=dict)
    tools: Mapping[str, ToolSetting] = field(default_factory=dict)
    grants: Policy = EMPTY
    guarded: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()
    late: tuple[Path, ...] = ()
    access: Access = field(default_factory=Access)
    tokens: tuple[TokenSetting, ...] = ()
    audit: AuditOptions = field(default_factory=AuditOptions)
    state: StateOptions = field(default_factory=StateOptions)
    llm: LlmOptions = field(default_factory=LlmOptions)
    mesh: MeshSettings | None = None
