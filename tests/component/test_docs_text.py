"""Doc comments split into what the function and each parameter is for."""

from __future__ import annotations

import pytest

from mcp_wasm.component.docs_text import LONGEST, cleaned, documented
from mcp_wasm.component.types import Function, Param, Primitive

TEXT = Primitive("string")

SPLIT = [
    ("Joins.", "Joins.", ("", "")),
    ("Joins.\n\n- `text`: what\n- `max-len`: how long\n", "Joins.", ("what", "how long")),
    ("@param text what\n@param max_len - how long\nJoins.", "Joins.", ("what", "how long")),
    ("Joins.\n* text: what\n* max-len – how long", "Joins.", ("what", "how long")),
    ("Joins.\n@param {string} text: what", "Joins.", ("what", "")),
    ("Joins.\n\nParameters:\n\n- `text`: what\n\nReturns it.", "Joins.\n\nReturns it.", ("what", "")),
    ("# Arguments\n- `text`: what\n  and more\n  and more", "", ("what and more and more", "")),
    ("- `text`: what\nplain again", "plain again", ("what", "")),
    ("- `other`: no parameter\n- `text`", "- `other`: no parameter\n- `text`", ("", "")),
    ("- text is long - very", "- text is long - very", ("", "")),
    ("Parameters:\n\nnone of note", "Parameters:\n\nnone of note", ("", "")),
]


@pytest.mark.parametrize(("text", "docs", "described"), SPLIT)
def test_the_lines_of_parameters_are_taken_out(text: str, docs: str, described: tuple[str, str]) -> None:
    function = documented(Function("", "f", (Param("text", TEXT), Param("max-len", TEXT))), text)
    assert function.docs == docs
    assert tuple(param.docs for param in function.params) == described


def test_docs_that_are_there_already_stay() -> None:
    function = Function("", "f", (Param("text", TEXT, "mine"),), None, "Mine.")
    assert repr(documented(function, "Theirs.\n- `text`: theirs")) == repr(function)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  a\r\nb\n", "a\nb"),
        ("a\ud800b", "a?b"),
        ("a\0b\x1b[31m", "a b [31m"),
        (None, ""),
        (["a"], ""),
    ],
)
def test_text_is_made_fit_to_be_shown(text: object, kept: str) -> None:
    assert cleaned(text) == kept


def test_long_docs_are_cut() -> None:
    assert len(cleaned("x" * 10_000_000)) == LONGEST
    assert cleaned("x" * 10_000_000).endswith("…")


def test_hostile_docs_cost_no_more_than_their_length() -> None:
    function = Function("", "f", (Param("text", TEXT),))
    for text in ("- `" * 700, "@param " * 300, "-" + " " * 1999, "@param {" + "}" * 1990, "\n" * 2000):
        documented(function, cleaned(text) or text)
