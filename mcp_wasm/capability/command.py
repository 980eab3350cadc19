"""The command that a person types to allow something: one place, so that it is always the one that works.

Pure. What a shell makes of it is exactly the grant, whatever stands in it.
"""

from __future__ import annotations

import shlex

from mcp_wasm.capability.grant import Grant, kind_of
from mcp_wasm.capability.words import words

APPROVE = "mcp-wasm grants approve"
"""How the command begins that ends the waiting of grants."""


def add_command(component: str, grant: Grant, *, digest: str = "", home: str = "") -> str:
    """The command line that gives ``grant`` to ``component``.

    ``digest`` is added where the component cannot be found by its name (a server
    publishes it from a folder of its own), ``home`` where the home folder is not
    the usual one.
    """
    given = ["mcp-wasm", "grants", "add", component, kind_of(grant), *words(grant)]
    given += ["--digest", digest] if digest else []
    return shlex.join([*given, "--home", home] if home else given)


def approve_command(component: str, *, home: str = "") -> str:
    """The command line that gives the grants of ``component`` to its bytes as they are now."""
    given = [*APPROVE.split(), component]
    return shlex.join([*given, "--home", home] if home else given)


def denial_command(
    component: str, grant: Grant | None, waiting: str = "", *, digest: str = "", home: str = ""
) -> str:
    """What a person types after a denial; ``""`` where no command would help.

    ``grant`` would have allowed it; ``waiting`` is why the component's grants do
    not hold (``Grants.waiting``): while they wait for approval none can be added.
    """
    if waiting:
        return approve_command(component, home=home) if APPROVE in waiting else ""
    return "" if grant is None else add_command(component, grant, digest=digest, home=home)
