"""JSON that a guest hands to a tool of ours: read in the time that its length explains, or refused."""

from __future__ import annotations

import pytest

from mcp_wasm.sandbox.host import tools

MANY = ",".join(f'"{n}":1' for n in range(400_000))

BOMBS = [
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "nests too deep"),
    ('{"a":' + "[" * 1_000_000, "nests too deep"),
    # Looking for the name that comes twice took the square of their number: an hour of a worker.
    ("{" + MANY + ',"399999":1}', 'says "399999" twice'),
    ('{"a":{' + MANY + ',"399998":1}}', 'says "399998" twice'),
    ('{"a":' + "9" * 1_000_000 + "}", "digits"),
    ('{"a":NaN}', "NaN"),
    ('{"a":-Infinity}', "Infinity"),
    ("[" + "1," * 1000 + "1]", "something else"),
    ("\ufeff{}", "BOM"),
    ("", "Expecting value"),
]


@pytest.mark.parametrize(("text", "says"), BOMBS, ids=[says for _, says in BOMBS])
def test_json_that_is_a_bomb_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        tools._read(text)


def test_many_names_are_no_bomb() -> None:
    assert len(tools._read("{" + MANY + "}")) == 400_000
