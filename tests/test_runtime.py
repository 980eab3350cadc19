"""The runtime as the object that every front door opens on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from mcp_wasm.errors import CallerError, InvalidArguments, UnknownTool
from mcp_wasm.registry.index import ToolSetting
from mcp_wasm.runtime import Runtime, default_home
from mcp_wasm.sandbox.limits import Limits

Program = Callable[[str], Path]
ADD = {"a": 40, "b": 2}


@pytest.fixture
def runtime(home: Path, program: Program) -> Iterator[Runtime]:
    with Runtime(home=home) as made:
        made.add(program("tiny"))
        yield made


def test_the_home_is_in_the_users_own_folder() -> None:
    assert default_home().parent == Path.home()


def test_an_unknown_component_or_tool_is_answered_with_the_nearest(runtime: Runtime) -> None:
    with pytest.raises(CallerError, match="Did you mean tiny"):
        runtime.component("tny")
    with pytest.raises(CallerError, match="no component named"):
        runtime.remove("nothing of the kind")
    with pytest.raises(UnknownTool, match="Did you mean tiny_add"):
        runtime.call_sync("tiny_ad", ADD)


def test_listeners_hear_of_adding_replacing_and_removing(runtime: Runtime, program: Program) -> None:
    heard: list[int] = []
    end = runtime.subscribe(lambda: heard.append(len(runtime.tools)))
    runtime.add(program("tiny"), name="again")
    runtime.add(program("tiny"), name="again")
    runtime.remove("again")
    end()
    runtime.remove("tiny")
    assert heard == [10, 5]


@pytest.mark.parametrize("made", [dict, OrderedDict, MappingProxyType])
def test_arguments_may_be_any_mapping(
    runtime: Runtime, made: Callable[[dict[str, int]], Mapping[str, Any]]
) -> None:
    assert runtime.call_sync("tiny_add", made(ADD)).value == 42


@pytest.mark.parametrize("given", [None, [], "text", 7, [("a", 1)]])
def test_arguments_that_are_no_mapping_are_refused(runtime: Runtime, given: Any) -> None:
    with pytest.raises(InvalidArguments):
        runtime.call_sync("tiny_add", given)


def test_arguments_that_hold_themselves_are_refused(home: Path, program: Program) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with Runtime(home=home, limits=Limits(arguments=10_000)) as runtime:
        runtime.add(program("hostile"))
        with pytest.raises(InvalidArguments):
            runtime.call_sync("hostile_count_numbers", {"of": endless})


def test_all_mismatches_are_named_at_once(runtime: Runtime) -> None:
    with pytest.raises(InvalidArguments) as caught:
        runtime.call_sync("tiny_add", {"a": "x", "b": 2**31, "c": 1})
    assert {mismatch.pointer for mismatch in caught.value.mismatches} == {"/a", "/b", "/c"}


def test_one_binary_under_two_names_is_compiled_once_and_outlives_one_of_them(
    runtime: Runtime, program: Program
) -> None:
    runtime.call_sync("tiny_add", ADD)
    other = runtime.add(program("tiny"), name="other")
    assert other.digest == runtime.component("tiny").digest
    runtime.remove("tiny")
    assert runtime.call_sync("other_add", ADD).value == 42
    assert len(list((runtime.home / "cache").glob("component-*"))) == 1


def test_preparing_compiles_before_the_first_call(runtime: Runtime) -> None:
    assert not list((runtime.home / "cache").glob("component-*"))
    runtime.prepare("tiny_add")
    runtime.call_sync("tiny_add", ADD)
    assert list((runtime.home / "cache").glob("component-*"))


def test_settings_of_tools_and_limits_of_components_hold(home: Path, program: Program) -> None:
    with Runtime(
        home=home,
        tools={"tiny_add": ToolSetting(name="plus"), "tiny_spin": ToolSetting(hidden=True)},
        component_limits={"tiny": Limits(fuel=77)},
    ) as runtime:
        component = runtime.add(program("tiny"))
        assert component.limits.fuel == 77
        assert [tool.name for tool in runtime.tools] == ["plus", "tiny_crash", "tiny_deep", "tiny_divide"]
        assert runtime.call_sync("plus", ADD).value == 42


def test_the_cache_can_be_measured_and_pruned(runtime: Runtime) -> None:
    runtime.call_sync("tiny_add", ADD)
    assert runtime.cache.usage().size > 1000
    runtime.cache.prune(0)
    assert runtime.cache.usage().size == 0
    assert runtime.call_sync("tiny_add", ADD).value == 42


def test_closing_twice_and_from_many_threads_leaves_no_thread(home: Path, program: Program) -> None:
    before = threading.active_count()
    runtime = Runtime(home=home)
    runtime.add(program("tiny"))
    runtime.call_sync("tiny_add", ADD)
    threads = [threading.Thread(target=runtime.close) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runtime.close()
    assert threading.active_count() == before
