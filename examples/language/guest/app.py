"""The guest: letters to numbers, the model of the host on them, numbers to languages."""

from __future__ import annotations

import struct

import wit_world
from componentize_py_types import Err
from letters import LANGUAGES, SIZE, counts
from wit_world import Guess
from wit_world.imports import graph
from wit_world.imports.tensor import Tensor, TensorType

MODEL = "language"
"""The name under which a person grants the model; the file is language.onnx."""


class WitWorld(wit_world.WitWorld):
    """The world ``language``."""

    def detect(self, text: str) -> list[Guess]:
        """The likeliest languages first."""
        data = struct.pack(f"<{SIZE}f", *counts(text))
        try:
            context = graph.load_by_name(MODEL).init_execution_context()
            ((_, output),) = context.compute([("counts", Tensor([1, SIZE], TensorType.FP32, data))])
        except Err as error:
            raise Err(f"{error.value.code().name.lower()}: {error.value.data()}") from None
        likely = struct.unpack(f"<{len(LANGUAGES)}f", output.data())
        return [Guess(name, p) for p, name in sorted(zip(likely, LANGUAGES), reverse=True)]  # noqa: B905
