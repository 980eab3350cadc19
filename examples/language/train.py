"""Makes the model: counts the letter pairs of some texts, and writes what follows from them as ONNX.

    python examples/language/train.py FOLDER

Multinomial naive Bayes: the score of a language is the sum, over the pairs of a
text, of the logarithm of how often that pair occurs in the language. That is
one matrix product, so the model is ``softmax(counts · weights)``. Only the
standard library is used and the file is the same every time.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent / "guest")]

import onnx_file as onnx
from letters import LANGUAGES, SIZE, counts

TEXTS = Path(__file__).parent / "texts"
_SMOOTHING = 1.0
"""What is added to every count, so that a pair that was never seen is unlikely and not impossible."""


def weights() -> list[float]:
    """For each pair of letters a logarithm for each language."""
    columns = []
    for language in LANGUAGES:
        found = counts((TEXTS / f"{language}.txt").read_text(encoding="utf-8"))
        total = sum(found) + _SMOOTHING * SIZE
        columns.append([math.log((count + _SMOOTHING) / total) for count in found])
    return [column[pair] for pair in range(SIZE) for column in columns]


def model() -> bytes:
    """The ONNX file: ``counts`` (float, any number of texts × ``SIZE``) to ``probabilities``."""
    return onnx.model(
        onnx.graph(
            [
                onnx.node("MatMul", ["counts", "weights"], ["scores"]),
                onnx.node("Softmax", ["scores"], ["probabilities"], [onnx.whole("axis", 1)]),
            ],
            [onnx.value("counts", onnx.FLOAT, ["texts", SIZE])],
            [onnx.value("probabilities", onnx.FLOAT, ["texts", len(LANGUAGES)])],
            [onnx.floats("weights", [SIZE, len(LANGUAGES)], weights())],
        )
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "language.onnx").write_bytes(model())
    print(f"{folder / 'language.onnx'}: {(folder / 'language.onnx').stat().st_size:,} bytes")
