"""The functions of the world ``data``: texts and records in and out, problems as errors."""

from __future__ import annotations

import re
from functools import wraps

import jmespath
import jmespath.exceptions
import jmespath.functions
import wit_world
from componentize_py_types import Err
from wit_world import Change, ChangeKind, Column, Fault, JsonPath, JsonProfile, TableProfile

import compare
import patching
import tables
from describing import Outline
from jsontext import find_fault, kind, read, write
from problem import Problem

# JMESPath knows types by the names of their classes.
jmespath.functions.TYPES_MAP["Real"] = "number"
jmespath.functions.REVERSE_TYPES_MAP["number"] += ("Real",)

USUAL_PATHS = 100
LONGEST_QUERY = 10_000
DEEPEST_QUERY = 100
MOST_RAGGED = 20


def answering(function):
    """Turns a ``Problem`` into the error of the WIT result."""

    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except Problem as problem:
            raise Err(str(problem) if str(problem).endswith("?") else f"{problem}.") from None
        except RecursionError:
            raise Err("the input is nested too deep.") from None

    return call


def _compiled(query: str):
    if len(query) > LONGEST_QUERY:
        raise Problem(f"the query has {len(query):,} characters; at most {LONGEST_QUERY:,} are read")
    depth = deepest = 0
    for bracket in re.findall(r"[(\[{)\]}]", query):
        depth += 1 if bracket in "([{" else -1
        deepest = max(deepest, depth)
    if deepest > DEEPEST_QUERY:
        raise Problem(f"the query is nested more than {DEEPEST_QUERY} deep")
    try:
        return jmespath.compile(query)
    except jmespath.exceptions.JMESPathError as error:
        raise Problem(f"the query is not JMESPath: {error}") from None


class WitWorld(wit_world.WitWorld):
    """What the component exports."""

    @answering
    def json_query(self, document: str, query: str, pretty: bool) -> str:
        compiled, values = _compiled(query), read(document, repeated=True)
        try:
            found = compiled.search(values)
        except jmespath.exceptions.JMESPathError as error:
            raise Problem(f"the query does not fit the document: {error}") from None
        except (OverflowError, ValueError, TypeError) as error:
            raise Problem(f"the query failed: {error}") from None
        return write(found, indent=2 if pretty else None)

    def json_check(self, text: str) -> Fault | None:
        found = find_fault(text)
        return Fault(*found) if isinstance(found, tuple) else None

    @answering
    def json_describe(self, document: str, limit: int | None) -> JsonProfile:
        values = read(document, repeated=True)
        outline = Outline(values)
        shown = list(outline.kinds.items())[: USUAL_PATHS if limit is None else limit]
        paths = [JsonPath(path, sorted(kinds), kinds.total(), outline.examples[path]) for path, kinds in shown]
        return JsonProfile(kind(values), outline.depth, outline.values, paths)

    @answering
    def json_format(self, document: str, indent: int | None, sort: bool) -> str:
        if indent is not None and indent > 8:
            raise Problem(f"indent is 0 to 8, not {indent}")
        return write(read(document), indent=indent, sort=sort)

    @answering
    def json_diff(self, before: str, after: str) -> list[Change]:
        if before == after:
            read(before, "the text")
            return []
        found = compare.differences(read(before, "the text before"), read(after, "the text after"))
        return [Change(d.path, ChangeKind[d.kind.upper()], d.before, d.after) for d in found]

    @answering
    def json_patch(self, document: str, patch: str) -> str:
        values, changes = read(document), read(patch, "the patch")
        if isinstance(changes, list):
            return write(patching.apply(values, changes))
        if isinstance(changes, dict):
            return write(patching.merge(values, changes))
        raise Problem("a patch is an array of operations, or an object to merge")

    @answering
    def csv_profile(self, table: str, delimiter: str | None, header: bool) -> TableProfile:
        found = tables.read_table(table, delimiter, header)
        columns = []
        for n, name in enumerate(found.names):
            about = tables.describe([row[n] for row in found.rows])
            columns.append(Column(name, about.kind, about.filled, about.distinct, about.minimum, about.maximum,
                                  about.mean, about.top, about.notes))  # fmt: skip
        duplicates = len(found.rows) - len({tuple(row) for row in found.rows})
        return TableProfile(len(found.rows), found.delimiter, columns, found.ragged[:MOST_RAGGED], duplicates)

    @answering
    def csv_to_json(self, table: str, delimiter: str | None, header: bool, typed: bool) -> str:
        return write(tables.to_json(tables.read_table(table, delimiter, header), header, typed))

    @answering
    def json_to_csv(self, document: str, delimiter: str | None) -> str:
        return tables.from_json(read(document), delimiter)
