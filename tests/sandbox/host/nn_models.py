"""Small models to run, and some that nobody should: byte for byte the same every time."""

from __future__ import annotations

from pathlib import Path

from examples.language import onnx_file as onnx


def linear() -> bytes:
    """A model: two floats a row in ``x`` to ``x`` times ((1, 2), (3, 4)) in ``y``."""
    weights = onnx.floats("w", [2, 2], [1, 2, 3, 4])
    return onnx.model(
        onnx.graph(
            [onnx.node("MatMul", ["x", "w"], ["y"])],
            [onnx.value("x", onnx.FLOAT, ["n", 2])],
            [onnx.value("y", onnx.FLOAT, ["n", 2])],
            [weights],
        )
    )


def bytes_model() -> bytes:
    """A model: bytes of any number in ``x`` to themselves in ``y``."""
    return onnx.model(
        onnx.graph(
            [onnx.node("Identity", ["x"], ["y"])],
            [onnx.value("x", onnx.UINT8, ["n"])],
            [onnx.value("y", onnx.UINT8, ["n"])],
        )
    )


def zeros() -> bytes:
    """A model: a shape of any rank in ``x`` (64-bit integers) to that many zeros (floats) in ``y``."""
    return onnx.model(
        onnx.graph(
            [onnx.node("ConstantOfShape", ["x"], ["y"])],
            [onnx.value("x", onnx.INT64, ["n"])],
            [onnx.value("y", onnx.FLOAT, ["a", "b"])],
        )
    )


def zeros_summed() -> bytes:
    """The same, and only their sum in ``y``: what is large is in between."""
    return onnx.model(
        onnx.graph(
            [
                onnx.node("ConstantOfShape", ["x"], ["zeros"]),
                onnx.node("ReduceSum", ["zeros"], ["y"], [onnx.whole("keepdims", 0)]),
            ],
            [onnx.value("x", onnx.INT64, ["n"])],
            [onnx.value("y", onnx.FLOAT, [])],
        )
    )


def endless() -> bytes:
    """A model that adds one to ``x``, one float, for longer than anybody waits."""
    body = onnx.graph(
        [onnx.node("Identity", ["go"], ["on"]), onnx.node("Add", ["a", "one"], ["b"])],
        [
            onnx.value("i", onnx.INT64, []),
            onnx.value("go", onnx.BOOL, []),
            onnx.value("a", onnx.FLOAT, [1]),
        ],
        [onnx.value("on", onnx.BOOL, []), onnx.value("b", onnx.FLOAT, [1])],
        [onnx.floats("one", [1], [1.0])],
    )
    return onnx.model(
        onnx.graph(
            [onnx.node("Loop", ["times", "go", "x"], ["y"], [onnx.subgraph("body", body)])],
            [onnx.value("x", onnx.FLOAT, [1])],
            [onnx.value("y", onnx.FLOAT, [1])],
            [onnx.integers("times", [], [2**62]), onnx.tensor("go", [], onnx.BOOL, b"\1")],
        )
    )


def outside(location: str) -> bytes:
    """A model whose only constant, four bytes, lies in another file."""
    entries = [("location", location), ("length", "4")]
    pairs = b"".join(onnx.field(13, onnx.field(1, key) + onnx.field(2, value)) for key, value in entries)
    constant = onnx.field(1, 4) + onnx.field(2, onnx.UINT8) + onnx.field(8, "w") + pairs + onnx.field(14, 1)
    return onnx.model(
        onnx.graph([onnx.node("Identity", ["w"], ["y"])], [], [onnx.value("y", onnx.UINT8, [4])], [constant])
    )


def folder(inside: Path) -> Path:
    """A folder ``models`` with all of them but ``outside``, each under its own name."""
    found = inside / "models"
    found.mkdir()
    for make in (linear, bytes_model, zeros, zeros_summed, endless):
        (found / f"{make.__name__}.onnx").write_bytes(make())
    return found
