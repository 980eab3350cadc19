"""Programs run by a Python of their own, for what could end the process that runs it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent.parent / "programs"
ROOT = Path(__file__).parents[2]

PRELUDE = """
    import sys
    from pathlib import Path
    from mcp_wasm.errors import *
    from mcp_wasm.runtime import Runtime
    from mcp_wasm.sandbox.limits import Limits
    home, programs = Path(sys.argv[1]), Path(sys.argv[2])
"""


class Child(subprocess.Popen[str]):
    """A process that does not outlive a test which fails while it runs."""

    def __exit__(self, type_: Any, value: Any, traceback: Any) -> None:
        if type_ is not None:
            self.kill()
        super().__exit__(type_, value, traceback)


def start(home: Path, code: str) -> Child:
    """A Python that runs ``code`` after ``PRELUDE``; its standard output and errors are pipes."""
    return Child(
        [sys.executable, "-c", textwrap.dedent(PRELUDE) + textwrap.dedent(code), str(home), str(PROGRAMS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def output(home: Path, code: str) -> str:
    """What ``code`` prints; it must end by itself with exit code 0 and print nothing to stderr."""
    with start(home, code) as child:
        printed, errors = child.communicate()
    assert child.returncode == 0, f"ended with {child.returncode}:\n{errors}"
    assert not errors
    return printed
