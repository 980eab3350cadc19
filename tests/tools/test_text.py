from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_wasm.errors import FuelExhausted
from mcp_wasm.sandbox.report import Outcome

Tool = Callable[[str], Callable[..., Outcome]]
pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]
calls = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.lists(
    st.sampled_from(["a\n", "b\n", "c\n", "\n", "é \r\n", "@@ -1 +1 @@\n", "--- x\n"]), max_size=14
).flatmap(lambda lines: st.sampled_from(["".join(lines), "".join(lines)[:-1]]))


def found(outcome: Outcome) -> Any:
    assert not outcome.failed, outcome.value
    return outcome.value


@calls
@given(before=texts, after=texts, context=st.integers(0, 4))
def test_a_diff_applied_gives_the_text_after_and_taken_back_the_one_before(
    tool: Tool, before: str, after: str, context: int
) -> None:
    call = tool("text")
    diff = found(call("diff", before=before, after=after, context=context))
    assert (diff["unified"] == "") == (before == after)
    assert found(call("patch", text=before, patch=diff["unified"], reverse=False)) == after
    assert found(call("patch", text=after, patch=diff["unified"], reverse=True)) == before


@settings(calls, max_examples=40)
@given(before=texts, after=texts)
def test_other_programs_read_our_diffs(
    tool: Tool, tmp_path_factory: pytest.TempPathFactory, before: str, after: str
) -> None:
    diff = found(tool("text")("diff", before=before, after=after))["unified"]
    if not diff or not before or not after:
        return
    folder: Path = tmp_path_factory.mktemp("git")
    (folder / "text").write_bytes(before.encode())
    (folder / "diff").write_bytes(diff.encode())
    argv = ["git", "apply", "--whitespace=nowarn", "-p1", "diff"]
    subprocess.run(argv, cwd=folder, check=True, env={"GIT_DIR": "/nowhere", "PATH": "/usr/bin:/bin"})
    assert (folder / "text").read_bytes() == after.encode()


@calls
@given(before=texts, after=texts)
def test_words_in_order_make_up_both_texts(tool: Tool, before: str, after: str) -> None:
    pieces = found(tool("text")("diff-words", before=before, after=after))
    assert "".join(p["val"] for p in pieces if p["tag"] != "added") == before
    assert "".join(p["val"] for p in pieces if p["tag"] != "removed") == after


@calls
@given(base=texts, ours=texts, theirs=texts)
def test_a_merge_takes_what_one_side_alone_changed(tool: Tool, base: str, ours: str, theirs: str) -> None:
    call = tool("text")
    assert found(call("merge", base=base, ours=ours, theirs=base)) == {"text": ours, "conflicts": 0}
    assert found(call("merge", base=base, ours=base, theirs=theirs)) == {"text": theirs, "conflicts": 0}
    assert found(call("merge", base=base, ours=ours, theirs=ours)) == {"text": ours, "conflicts": 0}
    one, other = (
        found(call("merge", base=base, ours=a, theirs=b)) for a, b in ((ours, theirs), (theirs, ours))
    )
    assert one["conflicts"] == other["conflicts"] == one["text"].count("<<<<<<< ours\n")


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("hello", "no hunks"),
        ("@@ -1,3 +1,3 @@\n a\n", "ends before"),
        ("@@ -1 +1 @@\n-x\n+y\n", "line 1 should be 'x\\n', but there is 'a\\n'"),
        ("@@ -9 +9 @@\n-x\n+y\n", "the text ends"),
        ("@@ -999999999 +1 @@\n-x\n+y\n", "the text ends"),
        ("--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n--- c\n+++ d\n@@ -1 +1 @@\n-a\n+b\n", "changes 2 files"),
    ],
)
def test_a_patch_that_does_not_fit_changes_nothing_and_says_why(tool: Tool, patch: str, words: str) -> None:
    outcome = tool("text")("patch", text="a\nb\n", patch=patch, reverse=False)
    assert outcome.failed
    assert words in str(outcome.value)


@pytest.mark.parametrize(
    "pattern",
    ["(", "a{2,1}", "[z-a]", "(?P<1>a)", "\\", "(?<=a+)b", "*", "(" * 5000, "a" * 30_000, "(?P<n>a)(?P<n>b)"],
)
def test_a_wrong_pattern_is_an_error_and_no_trap(tool: Tool, pattern: str) -> None:
    for function, extra in (("regex-test", {"text": "aaa"}), ("regex-explain", {})):
        outcome = tool("text")(function, pattern=pattern, options=[], **extra)
        assert outcome.failed
        assert "pattern" in str(outcome.value)


def test_a_catastrophic_pattern_costs_only_its_call_and_is_warned_of(tool: Tool) -> None:
    call = tool("text")
    with pytest.raises(FuelExhausted):
        call("regex-test", pattern="^(a+)+$", text="a" * 40 + "!", options=[], limits={"fuel": 500_000_000})
    assert found(call("regex-explain", pattern="^(a+)+$", options=[]))["warnings"]
    assert found(call("regex-explain", pattern="^(a++)+b?$|(?>x+)+", options=[]))["warnings"] == []
    assert found(call("regex-test", pattern="a", text="aa", options=[]))["count"] == 2


def test_places_are_in_characters_lines_and_columns(tool: Tool) -> None:
    result = found(tool("text")("regex-test", pattern="(x)|(y)", text="😀x\n\né y", options=[]))
    assert result["count"] == 2
    first, second = result["matches"]
    assert (first["span"], first["line"], first["column"]) == ([1, 2], 1, 2)
    assert (second["span"], second["line"], second["column"]) == ([6, 7], 3, 3)
    assert [group["text"] for group in second["groups"]] == [None, "y"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:a|bc|)[^x-z\d]*?(?=q)(?!r)(?<=s)(?<!t)\b\B\A\Z^$.",
        r"(?P<n>\w+)\s(?P=n)(?(n)y|z)a{2}b{3,}c{4,5}d?+",
        r"[\s\S]\D\W[^a][abc]\u00e9\x41",
        r"(?i:a)(?#comment)(?:)",
    ],
)
def test_every_construct_is_explained_in_words(tool: Tool, pattern: str) -> None:
    parts = found(tool("text")("regex-explain", pattern=pattern, options=[]))["parts"]
    assert parts
    assert not any(word.isupper() and len(word) > 3 for part in parts for word in part["meaning"].split())


@pytest.mark.parametrize("replacement", ["\\9", "\\g<no>", "\\g<", "\\"])
def test_a_wrong_replacement_is_an_error_and_no_trap(tool: Tool, replacement: str) -> None:
    outcome = tool("text")("regex-replace", pattern="(a)", text="a", replacement=replacement, options=[])
    assert outcome.failed
