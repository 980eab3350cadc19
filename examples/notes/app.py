"""Notes in files, as any Python program would keep them, with no thought of a sandbox."""

from __future__ import annotations

from pathlib import Path

import wit_world
from componentize_py_types import Err

FOLDER = Path("/notes")


class WitWorld(wit_world.WitWorld):
    """The world ``notes``."""

    def keep(self, name: str, text: str) -> str:
        """Write a note into a file of its own."""
        try:
            (FOLDER / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise Err(str(error)) from error
        return f"kept {len(text)} characters"

    def recall(self, name: str) -> str:
        """Read the file of a note."""
        try:
            return (FOLDER / name).read_text(encoding="utf-8")
        except OSError as error:
            raise Err(str(error)) from error

    def names(self) -> list[str]:
        """List the files."""
        try:
            return sorted(path.name for path in FOLDER.iterdir())
        except OSError as error:
            raise Err(str(error)) from error
