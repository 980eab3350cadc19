from __future__ import annotations

import json

import pytest

from mcp_wasm.build.source_map import read_source_map

BUNDLE = "function n(r){return r.y.z}var t=n(null);function a(){return t}export{a as run};"
"""What esbuild makes of these two files, and its map."""
B = "export default function a(x: any): number {\n  return x.y.z;\n}\n"
M = "import a from './b';\n\nconst x = a(null as any);\nexport function run() { return x }"
MAP = json.dumps({
    "version": 3,
    "sources": ["source/b.ts", "source/m.ts"],
    "mappings": "AAAe,SAARA,EAAmBC,EAAgB,CACxC,OAAOA,EAAE,EAAE,CACb,CCAA,IAAMC,"
    "EAAIC,EAAE,IAAW,EAChB,SAASC,GAAM,CAAE,OAAOF,CAAE",
    "names": ["a", "x", "x", "a", "run"],
}).encode()  # fmt: skip
PLACES = [
    ("function n", "b.ts", "export default function"),
    ("return r.y", "b.ts", "return x.y"),
    ("null", "m.ts", "null"),
    ("function a()", "m.ts", "export function run"),
]


@pytest.mark.parametrize(("made", "file", "original"), PLACES)
def test_a_place_of_a_bundle_is_found_in_its_source(made: str, file: str, original: str) -> None:
    place = read_source_map(MAP, "source/").place(1, BUNDLE.index(made) + 1)
    assert place is not None
    name, line, column = place
    assert name == file
    row = {"b.ts": B, "m.ts": M}[file].splitlines()[line - 1]
    # A name in the bundle may stand for a declaration: then its place is that of the name, in the same line.
    assert original in row
    assert 0 < column <= len(row)


def test_the_exact_column() -> None:
    assert read_source_map(MAP, "source/").place(1, BUNDLE.index("null") + 1) == ("m.ts", 3, 13)


@pytest.mark.parametrize(("line", "column"), [(0, 1), (2, 1), (1, 0), (1 << 40, 1)])
def test_what_the_bundle_does_not_have_has_no_place(line: int, column: int) -> None:
    assert read_source_map(MAP, "source/").place(line, column) is None


def test_a_text_about_the_bundle_becomes_one_about_the_source() -> None:
    found = read_source_map(MAP, "source/")
    said = f"    at n (/bundle.mjs:1:{BUNDLE.index('null') + 1})\n    at (/bundle.mjs:7:1)\n"
    assert found.tell(said, "bundle.mjs") == "    at n (m.ts:3:13)\n    at (/bundle.mjs:7:1)\n"
