"""The index: names, settings, collisions, listeners, and a consistent view for whoever reads."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mcp_wasm.component.types import Function, World
from mcp_wasm.errors import ComponentRefused, UnknownTool
from mcp_wasm.registry.index import Index, ToolSetting
from mcp_wasm.registry.tool import Component, Tool
from mcp_wasm.sandbox.limits import Limits


def component(name: str, *tools: str, digest: str = "0") -> Component:
    made = tuple(
        Tool(tool, tool, "", {"type": "object"}, None, Function("", tool, ()), name, digest) for tool in tools
    )
    return Component(name, digest, Path(f"{name}.wasm"), World((), ()), "", Limits(), tools=made)


def names(index: Index) -> list[str]:
    return [tool.name for tool in index.tools]


def test_tools_and_components_are_sorted_by_name() -> None:
    index = Index()
    index.put(component("b", "b_z", "b_a"))
    index.put(component("a", "a_y"))
    assert [each.name for each in index.components] == ["a", "b"]
    assert names(index) == ["a_y", "b_a", "b_z"]


def test_a_component_of_the_same_name_is_replaced_whole() -> None:
    index = Index()
    index.put(component("a", "a_x", "a_y", digest="1"))
    index.put(component("a", "a_z", digest="2"))
    assert names(index) == ["a_z"]
    assert index.tool("a_z").digest == "2"


def test_a_name_that_is_taken_can_be_left_to_who_has_it() -> None:
    index = Index()
    index.put(component("a", "a_x", digest="1"), replace=False)
    with pytest.raises(ComponentRefused, match=r"the name a is taken by a\.wasm"):
        index.put(component("a", "a_z", digest="2"), replace=False)
    assert names(index) == ["a_x"]


def test_an_unknown_tool_is_answered_with_the_nearest_shown_ones() -> None:
    index = Index({"a_adx": ToolSetting(hidden=True)})
    index.put(component("a", "a_add", "a_adx", "a_zzz"))
    with pytest.raises(UnknownTool) as caught:
        index.tool("a_ad")
    assert caught.value.nearest[0] == "a_add"
    assert "a_adx" not in caught.value.nearest
    with pytest.raises(UnknownTool):
        index.target("nothing like it")


def test_settings_rename_title_and_hide() -> None:
    index = Index({"a_x": ToolSetting(name="other", title="Other"), "a_y": ToolSetting(hidden=True)})
    index.put(component("a", "a_x", "a_y"))
    assert names(index) == ["other"]
    assert index.tool("other").title == "Other"
    assert index.tool("a_y").hidden
    with pytest.raises(UnknownTool):
        index.tool("a_x")


def test_of_two_tools_of_one_name_neither_keeps_it_and_their_names_last() -> None:
    def made(order: int) -> list[str]:
        index = Index()
        both = [component("a", "a_b_c"), component("a_b", "a_b_c")]
        for each in both[::order]:
            index.put(each)
        return names(index)

    first, second = made(1)
    assert first.startswith("a_b_c_")
    assert second.startswith("a_b_c_")
    assert made(-1) == [first, second]


def test_a_name_that_a_person_gave_stays_and_other_tools_of_it_step_aside() -> None:
    index = Index({"b_x": ToolSetting(name="a_y"), "c_z": ToolSetting(name="a_y")})
    for each in (component("a", "a_y"), component("b", "b_x"), component("c", "c_z")):
        index.put(each)
    assert index.tool("a_y").component == "b"
    assert len(names(index)) == 3


def test_a_name_that_a_person_gave_goes_to_no_other_tool_that_is_called_as_the_one_they_meant() -> None:
    index = Index({"a_b_x": ToolSetting(name="mine")})
    index.put(component("a_b", "a_b_x"))
    assert index.tool("mine").component == "a_b"
    index.put(component("a", "a_b_x"))  # with a function named b-x, and before the other by name
    assert "mine" not in names(index)
    assert len(names(index)) == 2
    index.remove("a")
    assert index.tool("mine").component == "a_b"


def test_no_name_can_be_made_to_meet_a_hashed_one() -> None:
    index = Index()
    index.put(component("a", "a_b_c"))
    index.put(component("a_b", "a_b_c"))
    taken = next(tool.name for tool in index.tools if tool.component == "a_b")
    index.put(component("evil", taken))
    assert len(names(index)) == 3
    assert taken not in names(index)


def test_removing_tells_what_went_and_nothing_where_there_was_nothing() -> None:
    index = Index()
    put = component("a", "a_x")
    index.put(put)
    assert index.remove("a") == put
    assert index.remove("a") is None
    assert index.tools == ()


def test_listeners_hear_of_changes_and_of_nothing_else() -> None:
    index, heard = Index(), []
    end = index.subscribe(lambda: heard.append(names(index)))
    index.put(component("a", "a_x"))
    index.put(component("a", "a_x"))  # the same again
    index.put(component("a", "a_y"))
    index.remove("nothing")
    index.remove("a")
    assert heard == [["a_x"], ["a_y"], []]
    end()
    end()
    index.put(component("a", "a_x"))
    assert len(heard) == 3


def test_a_listener_that_fails_or_ends_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    index, heard = Index(), []

    def fail() -> None:
        raise ValueError("a bad listener")

    index.subscribe(fail)
    end = index.subscribe(lambda: end())  # noqa: PLW0108 - it is not bound yet
    index.subscribe(lambda: heard.append(1))
    index.put(component("a", "a_x"))
    index.put(component("a", "a_y"))
    assert heard == [1, 1]
    assert "a bad listener" in caplog.text


def test_a_reader_never_sees_a_tool_without_its_component() -> None:
    index, wrong, ready = Index(), [], threading.Event()
    index.put(component("a", "a_x", digest="0"))

    def read() -> None:
        while not ready.is_set():
            tool, found = index.target("a_x")
            if tool.digest != found.digest:
                wrong.append((tool, found))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2000):
        index.put(component("a", "a_x", digest=str(number)))
    ready.set()
    reader.join()
    assert not wrong
