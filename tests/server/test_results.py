from __future__ import annotations

from dataclasses import dataclass

import pytest

from mcp_wasm.server.results import ResultStore, Stored


@dataclass
class Clock:
    time: float = 0.0

    def __call__(self) -> float:
        return self.time


def store(clock: Clock | None = None, *, bytes_: int = 1000, count: int = 10, page: int = 10) -> ResultStore:
    return ResultStore(max_bytes=bytes_, max_count=count, seconds=60, page_bytes=page, now=clock or Clock())


def put(kept: ResultStore, data: bytes, owner: str = "me", *, text: bool = True) -> Stored:
    stored = kept.put(data, "text/plain", owner, text=text)
    assert stored is not None
    return stored


@pytest.mark.parametrize("text", ["", "abc", "abcdefghij", "é" * 33, "aé" * 20, "𝄞" * 9, "a𝄞é" * 30])
def test_the_pages_of_a_text_are_whole_characters_and_make_the_whole(text: str) -> None:
    kept = store()
    stored = put(kept, text.encode())
    pages = [kept.page(stored.id, "me", number) for number in range(1, kept.pages(stored) + 1)]
    assert all(page is not None for page in pages)
    assert "".join(page.data.decode() for page in pages if page is not None) == text


def test_the_pages_of_bytes_are_of_equal_size() -> None:
    kept = store()
    stored = put(kept, bytes(range(0x80, 0xC0)), text=False)
    first, last = kept.page(stored.id, "me", 1), kept.page(stored.id, "me", 7)
    assert first is not None
    assert last is not None
    assert (len(first.data), len(last.data), first.pages, first.total) == (10, 4, 7, 64)


@pytest.mark.parametrize("number", [0, -1, 3, 10**9])
def test_a_page_that_is_not_there_is_not_found(number: int) -> None:
    kept = store()
    assert kept.page(put(kept, b"x" * 20).id, "me", number) is None


def test_a_result_is_found_only_by_its_owner() -> None:
    kept = store()
    stored = put(kept, b"secret")
    assert kept.page(stored.id, "you", 1) is None
    assert kept.page(stored.id, "", 1) is None
    assert kept.page(stored.id, "me", 1) is not None


def test_an_address_cannot_be_guessed() -> None:
    kept = store()
    addresses = {put(kept, b"x").id for _ in range(100)}
    assert len(addresses) == 100
    assert min(map(len, addresses)) >= 32


def test_a_result_expires() -> None:
    clock = Clock()
    kept = store(clock)
    stored = put(kept, b"x")
    clock.time = 59.9
    assert kept.page(stored.id, "me", 1) is not None
    clock.time = 60.0
    assert kept.page(stored.id, "me", 1) is None


@pytest.mark.parametrize(("bytes_", "count"), [(100, 1000), (10_000, 10)])
def test_what_is_kept_is_bounded_in_bytes_and_number(bytes_: int, count: int) -> None:
    kept = store(bytes_=bytes_, count=count)
    stored = [put(kept, b"x" * 10) for _ in range(50)]
    found = [kept.page(s.id, "me", 1) is not None for s in stored]
    assert found == [False] * 40 + [True] * 10


def test_a_result_larger_than_the_store_is_not_kept() -> None:
    assert store(bytes_=100).put(b"x" * 101, "text/plain", "me", text=True) is None


def test_one_that_floods_the_store_pushes_out_its_own_results_only() -> None:
    kept = store(bytes_=100)
    mine = put(kept, b"x" * 10, "me")
    for _ in range(50):
        put(kept, b"x" * 30, "flood")
    assert kept.page(mine.id, "me", 1) is not None
