from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.tools.conftest import Call


@pytest.fixture(scope="module")
def stats(tool: Callable[[str], Call]) -> Call:
    return tool("text_stats")


def counts(stats: Call, text: str) -> dict[str, Any]:
    outcome = stats("count", text=text)
    assert not outcome.failed
    assert isinstance(outcome.value, dict)
    return outcome.value


@pytest.mark.parametrize(
    ("text", "graphemes"),
    [
        ("e\u0301\u0308", 1),
        ("\r\n", 1),
        ("\n\r", 2),
        ("\u0301a", 2),
        ("\u1100\u1161\u11a8\uac00\u11a8", 2),
        ("\U0001f1e6\U0001f1e7\U0001f1e8", 2),
        ("a\U0001f1e6\U0001f1e7\U0001f1e8\U0001f1e9", 3),
        ("\U0001f469\u200d\U0001f469\u200d\U0001f467", 1),
        ("\U0001f469\U0001f3fd\u200d\U0001f680", 1),
        ("a\u200d\U0001f680", 2),
        ("\u0600a", 1),
        ("\u0915\u094d\u0937", 1),
        ("\u0915\u0937", 2),
        ("\u094d\u0937", 2),
        ("1\ufe0f\u20e3", 1),
        ("\u2764\ufe0f", 1),
    ],
)
def test_graphemes_are_what_unicode_says(stats: Call, text: str, graphemes: int) -> None:
    assert counts(stats, text)["graphemes"] == graphemes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("can't won’t", 2),
        ("3.14 1,000,000 2'000", 3),
        ("a.b c. d", 3),
        ("snake_case _ __x__", 2),
        ("a-b/c", 3),
        ("ab12cd", 1),
        ("e\u0301te\u0301 \u00ad", 1),
        ("a\u00adb", 1),
        ("ac\u0308:G", 1),
        ('\u05d0"\u05d1 \u05d0\' \u05d0"', 3),
        ("カタカナ ひら 漢字", 5),
        ("한국어 단어", 2),
        ("สวัสดีครับ โลก", 2),
        ("!? … —", 0),
        ("\U0001f600", 0),
        ("наук'а ελληνικά עברית", 3),
    ],
)
def test_words_are_segments_with_a_letter_or_a_digit(stats: Call, text: str, words: int) -> None:
    assert counts(stats, text)["words"] == words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", 0),
        ("...", 0),
        ("One", 1),
        ("One. Two", 2),
        ("Mr. and Mrs. Smith, e.g. J. R. Smith, came at 3.30 p.m. yesterday.", 1),
        ("Really?! Yes... no. “Quoted.” (In brackets.) End", 5),
        ("See example.com now", 1),
        ("1. First item", 1),
        ("Heading\n\nText. More\r\n\r\nEnd", 4),
        ("A line\nthat goes on.", 1),
        ("你好。今天！好吗？「好。」", 4),
        ("क्या? हाँ। ठीक", 3),
        ("U.S. law", 1),
        ("Wait… What?", 2),
    ],
)
def test_sentences_end_where_readers_end_them(stats: Call, text: str, sentences: int) -> None:
    assert counts(stats, text)["sentences"] == sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0, 0, 0)),
        ("a", (1, 0, 1, 1)),
        ("a\n", (1, 0, 1, 1)),
        ("\n", (1, 1, 0, 0)),
        ("a\r\nbc\rd\n\n", (4, 1, 1, 2)),
        ("a\n \u3000\t\nb\n\n\nc", (6, 3, 3, 3)),
        ("e\u0301\U0001f469\u200d\U0001f467\n", (1, 0, 1, 2)),
        ("\r\r\n\n", (3, 3, 0, 0)),
    ],
)
def test_lines_and_paragraphs(stats: Call, text: str, expected: tuple[int, int, int, int]) -> None:
    found = counts(stats, text)
    assert tuple(found[key] for key in ("lines", "blank-lines", "paragraphs", "longest-line")) == expected


@given(st.text(max_size=200))
@example("\ud7ff\ue000\U0010ffff\0")
def test_any_text_is_counted_as_python_counts_it(stats: Call, text: str) -> None:
    found = counts(stats, text)
    assert (found["bytes"], found["code-points"]) == (len(text.encode()), len(text))
    assert found["graphemes-without-space"] <= found["graphemes"] <= len(text)
    assert found["different-words"] <= found["words"] <= len(text)
    tokens = found["tokens"]
    assert tokens["at-least"] <= tokens["tokens"] <= tokens["at-most"]
    assert stats("tokens", text=text).value == tokens


PROSE = (
    "The quick brown fox jumps over the lazy dog. It was the best of times, it was the worst of times, and "
    "nobody in the village knew what to make of the stranger who had arrived on Tuesday.\n"
)
CODE = "def area(width: int, height: int) -> int:\n    # It does not overflow.\n    return width * height\n"


@pytest.mark.parametrize(("text", "o200k"), [(PROSE, 42), (CODE, 26)])
def test_the_estimate_of_tokens_is_near_what_a_tokenizer_counts(stats: Call, text: str, o200k: int) -> None:
    tokens: Any = stats("tokens", text=text).value
    assert tokens["at-least"] <= o200k <= tokens["at-most"]


def words(stats: Call, text: str, **options: object) -> list[tuple[str, int]]:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    found: Any = stats("top-words", text=text, options=given).value
    return [(entry["word"], entry["count"]) for entry in found]


def test_words_are_counted_without_regard_to_case(stats: Call) -> None:
    text = "Äpfel äpfel ЖУК жук ΩΜΕΓΑ ωμεγα Čas čas DON’T don't Łód łód Žal žal ÿ"
    found = words(stats, text)
    assert found[:7] == [(word, 2) for word in ("äpfel", "жук", "ωμεγα", "čas", "don't", "łód", "žal")]
    assert found[7:] == [("ÿ", 1)]


CAPITALS = [
    chr(code)
    for code in (*range(0x41, 0x180), *range(0x391, 0x3AC), *range(0x400, 0x530), *range(0x531, 0x557))
    if chr(code).isupper() and chr(code) not in "\u0130\u0178" and not 0x4C0 <= code < 0x4D0
]


def test_small_letters_are_those_of_python(stats: Call) -> None:
    text = " ".join(f"{capital}x" for capital in CAPITALS)
    found = [word for word, _ in words(stats, text, limit=1000)]
    assert found == [f"{capital.lower()}x" for capital in CAPITALS]


def test_words_may_be_passed_over(stats: Call) -> None:
    text = "The fox and the 2 foxes of 1999 are it's foxes"
    assert words(stats, text, skip_common=True) == [("foxes", 2), ("fox", 1), ("2", 1), ("1999", 1)]
    assert words(stats, text, skip_numbers=True, shortest=4) == [("foxes", 2), ("it's", 1)]
    assert words(stats, text, limit=1) == [("the", 2)]
    assert words(stats, "") == []


@pytest.mark.parametrize("limit", [0, 1001, 2**32 - 1])
def test_a_limit_out_of_range_is_refused(stats: Call, limit: int) -> None:
    outcome = stats("top-words", text="a", options={"limit": limit})
    assert (outcome.failed, outcome.value) == (True, "limit must be from 1 to 1000")


HUGE = {
    "words": "ab c " * 40_000,
    "word": "a" * 200_000,
    "joined": "\U0001f469\u200d" * 30_000,
    "marks": "\u0301" * 100_000,
    "ends": "." * 200_000,
    "lines": "\r" * 200_000,
    "quotes": "a' " * 60_000,
    "bridges": "a." * 100_000,
    "abbreviations": "Mr. " * 50_000,
    "one sentence": "Mr." * 50_000 + " x",
    "different": " ".join(f"w{n}" for n in range(30_000)),
    "soft": "a\u00ad'\u00ad" * 30_000,
}


@pytest.mark.parametrize("name", HUGE)
def test_cost_grows_with_the_length_alone(stats: Call, name: str) -> None:
    text = HUGE[name]
    outcome = stats("count", text=text)
    assert outcome.report.fuel < 15_000 * len(text)
    assert not stats("top-words", text=text).failed
