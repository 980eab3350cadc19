"""The model of the language example: made without a toolchain, the same every time, and of use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.sandbox.nn import library

pytest.importorskip("onnxruntime")
np = pytest.importorskip("numpy")
EXAMPLE = Path(__file__).parents[2] / "examples" / "language"

SENTENCES = {
    "english": (
        "The quick brown fox jumps over the lazy dog.",
        "Where is the nearest station, please?",
        "She sells flowers on the market every Thursday.",
        "He could not remember her name.",
    ),
    "german": (
        "Der schnelle braune Fuchs springt über den faulen Hund.",
        "Wo ist der nächste Bahnhof?",
        "Sie verkauft jeden Donnerstag Blumen auf dem Markt.",
        "Er konnte sich nicht an ihren Namen erinnern.",
    ),
    "french": (
        "Le renard brun saute par-dessus le chien paresseux.",
        "Où est la gare la plus proche ?",
        "Elle vend des fleurs au marché tous les jeudis.",
        "Il ne se souvenait plus de son nom.",
    ),
    "spanish": (
        "El zorro salta sobre el perro perezoso.",
        "¿Dónde está la estación más cercana?",
        "Ella vende flores en el mercado todos los jueves.",
        "No podía recordar su nombre.",
    ),
    "italian": (
        "La volpe salta sopra il cane pigro.",
        "Dov'è la stazione più vicina?",
        "Lei vende fiori al mercato ogni giovedì.",
        "Non riusciva a ricordare il suo nome.",
    ),
    "portuguese": (
        "A raposa salta sobre o cão preguiçoso.",
        "Onde fica a estação mais próxima?",
        "Ela vende flores no mercado todas as quintas-feiras.",
        "Ele não conseguia lembrar-se do nome dela.",
    ),
    "dutch": (
        "De snelle bruine vos springt over de luie hond.",
        "Waar is het dichtstbijzijnde station?",
        "Zij verkoopt elke donderdag bloemen op de markt.",
        "Hij kon zich haar naam niet herinneren.",
    ),
    "swedish": (
        "Den snabba bruna räven hoppar över den lata hunden.",
        "Var ligger närmaste station?",
        "Hon säljer blommor på torget varje torsdag.",
        "Han kunde inte minnas hennes namn.",
    ),
}
"""None of them is in the texts that the model was made from."""


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(EXAMPLE / "guest"))
    before = set(sys.modules)
    yield importlib.import_module("train")
    for name in set(sys.modules) - before:
        if name in {"train", "letters", "onnx_file"}:
            del sys.modules[name]


def test_the_model_tells_single_sentences_apart_that_it_has_not_seen(train: Any) -> None:
    session = library.open_session(train.model(), library.session_options())
    right = 0
    for language, sentences in SENTENCES.items():
        for sentence in sentences:
            counts = np.array([train.counts(sentence)], np.float32)
            (likely,) = session.run(None, {"counts": counts})
            right += train.LANGUAGES[int(likely.argmax())] == language
    assert right >= 28  # of 32


def test_the_model_is_the_same_every_time(train: Any) -> None:
    assert train.model() == train.model()
