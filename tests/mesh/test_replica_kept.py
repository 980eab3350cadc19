"""A copy that is edited and kept: drafts, bounds, what the store has."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from pycrdt import Map

from mcp_wasm.errors import StateRefused, StateUnavailable
from mcp_wasm.memory import replica
from mcp_wasm.memory.in_memory import InMemory
from mcp_wasm.memory.protocol import Bounds
from mcp_wasm.mesh.replica_kept import Kept

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True, scope="module")
def ended() -> Iterator[None]:
    yield
    replica.close()


async def opened(store: InMemory, most: int = 64 * 1024) -> Kept:
    kept = Kept("notes", store, most)
    await kept.open()
    return kept


async def test_what_was_edited_is_there_after_a_restart_and_goes_on() -> None:
    store = InMemory()
    one = await opened(store)
    for number in range(5):
        async with one.edit() as draft:
            draft.list.append(number)
            draft.text += str(number)
    again = await opened(store)
    assert again.value == one.value == {"map": {}, "list": [0.0, 1.0, 2.0, 3.0, 4.0], "text": "01234"}
    async with again.edit() as draft:
        draft.map["last"] = "two lives"
    await one.merge(again.since(one.version))
    assert one.value == again.value


async def test_an_edit_that_fails_or_is_cancelled_changes_nothing_and_the_next_is_as_if_it_had_not_been() -> (
    None
):
    told: list[bytes] = []
    one, other = await opened(InMemory()), await opened(InMemory())
    one.told = told.append

    async def failing() -> None:
        async with one.edit() as draft:
            draft.map["half"] = 1
            raise KeyError

    with pytest.raises(KeyError):
        await failing()
    begun = asyncio.Event()

    async def slow() -> None:
        async with one.edit() as draft:
            draft.map["slow"] = 1
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(slow())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with one.edit():
        pass
    assert (one.value["map"], told) == ({}, [])
    async with one.edit() as draft:
        draft.map["whole"] = 2
    await other.merge(told[0])
    assert other.value == one.value == {"map": {"whole": 2.0}, "list": [], "text": ""}


async def test_an_edit_that_is_cancelled_while_it_is_taken_is_taken_and_told() -> None:
    told: list[bytes] = []
    one = await opened(InMemory())
    one.told = told.append
    at_its_end = asyncio.Event()

    async def edit() -> None:
        async with one.edit() as draft:
            draft.map["a"] = 1
            at_its_end.set()

    task = asyncio.create_task(edit())
    await at_its_end.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (one.value["map"], len(told)) == ({"a": 1.0}, 1)
    async with one.edit() as draft:
        draft.map["b"] = 2
    assert one.value["map"] == {"a": 1.0, "b": 2.0}


async def test_what_comes_in_while_a_draft_is_open_is_merged_with_it() -> None:
    one, other = await opened(InMemory()), await opened(InMemory())
    async with other.edit() as draft:
        draft.text += "theirs"
    seen: list[str] = []
    one.observers.append(lambda: seen.append(one.value["text"]))
    async with one.edit() as draft:
        draft.text += "mine"
        await one.merge(other.since(one.version))
        assert str(draft.text) == "mine"
    assert sorted((one.value["text"].count("mine"), one.value["text"].count("theirs"))) == [1, 1]
    await asyncio.sleep(0)
    assert len(seen) == 2


async def test_a_copy_keeps_its_bounds_from_both_sides_and_can_always_be_made_smaller() -> None:
    one, other = await opened(InMemory(), 4096), await opened(InMemory(), 8192)
    async with one.edit() as draft:
        draft.text += "x" * 1900
    with pytest.raises(StateRefused, match="at most 2,048 bytes"):
        async with one.edit() as draft:
            draft.text += "x" * 200
    assert one.value["text"] == "x" * 1900
    async with other.edit() as draft:
        draft.text += "y" * 2000
    await one.merge(other.since(one.version))
    async with one.edit() as draft:
        del draft.text[:1000]
    async with other.edit() as draft:
        draft.text += "y" * 2000
    before = one.value
    with pytest.raises(StateRefused, match="at most 4,096 bytes"):
        await one.merge(other.since(one.version))
    assert one.value == before


async def test_an_edit_that_others_would_refuse_is_refused_here() -> None:
    one = await opened(InMemory())
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(StateRefused, match="hostile"):
        async with one.edit() as draft:
            draft.map["deep"] = deep
    async with one.edit() as draft:
        draft.map["flat"] = Map({"a": [1]})
    assert one.value["map"] == {"flat": {"a": [1.0]}}


async def test_what_cannot_be_kept_is_not_taken() -> None:
    one = await opened(InMemory(Bounds(value=600)))
    async with one.edit() as draft:
        draft.text += "x" * 500
    with pytest.raises(StateRefused):
        async with one.edit() as draft:
            draft.text += "x" * 500
    assert len(one.value["text"]) == 500


async def test_a_damaged_copy_in_the_store_is_said_to_be_damaged() -> None:
    store = InMemory()
    store.set("replica.notes", "copy", b"nonsense")
    with pytest.raises(StateUnavailable, match="what is kept of it is damaged"):
        await opened(store)
