"""Runs a program again and again in somebody else's sandbox, in an interpreter that has that installed.

    python code_child.py PACKAGE

Each line on standard input is a number of runs; the answer is the seconds that
one took. It imports nothing of this project.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

PROGRAM = "sum(range(10))"
JAVASCRIPT = "[...Array(10).keys()].reduce((a, b) => a + b, 0)"
EXPECTED = 45


def monty() -> Callable[[], object]:
    """pydantic-monty: a subset of Python in a worker process of a pool, a fresh session each."""
    import pydantic_monty  # type: ignore[import-not-found]

    pool = pydantic_monty.Monty().__enter__()

    def run() -> object:
        with pool.checkout() as session:
            return session.feed_run(PROGRAM)

    return run


def eryx() -> Callable[[], object]:
    """pyeryx: CPython in WebAssembly, a fresh sandbox each."""
    import eryx as sandboxes  # type: ignore[import-not-found]

    def run() -> object:
        return int(sandboxes.Sandbox().execute(f"print({PROGRAM})").stdout)

    return run


def quickjs() -> Callable[[], object]:
    """quickjs-rs: QuickJS in WebAssembly, a fresh runtime and context each."""
    import quickjs_rs  # type: ignore[import-not-found]

    def run() -> object:
        with quickjs_rs.Runtime() as runtime, runtime.new_context() as context:
            return context.eval(JAVASCRIPT)

    return run


SANDBOXES = {"pydantic-monty": monty, "pyeryx": eryx, "quickjs-rs": quickjs}


def main() -> None:
    """Answer until standard input ends."""
    run = SANDBOXES[sys.argv[1]]()
    if run() != EXPECTED:
        raise SystemExit(f"{sys.argv[1]} gave something else than {EXPECTED}")
    print("ready", flush=True)
    for line in sys.stdin:
        times = int(line)
        begun = time.perf_counter()
        for _ in range(times):
            run()
        print((time.perf_counter() - begun) / times, flush=True)


if __name__ == "__main__":
    main()
