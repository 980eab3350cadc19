"""``wasi:logging``: messages of a guest in the server's log and in the call's report.

A message is one line that begins with who wrote it, whatever it consists of, so
that none can pass for a line of somebody else. Without a grant messages are
dropped and that is recorded once, quietly: programs log in passing.
Source: the public draft of ``wasi:logging``.
"""

from __future__ import annotations

import logging

from mcp_wasm.capability import match
from mcp_wasm.capability.grant import Logging
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface

_log = logging.getLogger("mcp_wasm.guest")

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
"""The levels of the interface, the least first, as those of the server's log."""

_ORDER = tuple(_LEVELS)


def _write(call: Call, level: str, context: str, message: str) -> None:
    about, granted = call.about, call.grants.logging
    if not granted:
        rule = match.absent(call.grants, "logging", about.component)
        call.deny(Logging(), "write to the log", rule, quiet=True)
        return
    if _ORDER.index(level) < _ORDER.index(granted[0].level):
        return
    if call.redactor is not None:
        context, message = call.redactor.text(context), call.redactor.text(message)
    line = call.log.add(level, context, message)
    if line is None:
        if call.log.dropped == 1 and call.limits.log:  # none: calls within one call have used it up
            _log.warning("%s (%s): further messages of this call are dropped", about.tool, about.component)
        return
    shown = f"[{line.context}] {line.message}" if line.context else line.message
    _log.log(_LEVELS[level], "%s (%s): %s", about.tool, about.component, shown)


INTERFACES = (Interface("wasi:logging/logging", ("0.1.0-draft", ""), {"log": _write}),)
