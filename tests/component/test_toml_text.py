"""TOML from others is read as the standard parser reads it, or refused before it costs anything."""

from __future__ import annotations

import contextlib
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.component.toml_text import MOST_PARTS, loads

LONG = ".".join(["a"] * 130_000)
"""Parsed as a key, it takes tens of gigabytes: never give it to ``tomllib``."""

BOMBS = [
    f"{LONG} = 1",
    f"  {LONG.replace('.', ' . ')} = 1",
    f"[{LONG}]",
    f"[[{LONG}]]",
    f"x = {{{LONG} = 1}}",
    f"x = [\n  {{{LONG} = 1}}]",
    LONG.replace("a", '"a"') + " = 1",
    LONG.replace("a", "' = '") + " = 1",
    LONG.replace("a", '"\\"#"') + " = 1",
    f'x = "#"\n{LONG} = 1',
    f"x = '#'\n{LONG} = 1",
    f"# '''\n{LONG} = 1",
    f'x = """\n"""\n{LONG} = 1',
    f'x = """""""\n{LONG} = 1',
    f"x = '''a'''''\n{LONG} = 1",
    f"x = ['''\n''', {{{LONG} = 1}}, '''\n''']",
    f'x = ["""\n\'""", {{{LONG} = 1}}, "\'"]',
    f'x = "\\\\"\n{LONG} = "',
    f'x = """\\\\"""\n{LONG} = """',
    f"é = 1\n{LONG} = 1",
    f"x = 1\r\n{LONG} = 1\r\n",
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_a_key_of_very_many_parts_is_refused_without_parsing_it(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(_text: str) -> None:
        pytest.fail("the text reached the parser")

    monkeypatch.setattr(tomllib, "loads", parsed)
    with pytest.raises(ValueError, match="more than 32 parts"):
        loads(text)


def test_the_border_is_exact() -> None:
    most, more = (".".join(["a"] * number) for number in (MOST_PARTS, MOST_PARTS + 1))
    for form in ("{} = 1", "[{}]", "x = {{{} = 1}}"):
        assert loads(form.format(most))
        with pytest.raises(ValueError, match="parts"):
            loads(form.format(more))


NO_KEYS = [
    f'x = "{LONG[:2000]}"',
    f"x = '{LONG[:2000]}'",
    f'x = """\n{LONG[:2000]}\n"""',
    f"x = '''\n{LONG[:2000]}\n'''",
    f"# {LONG[:2000]}\nx = 1",
    'x = ["' + '", "'.join(f"h{number}.example.com" for number in range(100)) + '"]',
    "x = [" + ", ".join(["1.5"] * 100) + "]",
]


@pytest.mark.parametrize("text", NO_KEYS, ids=range(len(NO_KEYS)))
def test_dots_that_are_in_no_key_do_no_harm(text: str) -> None:
    assert loads(text) == tomllib.loads(text)


@pytest.mark.parametrize("text", ["x = ", "x = " + "[" * 5000, "x = " + "9" * 5000, 'x = "', "x = '''", "."])
def test_whatever_is_wrong_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loads(text)


PIECES = st.sampled_from(
    [
        "a",
        ".",
        "a." * 12,
        '"',
        "'",
        '"""',
        "'''",
        "\\",
        "#",
        "\n",
        " ",
        "=",
        "{",
        "}",
        "[",
        "]",
        ",",
        "1",
        '"b"',
        "'c'",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_text_is_read_with_a_longer_key_than_allowed(text: str) -> None:
    """Where the scan lets a text pass, no key that the parser made is too long."""
    with contextlib.suppress(ValueError):
        assert _depth(loads(text)) <= MOST_PARTS + text.count("{") * MOST_PARTS + text.count("[") * MOST_PARTS


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return max((1 + _depth(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return max(map(_depth, value), default=0)
    return 0


@given(st.lists(PIECES, max_size=40).map("".join))
def test_a_text_of_short_keys_is_read_as_the_parser_reads_it(text: str) -> None:
    try:
        plain: object = tomllib.loads(text)
    except ValueError:
        return
    try:
        assert loads(text) == plain
    except ValueError as error:
        if "parts" not in str(error):
            raise
