"""Tries changes of a replica out in a process of its own: one that is hostile ends this process, not ours.

Run as a file by ``replica``. Nested values overflow the stack of pycrdt's decoder, and
its process with it (an update of 200 KB did); so each is tried here first, on a small stack, with
bounded memory. Reads ``state`` and ``update``, each with its length in 8 bytes before it; answers one
byte: ``+`` taken, ``-`` refused.
"""

from __future__ import annotations

import resource
import struct
import sys
import threading
from typing import Any

from pycrdt import Array, Doc, Map, Text

STACK, MEMORY = 256 * 1024, 2 * 1024**3
DEEPEST = 32


def depth_fits(value: Any, left: int = DEEPEST) -> bool:
    """Whether a value is nested no deeper than ``DEEPEST``."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return left > 0 and all(depth_fits(each, left - 1) for each in inner)


def fits(state: bytes, update: bytes) -> bool:
    """Whether ``update`` can be applied to ``state``, and what comes of it can be read."""
    doc: Doc[Any] = Doc()
    parts = (doc.get("map", type=Map), doc.get("list", type=Array))
    text = doc.get("text", type=Text)
    try:
        if state:
            doc.apply_update(state)
        doc.apply_update(update)
        str(text)
        doc.get_update()
        return all(depth_fits(part.to_py()) for part in parts)
    except (ValueError, RuntimeError, TypeError, KeyError, RecursionError):
        return False


def serve() -> None:
    """Answer until there is nothing more to read."""
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    while head := given.read(8):
        state = given.read(struct.unpack("<Q", head)[0])
        update = given.read(struct.unpack("<Q", given.read(8))[0])
        answers.write(b"+" if fits(state, update) else b"-")
        answers.flush()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.stack_size(STACK)
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
