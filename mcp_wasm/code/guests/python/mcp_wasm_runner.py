"""The runner of Python: what its component exports."""

from __future__ import annotations

import engine
import preload
import program
import wit_world


class WitWorld(wit_world.WitWorld):
    """What the component exports."""

    def run(self, request: str) -> str:
        """Run a program."""
        return engine.answer(request)


preload.finish(engine.answer, program.forget)
