"""Names of components and tools."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.component.names import (
    LONGEST_COMPONENT,
    NAME,
    component_name,
    is_command,
    is_internal,
    nearest,
    tool_names,
)
from mcp_wasm.component.types import Function, Param, Primitive


def f(path: str, *params: str) -> Function:
    interface, _, name = path.rpartition("#")
    return Function(interface, name, tuple(Param(p, Primitive("string")) for p in params))


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("tiny", "tiny"),
        ("My-Tool.v2", "my_tool_v2"),
        ("HTTPServer", "http_server"),
        ("parseURLs2JSON", "parse_ur_ls2_json"),
        ("sha256", "sha256"),
        ("7zip", "c7zip"),
        ("__init__", "init"),
        ("größe", "grosse"),
        ("Ångström", "angstrom"),
        ("a  b\n", "a_b"),
    ],
)
def test_a_component_is_called_by_its_stem(stem: str, name: str) -> None:
    assert component_name(stem) == name


def test_stems_without_letters_in_ascii_stay_apart() -> None:
    stems = ["计算", "計算", "😀", "", "-", "x計", "x算", "a" * 60, "a" * 61]
    named = [component_name(stem) for stem in stems]
    assert len(set(named)) == len(stems)
    assert all(NAME.fullmatch(name) for name in named)


@given(st.text(st.characters()))
def test_every_stem_gives_a_name_that_names_itself(stem: str) -> None:
    name = component_name(stem)
    assert NAME.fullmatch(name)
    assert len(name) <= LONGEST_COMPONENT
    assert component_name(name) == name


NAMED: list[tuple[Sequence[str], list[str]]] = [
    (["add"], ["c_add"]),
    (["demo:t/ops@1.0.0#word-count"], ["c_word_count"]),
    (["HTTP-get"], ["c_http_get"]),
    (["%list"], ["c_list"]),
    (["wasi:cli/run@0.2.3#run"], ["c_run"]),
    (["i#[method]counter.increment", "i#[constructor]counter"], ["c_counter_increment", "c_new_counter"]),
    # Alike: the interface joins in; what has no interface keeps the short name.
    (["add", "demo:t/ops@1.0.0#add"], ["c_add", "c_ops_add"]),
    (["demo:t/a#add", "demo:t/b#add"], ["c_a_add", "c_b_add"]),
    # Still alike: two versions of one interface.
    (["demo:t/ops@1.0.0#add", "demo:t/ops@2.0.0#add"], ["c_ops_add_0ae40a", "c_ops_add_854082"]),
]


@pytest.mark.parametrize(("paths", "expected"), NAMED)
def test_a_tool_is_named_by_component_and_function(paths: Sequence[str], expected: list[str]) -> None:
    assert list(tool_names("c", map(f, paths)).values()) == expected


def test_long_names_are_cut_and_stay_apart() -> None:
    named = tool_names("component", [f(f"{'very-' * 12}long-{i}") for i in range(50)])
    assert len(set(named.values())) == 50
    assert all(NAME.fullmatch(name) and len(name) == 48 for name in named.values())


def test_a_name_made_to_collide_with_a_hashed_one_takes_no_tool_over() -> None:
    paths = ["demo:t/ops@1.0.0#add", "demo:t/ops@2.0.0#add", "ops-add"]
    taken = tool_names("c", [f(p) for p in paths])["demo:t/ops@1.0.0#add"]
    paths.append(taken.removeprefix("c_").replace("_", "-"))
    named = tool_names("c", [f(p) for p in paths])
    assert len(set(named.values())) == 4
    assert all(NAME.fullmatch(name) for name in named.values())


# Few names and many interfaces, so that most of them collide.
_INTERFACES = ["", "a:t/ops@1.0.0", "a:t/ops@2.0.0", "b:t/ops", "b:t/more", "ops", "inline"]
_FUNCTIONS = st.builds(
    Function,
    st.sampled_from(_INTERFACES),
    st.sampled_from(["add", "ops-add", "ops-ops-add", "ADD", "more-add", "a" * 60]),
    st.just(()),
)


@given(st.lists(_FUNCTIONS, max_size=12, unique_by=lambda one: one.path), st.randoms())
def test_names_are_all_different_and_do_not_depend_on_the_order(
    some: list[Function], shuffle: random.Random
) -> None:
    named = tool_names("some_component", some)
    assert named.keys() == {one.path for one in some}
    assert len(set(named.values())) == len(some)
    assert all(NAME.fullmatch(name) for name in named.values())
    shuffle.shuffle(some)
    assert tool_names("some_component", some) == named


def test_toolchain_internals_are_told_from_functions_of_the_same_name() -> None:
    assert is_internal(f("exports#init", "app-name", "symbols", "stub-wasi"))
    assert is_internal(f("init", "shim", "script", "entry-path", "disable-gc"))
    assert is_internal(f("cabi_realloc"))
    assert is_internal(f("_initialize"))
    assert not is_internal(f("init"))
    assert not is_internal(f("demo:t/exports#init"))
    assert not is_internal(f("exports#init", "name"))


def test_a_command_is_recognised_in_every_version() -> None:
    assert is_command(f("wasi:cli/run@0.2.9#run"))
    assert is_command(f("wasi:cli/run#run"))
    assert not is_command(f("run"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("text.word-count", ("text_word_count",)),
        ("text_wordcount", ("text_word_count",)),
        ("textWordCount", ("text_word_count",)),
        ("tiny_ad", ("tiny_add",)),
        ("nothing like it", ()),
        ("", ()),
    ],
)
def test_the_nearest_names_are_found(name: str, found: tuple[str, ...]) -> None:
    assert nearest(name, ["tiny_add", "text_word_count", "csv_profile"]) == found


def test_a_hostile_name_is_not_compared_at_length() -> None:
    # Whole, these comparisons would take minutes.
    assert len(nearest("a_" * 1_000_000, [f"{'a_' * 60}{i}" for i in range(200)])) == 3
