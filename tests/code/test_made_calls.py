"""Made tools that run: tests before they are published, calls while they are replaced, nested calls."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mcp_wasm.capability.grant import Tools
from mcp_wasm.code.contract import Run
from mcp_wasm.code.made_contract import Example
from mcp_wasm.code.made_trial import same
from mcp_wasm.errors import InvalidArguments, TestsFailed, UnknownTool
from mcp_wasm.policy import edit
from mcp_wasm.runtime import Runtime
from tests.code.javascript import Runner
from tests.code.made_tools import TYPESCRIPT, wanted

BOX = """
export interface Box { maxSize: number; label?: string }
/** Opens a box. */
export function openBox(box: Box, deepLevel: bigint): Box[] {
  if (box.maxSize < 0) throw new RangeError("no such box");
  return Array.from({ length: Number(deepLevel) }, () => box);
}
"""


@pytest.fixture
def running(javascript: Runner) -> Iterator[Runtime]:
    """A runtime with its runner ready, and without made tools afterwards."""
    runtime = javascript.runtime
    yield runtime
    runtime.made.end("a")
    for made in runtime.made.list("a"):
        runtime.made.remove(made.name, by="the test")


def test_what_its_tests_show_is_published_and_called(running: Runtime) -> None:
    tests = (
        Example("openBox", {"box": {"max-size": 1.5}, "deepLevel": 1}, [{"maxSize": 1.5}]),
        Example("open-box", {"box": {"max-size": 2}, "deep-level": 2}, [{"max-size": 2, "label": None}] * 2),
        Example("", {"box": {"max-size": 2}, "deep_level": "0"}, []),
    )
    made = running.made.create(wanted("box", BOX, *tests), by="x", client="a")
    outcome = running.call_sync("box_open_box", {"box": {"max-size": 3}, "deep-level": 1})
    assert outcome.value == [{"max-size": 3.0, "label": None}]
    assert outcome.report.digest == made.digest
    thrown = running.call_sync("box_open_box", {"box": {"max-size": -1}, "deep-level": 1})
    assert thrown.failed
    assert "RangeError: no such box" in str(thrown.value)
    assert "code.ts:5" in str(thrown.value)
    with pytest.raises(InvalidArguments, match="/box/max-size"):
        running.call_sync("box_open_box", {"box": {"max-size": "3"}, "deep-level": 1})


def test_each_test_that_fails_is_named_and_nothing_is_published(running: Runtime) -> None:
    tests = (
        Example("wordCount", {"text": "a b"}, 2),
        Example("wordCount", {"text": "a b"}, 3),
        Example("wordCount", {"txt": "a b"}, 2),
        Example("wordCount", {"text": None}, 0),
    )
    with pytest.raises(TestsFailed) as caught:
        running.made.create(wanted("words", TYPESCRIPT, *tests), by="x", client="a")
    first, second, third = caught.value.failed
    assert (first.expected, first.got, first.error) == (3, 2.0, "")
    assert "/txt" in second.error
    assert "/text" in third.error
    assert "3 of its 4 tests failed" in str(caught.value)
    assert 'wordCount({"text": "a b"}): expected 3, got 2' in str(caught.value)
    with pytest.raises(UnknownTool):
        running.tool("words_word_count")
    assert running.made.list("a") == ()


def test_a_replacement_whose_tests_fail_leaves_the_version_before(running: Runtime) -> None:
    before = running.made.create(wanted("words"), by="x", client="a")
    with pytest.raises(TestsFailed):
        running.made.create(
            wanted("words", TYPESCRIPT + "//", Example("", {"text": ""}, 7)), by="x", client="a"
        )
    assert running.made.show("words").digest == before.digest
    assert running.call_sync("words_word_count", {"text": "a b"}).value == 2


def test_a_test_that_never_ends_is_a_test_that_failed(
    running: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_wasm.code.made_host.TEST_S", 0.2)
    source = "export function spin(): number { for (;;) {} }"
    with pytest.raises(TestsFailed, match=r"The deadline limit was reached: 0\.2 s"):
        running.made.create(wanted("spin", source, Example("", {}, 1)), by="x", client="a")


def test_tests_together_have_a_limit_too(running: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_wasm.code.made_trial.TOGETHER_S", -1)
    with pytest.raises(TestsFailed, match="all tests together may take"):
        running.made.create(wanted("words", TYPESCRIPT, Example("", {"text": ""}, 0)), by="x", client="a")


def test_tests_have_no_grants(running: Runtime) -> None:
    source = 'import { words } from "tools";\nexport function f(): number { return words({}); }'
    with pytest.raises(TestsFailed, match=r"No tool was granted|has no export"):
        running.made.create(wanted("asking", source, Example("", {}, 1)), by="x", client="a")


def test_no_call_fails_while_a_tool_is_replaced_and_kept(running: Runtime) -> None:
    source = "export function which(): number {{ return {}; }}"
    running.made.create(wanted("which", source.format(0)), by="x", client="a")
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(running.call_sync, "which_which", {}) for _ in range(40)]
        for number in range(1, 6):
            running.made.create(wanted("which", source.format(number)), by="x", client="a")
        running.made.keep("which", by="anna")
        values = [call.result().value for call in calls]
    assert set(values) <= {0, 1, 2, 3, 4, 5}
    assert running.call_sync("which_which", {}).value == 5


def test_a_tool_that_calls_itself_without_end_costs_one_call(running: Runtime) -> None:
    source = (
        'import * as tools from "tools";\n'
        "export function again(n: number): number { return tools.selfAgain({ n: n + 1 }); }"
    )
    running.made.create(wanted("self", source), by="x", client="a")
    component = running.component("self")
    edit.add(running.home, "self", component.digest, component.wishes, [Tools(("self_*",))])
    try:
        outcome = running.call_sync("self_again", {"n": 0})
    finally:
        edit.revoke(running.home, "self")
    assert outcome.failed
    assert "deep" in str(outcome.value)
    made = running.made.create(wanted("words"), by="x", client="a")
    assert running.call_sync(made.tools[0], {"text": "a b"}).value == 2


@pytest.mark.parametrize(
    ("expected", "got", "alike"),
    [
        (1, 1.0, True),
        (0.3, 0.1 + 0.2, True),
        (0.3, 0.31, False),
        (1, True, False),
        (False, 0, False),
        (None, 0, False),
        (2**60, str(2**60), True),
        (2**60, str(2**60 + 1), False),
        (5, "5", False),
        ("a", "a", True),
        ([1, 2], [1, 2], True),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ({"maxSize": 1}, {"max-size": 1}, True),
        ({"max_size": 1}, {"max-size": 1, "label": None}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({}, [], True),
        ([], {}, False),
    ],
)
def test_values_are_alike_as_who_wrote_a_test_means_it(expected: Any, got: Any, alike: bool) -> None:
    assert same(expected, got) is alike


COUNTS = """
/** Adds up what is counted. */
export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, each) => sum + each, 0);
}
/** Counts the words. */
export function count(words: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const word of words) found[word] = (found[word] ?? 0) + 1;
  return found;
}
"""


def test_a_mapping_is_taken_as_an_object_and_as_pairs_and_from_code_as_what_code_has(
    running: Runtime,
) -> None:
    tests = (
        Example("total", {"counts": {"a": 1, "b": 2}}, 3),
        Example("count", {"words": ["x", "y", "x"]}, {"x": 2, "y": 1}),
        Example("count", {"words": ["x"]}, [["x", 1]]),
    )
    running.made.create(wanted("counts", COUNTS, *tests), by="x", client="a")
    for given in ({"a": 1, "b": 2}, [["a", 1], ["b", 2]]):
        assert running.call_sync("counts_total", {"counts": given}).value == 3
    assert running.call_sync("counts_total", {"counts": {}}).value == 0
    with pytest.raises(InvalidArguments, match="/counts/b: expected a number"):
        running.call_sync("counts_total", {"counts": {"a": 1, "b": "2"}})
    with pytest.raises(InvalidArguments, match=r'an object, or an array of pairs \[\["key", value\], …\]'):
        running.call_sync("counts_total", {"counts": "a"})
    approved = [Tools(("counts_*",))]
    for argument in ("{a: 1, b: 2}", "new Map([['a', 1], ['b', 2]])", "[['a', 1], ['b', 2]]"):
        code = f"import {{countsTotal}} from 'tools'; countsTotal({argument})"
        assert running.run_code_sync(Run("javascript", code), approved=approved).value == 3


def test_an_expected_object_is_not_the_same_as_other_pairs() -> None:
    assert same({"a": 1}, [["a", 1]])
    for got in ([["a", 2]], [["a", 1], ["b", 1]], [["a", 1], ["a", 1]], [], ["a"], [["a", 1, 1]]):
        assert not same({"a": 1}, got), got
