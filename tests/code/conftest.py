"""The runners that the tests of code share, each compiled once in a session of tests."""

from __future__ import annotations

from tests.code.javascript import javascript

__all__ = ["javascript"]
