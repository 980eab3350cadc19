"""One request to one answer, as JSON texts: reads the request, runs the program, shapes what came of it.

Answers never raise: whatever a program does that leaves the interpreter alive
ends as an ``error`` in the answer.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import failures
import notes
import plain
import program
import streams
import tools_module

_READ = json.JSONDecoder().decode
# Kept from before any program runs: one that replaces json.dumps breaks its own output only.
_WRITE = json.JSONEncoder(allow_nan=False, check_circular=False).encode
_SEED, _ENTROPY = random.seed, os.urandom


def answer(text: str) -> str:
    """The answer to a request."""
    request = program.Request(_READ(text))
    # The snapshot froze the generator's state; each run has its own. All 2,496 bytes that seed() would
    # ask for take longer than a small program.
    _SEED(int.from_bytes(_ENTROPY(32)))
    tools_module.renew()
    streams.begin()
    try:
        return _written(_outcome(request))
    finally:
        streams.end()


def _outcome(request: program.Request) -> dict[str, Any]:
    notes.begin()
    try:
        found = _value(request)
    except BaseException as error:
        # SystemExit and KeyboardInterrupt are outcomes like any other.
        found = {} if failures.is_normal_end(error) else {"error": failures.describe(error, request)}
    said = notes.text()
    return found | {"note": said} if said else found


def _value(request: program.Request) -> dict[str, Any]:
    if request.mode == "call":
        return {"value": program.call(request)}
    value = program.run(request)
    return {} if value is None else plain.shown(value)


def _written(found: dict[str, Any]) -> str:
    try:
        return _WRITE(found)
    except (RecursionError, ValueError, TypeError, MemoryError) as error:
        message = f"the value cannot be written as JSON: {error}"
        return _WRITE({"error": {"type": type(error).__name__, "message": message, "traceback": ""}})
