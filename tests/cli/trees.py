"""Trees of agents in processes of their own, for tests of the command line."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import start

TREE = """
name = "{name}"
intensity = 5

[agents.echo]
component = "agent.wasm"

[supervisors.pair]
strategy = "rest_for_one"
intensity = 5
children = ["a", "b"]

[agents.a]
component = "agent.wasm"
per = "life"

[agents.b]
component = "agent.wasm"
"""


@contextmanager
def tree(folder: Path, *flags: str, name: str = "first", text: str = TREE) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the tree; it is ready."""
    file = folder / f"{name}.toml"
    file.write_text(text.replace("{name}", name), encoding="utf-8")
    with start(["agents", "run", file, "--no-bundled", *flags], cwd=folder) as process:
        try:
            assert process.stderr is not None
            assert "runs. Look at it" in process.stderr.readline()
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=15)


def until(look: Callable[[], str], pattern: str) -> str:
    """What ``look`` gives as soon as it fits."""
    end = time.monotonic() + 10
    while True:
        found = look()
        if re.search(pattern, found):
            return found
        assert time.monotonic() < end, found
