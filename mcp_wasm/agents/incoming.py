"""What senders outside of this process write as a message's kind and priority. Pure.

A kind decides where a message goes, so one that is not known is refused. A priority only decides when
it is handled, so one that is not known is ``normal``, and whoever reads it says so.
"""

from __future__ import annotations

from mcp_wasm.agents.message import DEFAULT_KIND, KINDS, PRIORITIES, Priority
from mcp_wasm.component.names import nearest
from mcp_wasm.errors import MessageRefused


def priority(text: object) -> tuple[Priority, str]:
    """The priority that ``text`` names, and a warning: ``""`` where it is known or nothing was given."""
    if text is None or text == "":
        return Priority.NORMAL, ""
    known = PRIORITIES.get(text.strip().lower()) if isinstance(text, str) else None
    if known is not None:
        return known, ""
    return Priority.NORMAL, f"the priority {str(text)[:40]!r} is not known and was taken as normal"


def kind(text: object) -> str:
    """The kind that ``text`` names; the default one where nothing was given.

    Raises:
        MessageRefused: naming the nearest one, if there is none of that name.
    """
    if text is None or text == "":
        return DEFAULT_KIND
    if isinstance(text, str) and text in KINDS:
        return text
    close = nearest(str(text), sorted(KINDS))
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise MessageRefused(
        "the kind of a message", f"one of {', '.join(sorted(KINDS))}{hint}", repr(str(text)[:40])
    )
