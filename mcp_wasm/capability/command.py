"""The command that a person types to allow something: one place, so that it is always the one that works.

Pure. What a shell makes of it is exactly the grant, whatever stands in it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from mcp_wasm.capability.grant import Grant, kind_of
from mcp_wasm.capability.words import words

APPROVE = "mcp-wasm grants approve"
"""How the command begins that ends the waiting of grants."""

LOADED = "loaded_"
"""How the name begins of what a model loaded: it is gone with the server, and no command finds it."""


def add_command(component: str, grant: Grant, *, options: Sequence[str] = ()) -> str:
    """The command line that gives ``grant`` to ``component``.

    ``options`` are further flags that it needs: ``--home`` and ``--components``
    where what is meant would not be found without, ``--digest`` to mean some bytes.
    """
    return shlex.join(["mcp-wasm", "grants", "add", component, kind_of(grant), *words(grant), *options])


def approve_command(component: str, *, options: Sequence[str] = ()) -> str:
    """The command line that gives the grants of ``component`` to its bytes as they are now."""
    return shlex.join([*APPROVE.split(), component, *options])


def denial_command(
    component: str, grant: Grant | None, waiting: str = "", *, options: Sequence[str] = ()
) -> str:
    """What a person types after a denial; ``""`` where no command would help.

    ``grant`` would have allowed it; ``waiting`` is why the component's grants do
    not hold (``Grants.waiting``): while they wait for approval none can be added.
    """
    if component.startswith(LOADED):
        return ""
    if waiting:
        return approve_command(component, options=options) if APPROVE in waiting else ""
    command = "" if grant is None else add_command(component, grant, options=options)
    # What has line ends or controls in it could show a person another line than it is.
    return command if command.isprintable() else ""
