"""What the tests of made tools share: sources, and a runtime that follows what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_wasm.code.made_contract import Example, Wanted
from mcp_wasm.runtime import Runtime
from tests import once

TYPESCRIPT = """
/** Counts the words of a text. */
export function wordCount(text: string, least: number = 1): number {
  return text.split(/\\s+/).filter((word) => word.length >= least).length;
}
"""

PYTHON = '''
"""Words."""


def word_count(text: str, least: int = 1) -> int:
    """Counts the words of a text."""
    return sum(len(word) >= least for word in text.split())
'''


def wanted(name: str = "words", source: str = TYPESCRIPT, *tests: Example, **more: str) -> Wanted:
    """A tool of TypeScript, unless ``more`` says otherwise."""
    return Wanted(name, more.pop("language", "typescript"), source, tests=tests, **more)


def numbered(number: int) -> str:
    """A source that is like no other."""
    return f"{TYPESCRIPT}// {number}\n"


@pytest.fixture
def made_runtime(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A runtime that has published what is kept in the test's own home."""
    with Runtime(home=once.share_compiled(tmp_path_factory, home)) as runtime:
        runtime.made.load()
        yield runtime
