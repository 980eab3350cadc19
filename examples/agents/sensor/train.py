"""Makes the model: softmax regression on readings whose class is known, written as ONNX.

Gradient descent on three clouds of points around the middles of the classes. Only the standard
library is used and the file is the same every time.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "language"))
import onnx_file as onnx

CLASSES = ("normal", "worn", "failing")
MIDDLES = ((45.0, 2.0, 10.0), (63.0, 5.0, 12.0), (81.0, 8.0, 14.0))
SPREAD = (4.0, 0.8, 1.0)
_SCALE = (0.02, 0.2, 0.1)
"""What makes the three numbers of a reading about equally large."""
_POINTS, _ROUNDS, _RATE = 60, 300, 0.5

Matrix = list[list[float]]


def points() -> list[tuple[list[float], int]]:
    """Scaled readings with their classes."""
    chance = random.Random(1)  # noqa: S311 - the same points every time
    return [
        ([scale * chance.gauss(at, by) for at, by, scale in zip(middle, SPREAD, _SCALE, strict=True)], index)
        for index, middle in enumerate(MIDDLES)
        for _ in range(_POINTS)
    ]


def weights() -> tuple[Matrix, list[float]]:
    """For each number of a reading a weight for each class, and for each class what is added."""
    given = points()
    matrix, bias = [[0.0] * 3 for _ in range(3)], [0.0] * 3
    for _ in range(_ROUNDS):
        for inputs, right in given:
            likely = softmax([_score(inputs, matrix, bias, each) for each in range(3)])
            for each in range(3):
                step = _RATE * ((each == right) - likely[each]) / 10
                bias[each] += step
                for row, value in zip(matrix, inputs, strict=True):
                    row[each] += step * value
    return [[scale * weight for weight in row] for row, scale in zip(matrix, _SCALE, strict=True)], bias


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores as probabilities."""
    most = max(scores)
    powers = [math.exp(score - most) for score in scores]
    return [power / sum(powers) for power in powers]


def model() -> bytes:
    """The ONNX file: ``reading`` (°C, mm/s, A; any number of them × 3) to ``likely`` (× 3 classes)."""
    matrix, bias = weights()
    return onnx.model(
        onnx.graph(
            [
                onnx.node("MatMul", ["reading", "weights"], ["product"]),
                onnx.node("Add", ["product", "bias"], ["scores"]),
                onnx.node("Softmax", ["scores"], ["likely"], [onnx.whole("axis", 1)]),
            ],
            [onnx.value("reading", onnx.FLOAT, ["readings", 3])],
            [onnx.value("likely", onnx.FLOAT, ["readings", 3])],
            [
                onnx.floats("weights", [3, 3], [weight for row in matrix for weight in row]),
                onnx.floats("bias", [3], bias),
            ],
        )
    )


def _score(inputs: Sequence[float], matrix: Matrix, bias: Sequence[float], each: int) -> float:
    return bias[each] + sum(value * row[each] for value, row in zip(inputs, matrix, strict=True))
