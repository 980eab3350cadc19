"""Guests that take: memory, tables, handles, and sizes that no host should believe."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.attacks.attacked import LINUX, MIB, Attacked, text_of
from tests.attacks.unguarded import unguarded

PAGES = 256 * MIB // 65536
HUGE = 2**64 - 1


def test_memory_is_taken_up_to_the_limit_and_given_back(server: Attacked) -> None:
    server.measure()
    for tool in ("growth_memory_pages", "growth_wide_pages"):
        result = server.call(tool)
        assert 0 < result["structuredContent"]["result"] <= PAGES
        server.check()
    assert server.grown() < 300 * MIB


@pytest.mark.parametrize("tool", ["growth_at_once", "growth_wide_at_once"])
def test_memory_that_no_host_has_is_not_given(server: Attacked, tool: str) -> None:
    assert server.call(tool)["structuredContent"] == {"result": -1}
    server.check()


def test_a_table_grows_up_to_its_limit(server: Attacked) -> None:
    assert 0 < server.call("growth_table_elements")["structuredContent"]["result"] <= 1_000_000
    server.check()


UNGUARDED = [
    ("growth", "memory-pages"),
    ("growth", "wide-pages"),
    ("loops", "spin"),
    ("loops", "in-destructor"),
    ("loops", "in-realloc", "x"),
]


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.skipif(not LINUX, reason="bounded by the limits of Linux")
def test_without_our_limits_they_take_what_the_system_gives(hostile_folder: Path) -> None:
    with ThreadPoolExecutor(len(UNGUARDED)) as pool:
        ends = list(pool.map(lambda case: unguarded(hostile_folder / f"{case[0]}.wat", *case[1:]), UNGUARDED))
    for (program, *export), ended in zip(UNGUARDED, ends, strict=True):
        taken = int(ended.said.rpartition(" ")[2]) if ended.said.startswith("returned") else 0
        beyond = program == "growth" and (ended.out_of_memory or taken > 4 * PAGES)
        assert ended.out_of_time or beyond, (export, ended)


HANDLES = ["timers", "outputs", "inputs", "networks", "subscriptions", "directories"]
"""What base WASI gives as often as it is asked for."""


@pytest.mark.parametrize("kind", HANDLES)
def test_handles_end_at_the_engines_limit_and_none_of_them_stays(server: Attacked, kind: str) -> None:
    server.measure()
    result = server.call(f"hoarder_{kind}", {"n": 10_000_000})
    assert result["isError"]
    assert "handle limit exceeded" in text_of(result)
    assert server.grown() < 150 * MIB
    server.check()


def test_a_guests_own_resources_end_at_the_same_limit(server: Attacked) -> None:
    result = server.call("loops_hoard")
    assert "handle limit exceeded" in text_of(result)
    server.check()


@pytest.mark.parametrize("kind", ["terminals", "tcp_sockets", "udp_sockets", "lookups"])
def test_what_was_not_granted_is_not_even_made(server: Attacked, kind: str) -> None:
    # A socket would be a file of the host's: thousands of them, and nobody could connect any more.
    assert server.call(f"hoarder_{kind}", {"n": 5_000})["structuredContent"] == {"result": 0}
    server.check()


def test_a_poll_of_thousands_and_a_poll_of_one_a_thousand_times(server: Attacked) -> None:
    for tool in ("hoarder_poll_many", "hoarder_poll_same"):
        assert server.call(tool, {"n": 20_000, "ns": 1})["structuredContent"]["result"] > 0
        result = server.call(tool, {"n": 120_000, "ns": 1})
        assert "handle limit exceeded" in text_of(result)
        server.check()


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ("random_bytes", "exceeds limit"),
        ("insecure_bytes", "exceeds limit"),
        ("write_zeroes", "more zeroes than"),
        ("write_zeroes_and_flush", "Buffer too large"),
        ("splice", None),
        ("blocking_splice", None),
        ("read", None),
        ("blocking_skip", None),
    ],
)
@pytest.mark.parametrize("size", [HUGE, 2**32])
def test_a_size_that_no_host_has_is_not_believed(
    server: Attacked, tool: str, says: str | None, size: int
) -> None:
    server.measure()
    result = server.call(f"hoarder_{tool}", {"size": size})
    if says is None:  # standard input is closed, which is the interface's own error
        assert result["structuredContent"] == {"result": 0}
    else:
        assert says in text_of(result)
    assert server.grown() < 64 * MIB
    server.check()


def test_requests_that_are_never_made_hold_little(server: Attacked) -> None:
    server.measure()
    assert server.call("http_paths", {"n": 50, "size": 4_000_000})["structuredContent"] == {"result": 0}
    assert server.call("http_paths", {"n": 1000, "size": 8192})["structuredContent"] == {"result": 1000}
    assert server.grown() < 64 * MIB
    server.check()
