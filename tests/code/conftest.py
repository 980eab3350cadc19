"""The runners that the tests of code share, each compiled once in a session of tests."""

from __future__ import annotations

from tests.code.c_runtime import run_c
from tests.code.javascript import javascript
from tests.code.made_tools import made_runtime
from tests.code.python import python

__all__ = ["javascript", "made_runtime", "python", "run_c"]
