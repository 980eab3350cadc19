from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.errors import RemoteFailed
from mcp_wasm.mesh import call_form
from mcp_wasm.mesh.envelope import EnvelopeRefused
from mcp_wasm.mesh.tool_news import component_in, told
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.report import Outcome, Report
from tests.conftest import PROGRAMS


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Runtime]:
    with Runtime(home=tmp_path / "runtime", workers=2) as found:
        for program in ("tiny", "hostile"):
            found.add(PROGRAMS / f"{program}.wat")
        yield found


RESULT = b'{"failed":false,"report":null}\n'
WRONG = {
    "another type": RESULT + b'"42"',
    "out of range": RESULT + b"99999999999",
    "nothing": RESULT,
    "no JSON": RESULT + b"NaN",
    "deep": RESULT + b"[" * 100_000,
    "an error where there is none": b'{"failed":true,"report":null}\n1',
    "no head": b"42",
    "another head": b'{"failed":false,"report":null,"isError":false}\n42',
    "a report that is none": b'{"failed":false,"report":7}\n42',
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_a_result_that_does_not_fit_the_tools_type_reaches_nobody(data: bytes, made: Runtime) -> None:
    with pytest.raises(RemoteFailed):
        call_form.outcome_in(data, made.tool("tiny_add"), "far")


def test_a_result_must_be_written_as_results_are(made: Runtime) -> None:
    tool = made.tool("hostile_bytes")
    assert call_form.outcome_in(RESULT + b'"AAAA"', tool, "far").value == "AAAA"
    with pytest.raises(RemoteFailed, match="does not fit"):  # taken as an argument, given by nobody
        call_form.outcome_in(RESULT + b"[0,0,0]", tool, "far")


def test_the_end_of_a_call_comes_back_with_its_cost(made: Runtime) -> None:
    tool = made.tool("tiny_add")
    ended = made.call_sync("tiny_add", {"a": 1, "b": 2})
    found = call_form.outcome_in(call_form.outcome_out(ended), tool, "far")
    assert (found.value, found.text, found.report.fuel) == (3, "3", ended.report.fuel)
    hostile = replace(Report("d"), fuel=10**30)
    data = call_form.outcome_out(Outcome(1, False, "1", hostile))
    assert call_form.outcome_in(data, tool, "far").report.fuel == 0


def test_parts_are_put_together_in_bounds() -> None:
    data = bytes(range(256)) * 6000
    texts = call_form.parts_of(data)
    parts = call_form.Parts(len(texts), len(data))
    ended = [parts.add(number, text) for number, text in reversed(list(enumerate(texts)))]
    assert ended == [False] * (len(texts) - 1) + [True]
    assert parts.whole == data
    small = call_form.Parts(2, 10)
    for wrong in [(5, "AAAA"), (-1, "AAAA"), (0, "%"), (0, None), ("0", "AAAA")]:
        with pytest.raises(EnvelopeRefused):
            small.add(*wrong)
    with pytest.raises(Exception, match="result limit"):
        small.add(0, texts[0])


def test_what_is_told_of_a_component_is_read_back_and_nothing_else_is(made: Runtime) -> None:
    component = made.component("hostile")
    news = told(component)
    assert news is not None
    remote: Any = None
    found = component_in(news.packed, "hostile", news.news, made.limits, remote)
    assert [each.name for each in found.tools] == [each.name for each in component.tools]
    assert [each.output_schema for each in found.tools] == [each.output_schema for each in component.tools]
    assert [each.read_only for each in found.tools] == [each.read_only for each in component.tools]
    with pytest.raises(EnvelopeRefused):
        component_in(news.packed, "tiny", news.news, made.limits, remote)
    with pytest.raises(EnvelopeRefused):
        component_in(news.packed, "hostile", replace(news.news, digest="0" * 64), made.limits, remote)
    with pytest.raises(EnvelopeRefused):
        component_in(b"x", "hostile", news.news, made.limits, remote)
