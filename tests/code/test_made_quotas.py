"""How many made tools there may be, and how large: each limit from both sides."""

from __future__ import annotations

import pytest

from mcp_wasm.code import made_contract
from mcp_wasm.code.made_contract import DESCRIPTION, MOST, MOST_UNKEPT, SOURCE_BYTES, TESTS, Example, Wanted
from mcp_wasm.code.made_rules import check, name_of
from mcp_wasm.errors import CallerError
from mcp_wasm.runtime import Runtime
from tests.code.made_tools import PYTHON, TYPESCRIPT, numbered, wanted


def padded(size: int) -> str:
    """A source of ``size`` bytes."""
    code = PYTHON + "#"
    return code + "x" * (size - len(code.encode()))


@pytest.mark.parametrize(
    ("allowed", "refused", "reason"),
    [
        ({"source": padded(SOURCE_BYTES)}, {"source": padded(SOURCE_BYTES + 1)}, "262,144 are taken"),
        (
            {"source": "é" * (SOURCE_BYTES // 2)},
            {"source": "é" * (SOURCE_BYTES // 2 + 1)},
            "262,144 are taken",
        ),
        ({"world": "x" * SOURCE_BYTES}, {"world": "x" * (SOURCE_BYTES + 1)}, "The world has 262,145 bytes"),
        ({"description": "x" * DESCRIPTION}, {"description": "x" * (DESCRIPTION + 1)}, "4,000 are taken"),
        (
            {"tests": (Example("", {}, 1),) * TESTS},
            {"tests": (Example("", {}, 1),) * (TESTS + 1)},
            "33 tests; 32 are taken",
        ),
        (
            {"tests": (Example("", {"text": "x" * (made_contract.TESTS_BYTES - 24)}, 1),)},
            {"tests": (Example("", {"text": "x" * made_contract.TESTS_BYTES}, 1),)},
            "of JSON; 262,144 are taken",
        ),
        ({}, {"source": "\ud800"}, "lone surrogates"),
        ({}, {"language": "cobol"}, "no language 'cobol'"),
        ({}, {"tests": (Example("", {"text": object()}, 1),)}, "no JSON value"),
    ],
)
def test_what_is_too_large_is_refused(
    allowed: dict[str, object], refused: dict[str, object], reason: str
) -> None:
    given: dict[str, object] = {"name": "words", "language": "python", "source": PYTHON}
    check(Wanted(**(given | allowed)))  # type: ignore[arg-type]
    with pytest.raises(CallerError, match=reason):
        check(Wanted(**(given | refused)))  # type: ignore[arg-type]


def test_a_source_as_large_as_may_be_becomes_a_tool(made_runtime: Runtime) -> None:
    made = made_runtime.made.create(
        wanted("words", padded(SOURCE_BYTES), language="python"), by="x", client="a"
    )
    assert len(made.source.encode()) == SOURCE_BYTES


def test_one_client_has_only_so_many_tools_that_nobody_kept(made_runtime: Runtime) -> None:
    for number in range(MOST_UNKEPT):
        made_runtime.made.create(wanted(f"tool{number}", numbered(number)), by="x", client="a")
    with pytest.raises(CallerError, match="You have made 16 tools that nobody kept"):
        made_runtime.made.create(wanted("more"), by="x", client="a")
    # A new version of one of them is no further tool, nor is another client's.
    made_runtime.made.create(wanted("tool3"), by="x", client="a")
    made_runtime.made.create(wanted("more"), by="x", client="b")
    made_runtime.made.keep("tool3", by="anna")
    made_runtime.made.create(wanted("another"), by="x", client="a")


def test_there_are_only_so_many_tools_for_all(made_runtime: Runtime) -> None:
    for number in range(MOST):
        client = f"client {number // MOST_UNKEPT}"
        made_runtime.made.create(wanted(f"tool{number}", numbered(number)), by="x", client=client)
    assert len(made_runtime.made.list("a")) == MOST
    with pytest.raises(CallerError, match="64 tools are made already"):
        made_runtime.made.create(wanted("more"), by="x", client="last")
    made_runtime.made.remove("tool0", by="x", client="client 0")
    made_runtime.made.create(wanted("more"), by="x", client="last")


def test_very_many_creations_leave_what_the_quotas_allow(made_runtime: Runtime) -> None:
    refused = 0
    for number in range(400):
        try:
            made_runtime.made.create(wanted(f"tool{number % 40}", TYPESCRIPT), by="x", client="a")
        except CallerError:
            refused += 1
    assert len(made_runtime.made.list("a")) == MOST_UNKEPT
    assert refused == 400 - MOST_UNKEPT * 10
    assert len(made_runtime.made.show("tool3").versions) == 10


def test_all_made_tools_take_only_so_many_bytes(
    made_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made_runtime.made.create(wanted("words"), by="x", client="a")
    used = made_runtime.made._state.store.size(made_runtime.made._state.session())
    assert used > len(first.source)
    monkeypatch.setattr("mcp_wasm.code.made_rules.TOTAL_BYTES", used)
    made_runtime.made.create(wanted("words", numbered(2)), by="x", client="a")
    with pytest.raises(CallerError, match=f"{used:,} are allowed"):
        made_runtime.made.create(wanted("more"), by="x", client="a")
    made_runtime.made.remove("words", by="x", client="a")
    made_runtime.made.create(wanted("more"), by="x", client="a")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("words", "words"),
        ("My Words", "my_words"),
        ("../../etc/passwd", "etc_passwd"),
        ("..", "component_5ec1f7"),
        ("a/../../b", "a_b"),
        ("a\0b", "a_b"),
        (".sessions", "sessions"),
        ("con", "con"),
    ],
)
def test_a_name_is_never_a_path(given: str, name: str) -> None:
    assert name_of(given) == name


@pytest.mark.parametrize("given", ["", "  ", "x" * 201, "code", "Code", "loaded_x", "Loaded-x"])
def test_names_that_are_none_or_reserved_are_refused(given: str) -> None:
    with pytest.raises(CallerError, match=r"name of 1 to 200|is reserved"):
        name_of(given)


@pytest.mark.parametrize("given", ["слова", "词", "wörter", "🙂", "ＦＵＬＬ", "\u202egnp.exe", "a\u0300"])
def test_a_name_beyond_ascii_becomes_one_of_ascii(given: str, made_runtime: Runtime) -> None:
    made = made_runtime.made.create(wanted(given), by="x", client="a")
    assert made.name.isascii()
    assert made.name.replace("_", "").isalnum()
    assert made.name == name_of(given)
