"""A tool that runs a machine learning model of the host: which language is a text in?

    pip install 'mcp-wasm[nn,build]'
    python examples/03_language.py

Makes a small model (``language/train.py``) and a component that uses it through
``wasi:nn`` (``language/guest``, built by componentize-py), and calls the
component twice: as it is, which is denied, and with the model granted. The
model is a file in a folder of the host; nothing of it is in the component.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from mcp_wasm import Runtime
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.capability.grant import Nn

HERE = Path(__file__).parent / "language"
WIT = Path(__file__).parent.parent / "wit" / "wasi-nn-0.2.0-rc-2024-10-28" / "nn.wit"

sys.path.append(str(HERE))
import train  # noqa: E402 - it stands in the folder of the example

SENTENCES = (
    "It was already late when the two of them came home.",
    "Es war schon spät, als die beiden nach Hause kamen.",
    "Il était déjà tard quand ils sont rentrés tous les deux.",
    "Ya era tarde cuando los dos volvieron a casa.",
    "Det var redan sent när de två kom hem.",
)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, help="where everything is put (default: a temporary folder)")
    folder = parser.parse_args().folder
    if folder is not None:
        show(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        show(Path(temporary))


def show(folder: Path) -> None:
    """Make the model and the component in ``folder``, and call it."""
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / "language.onnx").write_bytes(train.model())
    print(f"made the model: {(models / 'language.onnx').stat().st_size:,} bytes")
    component = folder / "language.wasm"
    component.write_bytes(build())
    print(f"built the component: {component.stat().st_size:,} bytes")
    with Runtime(home=folder / "home") as runtime:
        runtime.add(component)
        outcome = runtime.call_sync("language_detect", {"text": SENTENCES[0]})
        print(f"without a grant it says: {outcome.text}")
        for denial in outcome.report.denials:
            print(f"  {denial}")
        # What a person would write into the policy; here it is given with each call.
        grant = Nn(models=("language",), folder=models)
        for text in SENTENCES:
            outcome = runtime.call_sync("language_detect", {"text": text}, approved=[grant])
            print(f"{best(outcome.value):>30}  {text}  ({outcome.report.run_ms:.1f} ms)")


def build() -> bytes:
    """The component; the WIT of ``wasi:nn`` goes into the file of the world as a nested package."""
    world = (HERE / "guest" / "world.wit").read_text(encoding="utf-8")
    head, _, rest = WIT.read_text(encoding="utf-8").partition("package wasi:nn@0.2.0-rc-2024-10-28;")
    nested = f"{head}package wasi:nn@0.2.0-rc-2024-10-28 {{{rest}}}\n"
    source = Source("language", HERE / "guest", "app.py", world + nested, "language")
    return compile_component(
        "python", source, trusted=True, progress=lambda step: print(f"{step} …", flush=True)
    )


def best(guesses: object) -> str:
    """The likeliest guess in words."""
    assert isinstance(guesses, list)
    return f"{guesses[0]['language']} ({guesses[0]['probability']:.2f})"


if __name__ == "__main__":
    main()
