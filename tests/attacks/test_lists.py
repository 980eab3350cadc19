"""Results that grow on their way: a byte of the guest's memory, a hundred of the host's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.attacked import MIB, Attacked, text_of

LISTS: list[tuple[str, int, int]] = [
    ("bools", 2_700_000, 100),
    ("variants", 2_700_000, 100),
    ("results", 2_700_000, 100),
    ("strings", 2_700_000, 400),
    ("lists", 2_700_000, 400),
    ("options", 700_000, 100),
    ("records", 700_000, 100),
    ("wide_records", 20_000, 400),
    ("flags", 2_700_000, 400),
    ("enums", 900_000, 400),
]
"""Just below what the engine copies at once (128 MiB of values), where the host pays most for it."""

AMPLIFIED = 1024 * MIB
"""What reading one result may take at its peak."""

LEFT = 160 * MIB
"""What the interpreter keeps in pieces afterwards: it was 85 MiB after any number of these."""


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("kind", "count", "pages"), LISTS)
def test_a_list_that_grows_on_its_way_to_the_host_is_bounded(
    server_apart: Attacked, kind: str, count: int, pages: int
) -> None:
    for _ in range(2):
        server_apart.measure()
        result: dict[str, Any] = server_apart.call(f"lists_{kind}", {"count": count, "pages": pages})
        assert result["isError"] or result["content"]
        assert server_apart.grown() < AMPLIFIED
        server_apart.check(growth=LEFT)


@pytest.mark.parametrize("count", [100_000_000, 2**32 - 1])
def test_a_list_of_more_than_the_engine_copies_is_refused_at_once(server: Attacked, count: int) -> None:
    for kind, _, _ in LISTS:
        assert server.call(f"lists_{kind}", {"count": count, "pages": 3000})["isError"], kind
    server.check()


def test_nobody_waits_for_a_list_to_be_read_whose_call_is_over(server: Attacked) -> None:
    # The guest returns at once; reading its two million lists would take seconds.
    result = server.call("lists_flags", {"count": 2_700_000, "pages": 100}, {"deadline": 0.3})
    assert "deadline limit was reached" in text_of(result)
    server.check()
