"""Tools of Go, made as a model makes them, where Go is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.build import confine, go, go_library
from mcp_wasm.build.confine import Confinement, Mechanism
from mcp_wasm.build.toolchain import Source, silent
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.errors import BuildFailed, Trap
from mcp_wasm.runtime import Runtime
from tests.tools.conftest import toolchains

Call = Callable[..., Any]
MECHANISMS = [name for name, reason in confine.mechanisms().items() if reason is None]

pytestmark = [
    pytest.mark.toolchain,
    pytest.mark.timeout(300),
    pytest.mark.skipif(go.available() is not None, reason=f"no Go: {go.available()}"),
    pytest.mark.skipif(confine.where_possible() is None, reason="no confinement on this machine"),
]

SOURCE = r"""package main

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

type Wrapped struct{ Only int8 }
type Row struct {
	Name   string
	Scores map[string][]float32
	Next   *Point
}
type Color string

const (
	Red      Color = "red"
	DarkBlue Color = "dark blue"
)

type Level uint8

const (
	LevelLow Level = iota + 5
	LevelHigh
)

// Add adds two numbers.
func Add(a, b int32) int32       { return a + b }
func Negate(p Point) Point       { return Point{-p.X, -p.Y} }
func Words(text string) []string { return strings.Fields(text) }
func Count(text string) map[string]uint32 {
	counts := map[string]uint32{}
	for _, word := range strings.Fields(text) {
		counts[word]++
	}
	return counts
}
func Best(rows []Row) (Row, error) {
	if len(rows) == 0 {
		return Row{}, errors.New("there are no rows")
	}
	return rows[len(rows)-1], nil
}
func Other(c Color) Color {
	if c == Red {
		return DarkBlue
	}
	return Red
}
func Levels(l []Level) []Level            { return append(l, LevelHigh) }
func Wrong() Color                        { return "green" }
func Sum(values []int16) int8             { s := 0; for _, v := range values { s += int(v) }; return int8(s) }
func Parse(text string) (int, error)      { return strconv.Atoi(text) }
func Check(n uint8) error                 { if n > 3 { return errors.New("too large") }; return nil }
func Nth(values []uint64, n int) uint64   { return values[n] }
func Reversed(data []byte) []byte {
	made := make([]byte, 0, len(data))
	for n := range data {
		made = append(made, data[len(data)-1-n])
	}
	return made
}
func Many(a, b, c, d, e, f, g, h string, i *uint8) string {
	return fmt.Sprint(a, b, c, d, e, f, g, h, i == nil)
}
func Maybe(p *Point, n **uint8) string { return fmt.Sprint(p != nil, n != nil, n != nil && *n != nil) }
func Letter(r rune) rune               { return r + 1 }
func Wrap(w Wrapped) Wrapped           { return Wrapped{w.Only - 1} }
func Halves(a float32, b float64) float64 { return float64(a)/2 + b/2 }
func Broken() string                   { return "a\xffb" }
func Print(text string)                { fmt.Println(text) }
func Waits() bool {
	begun, done := time.Now(), make(chan bool)
	go func() { time.Sleep(5 * time.Millisecond); done <- true }()
	return <-done && time.Since(begun) >= 5*time.Millisecond && time.Now().Year() > 2000
}
func Collects(times int) int {
	kept := 0
	for n := 0; n < times; n++ {
		kept += len(strings.Repeat("x", 100_000)) % 7
	}
	runtime.GC()
	return kept
}
func max(a, b string) string { return a }
"""

RED, BLUE = "red", "dark-blue"
ROW = {"name": "é", "scores": [["a", [1.5, 2.0]], ["b", []]], "next": {"x": 1.0, "y": -1.0}}
CALLS: list[tuple[str, dict[str, Any], Any]] = [
    ("add", {"a": -5, "b": 3}, -2),
    ("negate", {"p": {"x": 1.5, "y": -2}}, {"x": -1.5, "y": 2.0}),
    ("words", {"text": "a bé  c"}, ["a", "bé", "c"]),
    ("words", {"text": ""}, []),
    ("count", {"text": "b a b"}, [["a", 1], ["b", 2]]),
    ("best", {"rows": [{"name": "", "scores": []}, ROW]}, ROW),
    ("best", {"rows": [{"name": "no next", "scores": []}]}, {"name": "no next", "scores": [], "next": None}),
    ("other", {"c": RED}, BLUE),
    ("other", {"c": BLUE}, RED),
    ("levels", {"l": ["low", "high", "low"]}, ["low", "high", "low", "high"]),
    ("sum", {"values": [-3, 1, 0]}, -2),
    ("parse", {"text": "42"}, 42),
    ("check", {"n": 3}, None),
    ("nth", {"values": [7, 2**60], "n": 1}, str(2**60)),
    ("reversed", {"data": [1, 2, 3]}, "AwIB"),
    ("many", {letter: letter * 2 for letter in "abcdefgh"}, "aabbccddeeffgghhtrue"),
    ("maybe", {"p": {"x": 3, "y": 4}, "n": {"some": None}}, "true true false"),
    ("maybe", {"n": {"some": 5}}, "false true true"),
    ("letter", {"r": "é"}, "ê"),
    ("wrap", {"w": {"only": -3}}, {"only": -4}),
    ("halves", {"a": 1.5, "b": 0.5}, 1.0),
    ("broken", {}, "a\N{REPLACEMENT CHARACTER}b"),
    ("waits", {}, True),
    ("collects", {"times": 2000}, 2000 * (100_000 % 7)),
]
FAILED: list[tuple[str, dict[str, Any], Any]] = [
    ("best", {"rows": []}, "there are no rows"),
    ("parse", {"text": "x"}, 'strconv.Atoi: parsing "x": invalid syntax'),
    ("check", {"n": 4}, "too large"),
]


@pytest.fixture(scope="module")
def library(request: pytest.FixtureRequest) -> Path:
    """The folder of the compiled standard library, kept from one run of the tests to the next."""
    kept = toolchains(request)
    go_library.prepare(kept)
    return kept


@pytest.fixture(scope="module")
def runtime(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with Runtime(home=tmp_path_factory.mktemp("go")) as runtime:
        runtime.runners.folder.mkdir(parents=True, exist_ok=True)
        for each in library.glob("go-*"):
            (runtime.runners.folder / each.name).symlink_to(each)
        runtime.made.create(Wanted("all", "go", SOURCE), by="a test", client="")
        yield runtime


@pytest.fixture(scope="module")
def call(runtime: Runtime) -> Call:
    return lambda name, given: runtime.call_sync(f"all_{name}", given)


def test_every_type_comes_and_goes_as_it_is(call: Call) -> None:
    for name, given, value in CALLS:
        assert (name, call(name, given).value) == (name, value)
    for name, given, value in FAILED:
        failed = call(name, given)
        assert (name, failed.failed, failed.value) == (name, True, value)
    assert call("print", {"text": "héllo"}).report.stdout.text == "héllo\n"


def test_docs_are_those_of_the_source_and_nothing_is_wished_for(runtime: Runtime) -> None:
    tools = {tool.name: tool for tool in runtime.component("all").tools}
    assert "Add adds two numbers." in tools["all_add"].description
    assert not runtime.component("all").needs


def test_a_panic_is_told_with_its_line_and_no_place_of_this_machine(call: Call) -> None:
    with pytest.raises(Trap) as trapped:
        call("nth", {"values": [1], "n": 4})
    line = next(n for n, each in enumerate(SOURCE.split("\n"), 1) if "func Nth" in each)
    said = trapped.value.report.stderr.text
    assert "index out of range [4] with length 1" in said
    assert f"\tcode.go:{line} " in said
    assert str(go_library.go().root) not in said
    with pytest.raises(Trap) as trapped:
        call("wrong", {})
    assert "green is none of the constants of main.Color" in trapped.value.report.stderr.text


def test_a_mistake_is_told_at_its_line_and_column_in_characters(runtime: Runtime) -> None:
    source = "package main\n\nfunc F(n int) int {\n\t/* é */ return m + 1\n}\n"
    with pytest.raises(BuildFailed) as failed:
        runtime.made.create(Wanted("wrong", "go", source), by="a test", client="")
    message = failed.value.messages[0]
    assert (message.file, message.line, message.column, message.severity) == ("code.go", 4, 17, "error")
    assert message.text == "undefined: m"


# What a source may say to Go's tools. Its compiler and its linker are called themselves, so that what
# the go command would do for a source (read files, start programs, fetch modules) is not there at all.


def build(folder: Path, code: str, library: Path, confined: Confinement | None) -> bytes:
    wit, files = go.prepare(code, "code.go")
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    source = Source("thing", folder, "code.go", wit, go.WORLD, texts={"code.go": code})
    return go.compile_source(source, library, silent, confined)


BODY = "\nfunc F() string { return kept }\n"
REFUSED = {
    "embed": (
        'import _ "embed"\n//go:embed secret.txt\nvar kept string',
        "could not import embed",
    ),
    "cgo": ('// #include "/etc/passwd"\nimport "C"\nvar kept string', "could not import C"),
    "a flag of cgo": ('//go:cgo_ldflag "-L/"\nvar kept string', "only allowed in cgo-generated code"),
    "a module": ('import "example.com/taken"\nvar kept = taken.Kept', "could not import example.com/taken"),
    "a file": ('import "../../../../etc"\nvar kept string', "could not import"),
    "another's processes": ('import _ "os/exec"\nvar kept string', "could not import os/exec"),
    "a function of the host": (
        "//go:wasmimport host steal\nfunc steal() int32\nvar kept = string(rune(steal()))",
        "host",
    ),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_a_source_has_the_standard_library_and_nothing_else(
    attack: str, library: Path, tmp_path: Path
) -> None:
    code, said = REFUSED[attack]
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "secret.txt").write_text("a secret", encoding="utf-8")
    for confined in (None, confine.require()):
        with pytest.raises(BuildFailed, match=said):
            build(folder, f"package main\n{code}{BODY}", library, confined)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_mechanism_leaves_the_compiler_what_it_needs(
    mechanism: Mechanism, library: Path, tmp_path: Path
) -> None:
    code = f'package main\nvar kept = "x"{BODY}'
    assert build(tmp_path / "source", code, library, Confinement(mechanism))


def test_what_a_source_generates_is_not_run(library: Path, tmp_path: Path) -> None:
    code = f'package main\n//go:generate touch {tmp_path}/made\nvar kept = "x"{BODY}'
    assert build(tmp_path / "source", code, library, confine.require())
    assert not (tmp_path / "made").exists()


def test_the_library_is_not_written_to_by_a_build(library: Path, tmp_path: Path) -> None:
    def state() -> dict[str, int]:
        return {str(each): each.stat().st_mtime_ns for each in library.rglob("*") if "go-" in str(each)}

    before = state()
    assert build(tmp_path / "source", f'package main\nvar kept = "x"{BODY}', library, confine.require())
    assert state() == before


def test_a_build_that_takes_too_long_is_ended(library: Path, tmp_path: Path) -> None:
    types = "".join(f"type T{n}[P any] struct {{ A, B T{n + 1}[[2]P] }}\n" for n in range(40))
    code = f'package main\n{types}type T40[P any] struct {{ A P }}\nvar big T0[int]\nvar kept = "x"{BODY}'
    with pytest.raises(BuildFailed):
        build(tmp_path / "source", code, library, replace(confine.require(), seconds=1))
