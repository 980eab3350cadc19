"""Child processes that work on bytes which may be hostile: bounded, and killed when their owner closes.

A compile and a look by wasm-tools cannot be interrupted, and a damaged or
hostile binary can make either run for hours or take all memory. So each has a
time, a memory and an output limit, and none outlives the runtime it works for.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

MEMORY_BYTES = 4 * 1024**3
"""Address space of one child (Linux; elsewhere only time bounds it)."""

_MESSAGE_BYTES = 4000


class Stopped(Exception):
    """The child was killed: its owner closes, or it reached a limit, which the text names."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended: its exit code, all it printed, and the end of its error output."""

    code: int
    output: bytes
    message: str


class Children:
    """The children of one owner; ``close`` kills those that run and lets none begin any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        timeout: float,
        output_limit: int,
        given: bytes = b"",
    ) -> Finished:
        """Run ``command`` to its end; ``given`` is its standard input.

        Raises:
            Stopped: after ``timeout`` seconds, past ``output_limit`` bytes, or by ``close``.
        """
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as errors:
            source.write(given)
            source.seek(0)
            child = self._start(command, env, source, errors)
            late = threading.Event()

            def stop() -> None:
                late.set()
                child.kill()

            timer = threading.Timer(timeout, stop)
            timer.daemon = True
            timer.start()
            try:
                assert child.stdout is not None
                output = child.stdout.read(output_limit + 1)
                if len(output) > output_limit:
                    raise Stopped(f"it printed over {output_limit:,} bytes")
                code = child.wait()
            finally:
                timer.cancel()
                self._end(child)
            if late.is_set():
                raise Stopped(f"it took over {timeout:.0f} s")
            if self._closed:
                raise Stopped("the runtime closes")
            errors.seek(max(0, errors.seek(0, 2) - _MESSAGE_BYTES))
            return Finished(code, output, errors.read().decode("utf-8", "replace").strip())

    def close(self) -> None:
        """Kill every child; whoever waits for one gets ``Stopped``."""
        with self._lock:
            self._closed = True
            for child in self._running:
                child.kill()

    def _start(
        self, command: Sequence[str], env: Mapping[str, str], source: IO[bytes], errors: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise Stopped("the runtime closes")
            child = subprocess.Popen(
                command,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(env),
            )
            self._running.add(child)
        _bound_memory(child.pid)
        return child

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
        with self._lock:
            self._running.discard(child)


if sys.platform == "linux":
    import resource

    def _bound_memory(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
else:

    def _bound_memory(pid: int) -> None:
        """Only Linux can bound another process."""
