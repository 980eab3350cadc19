"""What an attack does where nothing guards against it: raw wasmtime in a child under the system's limits.

    unguarded.py FILE EXPORT [ARGUMENT …]

The proof that an attack is one: a guest that does no harm to a bare engine proves
nothing when ours survives it.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SECONDS, BYTES = 1, 1536 * 1024 * 1024
"""CPU time and heap that the child has; both far more than the honest use of either."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the child ended: its exit code (negative for a signal) and the end of what it printed."""

    code: int
    said: str

    @property
    def out_of_time(self) -> bool:
        """Whether the system ended it for its CPU time: nothing else did."""
        return self.code in (-signal.SIGXCPU, -signal.SIGKILL)

    @property
    def out_of_memory(self) -> bool:
        """Whether it died for want of memory: aborted by its allocator, or with Python's error."""
        return self.code != 0 and (
            "MemoryError" in self.said or "memory allocation of" in self.said or self.code == -signal.SIGABRT
        )


def unguarded(path: Path, export: str, *arguments: int | str) -> Ended:
    """Run ``export`` of a component, or with ``""`` only compile it, without any limit of ours."""
    command = [sys.executable, __file__, str(path), export, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return Ended(done.returncode, (done.stdout + done.stderr)[-2000:])


def _main(path: str, export: str, *arguments: str) -> None:
    import wasmtime  # the parent needs none of it
    from wasmtime import component

    engine = wasmtime.Engine()
    linker = component.Linker(engine)
    linker.add_wasip2()
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    # Memories of guests are mapped, 4 GiB of addresses each; what is allocated counts as data.
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    made = component.Component(engine, wasmtime.wat2wasm(Path(path).read_bytes()))
    if export:
        function = linker.instantiate(store, made).get_func(store, export)
        assert function is not None
        result = function(store, *[int(a) if a.isdigit() else a for a in arguments])
        sys.stdout.write(f"returned {str(result)[:200]}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
