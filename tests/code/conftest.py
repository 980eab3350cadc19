"""The runners that the tests of code share, each compiled once in a session of tests."""

from __future__ import annotations

from tests.code.c_runtime import c_runtime, run_c
from tests.code.javascript import javascript
from tests.code.made_tools import made_runtime
from tests.code.python import python, python_home

__all__ = ["c_runtime", "javascript", "made_runtime", "python", "python_home", "run_c"]
