from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from mcp_wasm.sandbox.report import Outcome

Tool = Callable[[str], Callable[..., Outcome]]
pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "text", ["1.10", "1e400", "-0", "12345678901234567890123", "1" * 5000, '"é\\ud800\\u0000"']
)
def test_numbers_and_text_come_back_as_they_were_written(tool: Tool, text: str) -> None:
    for function in ("json-format", "json-query"):
        extra: dict[str, Any] = (
            {"sort": False} if function == "json-format" else {"query": "@", "pretty": False}
        )
        assert tool("data")(function, document=f"[{text}]", **extra).value == f"[{text}]"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        ("[1,\n 2,]", 2, 3, "trailing comma"),
        ('{"a":1,"b":{"a":1},"a":2}', 1, 20, "occurs twice"),
        ('{"k": "NaN", "v": NaN}', 1, 19, "NaN is no number"),
        ("[-Infinity]", 1, 2, "-Infinity is no number"),
        ("{'a':1}", 1, 2, "double quotes"),
        ("01", 1, 2, "extra data"),
        ('"\t"', 1, 2, "control character"),
        ("[" * 100_000, 1, 201, "nested more than 200 deep"),
        ('{"a":' * 5000 + "1" + "}" * 5000, 1, 1001, "nested more than 200 deep"),
        ('["]]]]",' * 3000 + "1" + "]" * 3000, 1, 1601, "nested more than 200 deep"),
    ],
)
def test_a_fault_is_told_with_its_place(tool: Tool, text: str, line: int, column: int, words: str) -> None:
    found = tool("data")("json-check", text=text).value
    assert isinstance(found, dict)
    assert words in found["message"]
    assert (found["line"], found["column"]) == (line, column)


@pytest.mark.parametrize(
    "text", ['{"a":[],"b":{"a":1}}', '"\\"[[[[\\\\"', "1e400", '["[[[[", "{{"]', "[" * 200 + "]" * 200]
)
def test_what_is_json_has_no_fault(tool: Tool, text: str) -> None:
    outcome = tool("data")("json-check", text=text)
    assert (outcome.failed, outcome.value) == (False, None)


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ("1", "1.0", []),
        ("100", "1e2", []),
        ("1e999999999", "10e999999998", []),
        ("true", "1", [""]),
        ("0", "false", [""]),
        ("12345678901234567890", "12345678901234567891", [""]),
        ("1e400", "2e400", [""]),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', []),
        ("[1,2,3,4]", "[1,9,2,3,4]", ["/1"]),
        ('{"e/f~":1}', "{}", ["/e~1f~0"]),
        ("[]", "{}", [""]),
        ("null", "[null]", [""]),
    ],
)
def test_documents_are_compared_by_value(tool: Tool, before: str, after: str, paths: list[str]) -> None:
    found = tool("data")("json-diff", before=before, after=after).value
    assert isinstance(found, list)
    assert [change["path"] for change in found] == paths


RFC_6902 = [
    ('{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux"}]', {"foo": "bar", "baz": "qux"}),
    ('{"foo":["bar","baz"]}', '[{"op":"add","path":"/foo/1","value":"qux"}]', {"foo": ["bar", "qux", "baz"]}),
    ('{"baz":"qux","foo":"bar"}', '[{"op":"remove","path":"/baz"}]', {"foo": "bar"}),
    ('{"foo":["a","b","c"]}', '[{"op":"remove","path":"/foo/1"}]', {"foo": ["a", "c"]}),
    ('{"a":1}', '[{"op":"replace","path":"","value":[7]}]', [7]),
    (
        '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
        '[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]',
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        '{"foo":["all","grass","cows","eat"]}',
        '[{"op":"move","from":"/foo/1","path":"/foo/3"}]',
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    ('{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":10}]', {"/": 9, "~1": 10}),
    ('{"foo":["bar"]}', '[{"op":"add","path":"/foo/-","value":["abc"]}]', {"foo": ["bar", ["abc"]]}),
]
RFC_7396 = [
    ('{"a":"b"}', '{"a":"c"}', {"a": "c"}),
    ('{"a":"b","b":"c"}', '{"a":null}', {"b": "c"}),
    ('{"a":["b"]}', '{"a":"c"}', {"a": "c"}),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', {"a": {"b": "d"}}),
    ('["a","b"]', '{"a":1}', {"a": 1}),
    ("{}", '{"a":{"bb":{"ccc":null}}}', {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("document", "patch", "wanted"), RFC_6902 + RFC_7396)
def test_patches_do_what_the_examples_of_their_rfcs_say(
    tool: Tool, document: str, patch: str, wanted: object
) -> None:
    outcome = tool("data")("json-patch", document=document, patch=patch)
    assert not outcome.failed, outcome.value
    assert json.loads(str(outcome.value)) == wanted


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ('[{"op":"remove","path":"/a/5"}]', "there is nothing at /a/5"),
        ('[{"op":"add","path":"/a/01","value":1}]', "2 elements"),
        ('[{"op":"test","path":"/a/0","value":true}]', "test: at /a/0 is 1, not true"),
        ('[{"op":"move","from":"/b","path":"/b/c"}]', "moved into itself"),
        ('[{"op":"add","path":"a","value":1}]', "begins with a slash"),
        ('[{"op":"x"}]', "op is one of"),
        ("[1]", "an operation is an object"),
        ("7", "a patch is an array of operations"),
    ],
)
def test_a_patch_that_does_not_fit_says_which_operation(tool: Tool, patch: str, words: str) -> None:
    outcome = tool("data")("json-patch", document='{"a":[1,2],"b":{"c":1}}', patch=patch)
    assert outcome.failed
    assert words in str(outcome.value)


@pytest.mark.parametrize(
    "query", ["a" + "|a" * 4000, "(" * 500 + "a" + ")" * 500, "users[", "a" * 20_000 + "."]
)
def test_a_hostile_query_is_an_error_and_no_trap(tool: Tool, query: str) -> None:
    assert tool("data")("json-query", document="{}", query=query, pretty=False).failed


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_go_to_json_and_back_whatever_stands_in_their_fields(tool: Tool, delimiter: str) -> None:
    rows = [["a", "b"], ['say "hi"', "x\ny"], ["1;2,3|4\t5", "é"], ["007", " padded "]]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    text = tool("data")(
        "csv-to-json", table=out.getvalue(), delimiter=delimiter, header=True, typed=False
    ).value
    assert json.loads(str(text)) == [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    back = tool("data")("json-to-csv", document=text, delimiter=delimiter).value
    assert list(csv.reader(io.StringIO(str(back), newline=""), delimiter=delimiter)) == rows


def test_a_profile_tells_what_deserves_a_look(tool: Tool) -> None:
    table = "id;code;note\n1;007; a\n2;008;n/a\n2;008;n/a\n3;9\n"
    found = tool("data")("csv-profile", table=table, header=True).value
    assert isinstance(found, dict)
    assert (found["rows"], found["delimiter"], found["duplicates"], found["ragged"]) == (4, ";", 1, [[5, 2]])
    identifier, code, note = found["columns"]
    assert (identifier["kind"], identifier["minimum"], identifier["maximum"]) == ("integer", "1", "3")
    assert code["kind"] == "text"
    assert any("leading zeros" in n for n in code["notes"])
    assert any("may mean missing" in n for n in note["notes"])
