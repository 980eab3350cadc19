from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcp_wasm.build import c, c_bindings, wasm_tools
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed
from mcp_wasm.runtime import Runtime

WIT = """package t:echo@1.2.0;
interface ops {
    record inner { a: u8, b: f64, c: option<string> }
    variant shape { none, one(u8), wide(u64), small(f32), big(f64), text(string), pair(inner) }
    enum colour { red, green, blue }
    flags bits { p, q, r, s, t, u, v, w, x }
    scalars: func(a: bool, b: s8, c: u16, d: s32, e: u64, f: f32, g: f64, h: char)
        -> tuple<bool, s8, u16, s32, u64, f32, f64, char>;
    shapes: func(s: shape, c: colour, f: bits) -> tuple<shape, colour, bits>;
    lists: func(a: list<u8>, b: list<string>, c: list<option<u64>>)
        -> tuple<list<u8>, list<string>, list<option<u64>>>;
    many: func(a: inner, b: inner, c: inner, d: inner, e: u64) -> list<inner>;
    fails: func(r: result<u32, string>) -> result<u32, string>;
    nothing: func();
    one: func(c: colour) -> colour;
}
world echo { export ops; }
"""
BODIES = """#include "echo.h"
#define COPY(to, from) __builtin_memcpy(to, from, sizeof *to)
void echo_ops_scalars(const echo_ops_scalars_args_t *args, %(scalars)s *out) { COPY(out, args); }
void echo_ops_shapes(const echo_ops_shapes_args_t *args, %(shapes)s *out) { COPY(out, args); }
void echo_ops_lists(const echo_ops_lists_args_t *args, %(lists)s *out) { COPY(out, args); }
void echo_ops_many(const echo_ops_many_args_t *args, %(many)s *out) {
    out->ptr = wit_alloc(4 * sizeof *out->ptr, 8);
    out->len = 4;
    out->ptr[0] = args->a, out->ptr[1] = args->b, out->ptr[2] = args->c, out->ptr[3] = args->d;
}
void echo_ops_fails(const echo_ops_fails_args_t *args, %(fails)s *out) { *out = args->r; }
void echo_ops_nothing(void) {}
void echo_ops_one(const echo_ops_one_args_t *args, %(one)s *out) { *out = args->c; }
"""


def described(wit: str) -> Any:
    with Workspace("described") as space:
        return wasm_tools.describe(space, wit)


def result_types(header: str) -> dict[str, str]:
    """The C type of each function's result, from the prototypes."""
    found = {}
    for line in header.split("\n"):
        if line.startswith("void echo_ops_") and "*result" in line:
            name = line.removeprefix("void echo_ops_").partition("(")[0]
            found[name] = line.rpartition("*result")[0].rpartition(",")[2].rpartition("(")[2].strip()
    return found


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    if c.available() is not None:
        pytest.skip("zig is not installed")
    folder = tmp_path_factory.mktemp("echo")
    header, _ = c_bindings.generate(described(WIT), "echo")
    (folder / "main.c").write_text(BODIES % result_types(header), encoding="utf-8")
    path = folder / "echo.wasm"
    path.write_bytes(compile_component("c", Source("echo", folder, "main.c", WIT, "echo")))
    with Runtime(home=tmp_path_factory.mktemp("home")) as runtime:
        runtime.add(path)

        def made(name: str, **arguments: Any) -> Any:
            outcome = runtime.call_sync(f"echo_{name}", arguments)
            return {"err": outcome.value} if outcome.failed else outcome.value

        yield made


INNER = {"a": 200, "b": -1.5, "c": "é"}
SHAPES = [
    {"tag": "none"},
    {"tag": "one", "val": 255},
    {"tag": "wide", "val": "18446744073709551615"},
    {"tag": "small", "val": -0.5},
    {"tag": "big", "val": 1e300},
    {"tag": "text", "val": "häuser"},
    {"tag": "pair", "val": INNER},
    {"tag": "pair", "val": INNER | {"c": None}},
]


@pytest.mark.toolchain
@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape['tag']}")
def test_every_case_of_a_variant_survives_the_joined_core_types(call: Callable[..., Any], shape: Any) -> None:
    assert call("shapes", s=shape, c="blue", f=["p", "x"]) == [shape, "blue", ["p", "x"]]


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_values_of_every_kind_come_back(call: Callable[..., Any]) -> None:
    scalars = [True, -128, 65535, -(2**31), "18446744073709551615", 0.5, -1e-300, "😀"]
    assert call("scalars", **dict(zip("abcdefgh", scalars, strict=True))) == scalars
    data = base64.b64encode(bytes(range(256))).decode()
    assert call("lists", a=data, b=["", "x", "ü"], c=[None, 0, 7]) == [data, ["", "x", "ü"], [None, 0, 7]]
    assert call("lists", a="", b=[], c=[]) == ["", [], []]
    assert call("one", c="green") == "green"
    assert call("nothing") is None


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_more_parameters_than_the_abi_passes_flat_go_through_memory(call: Callable[..., Any]) -> None:
    four = [INNER, INNER | {"a": 1}, INNER | {"c": None}, INNER | {"b": 0.25}]
    assert call("many", **dict(zip("abcd", four, strict=True)), e=1) == four


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_results_keep_their_sides(call: Callable[..., Any]) -> None:
    assert call("fails", r={"ok": 7}) == 7
    assert call("fails", r={"err": "no"}) == {"err": "no"}


@pytest.mark.parametrize(
    ("wit", "words"),
    [
        ("world w { export f: func(s: stream<u8>); }", "beyond C guests"),
        ("interface i { resource r; f: func(x: borrow<r>); } world w { export i; }", "beyond C guests"),
        ("world w { import g: func(); export f: func(); }", "cannot import functions"),
        ("world other { export f: func(); }", "no world 'w'"),
    ],
)
def test_what_c_guests_cannot_have_is_refused_with_the_reason(wit: str, words: str) -> None:
    with pytest.raises(BuildFailed, match=words):
        c_bindings.generate(described(f"package t:t;\n{wit}"), "w")


def test_names_that_are_words_of_c_get_an_underscore() -> None:
    header, _ = c_bindings.generate(
        described("package t:t; world w { export f: func(%int: u32, struct: u32); }"), "w"
    )
    assert "uint32_t int_; uint32_t struct_;" in header


def test_the_bindings_do_not_depend_on_the_run() -> None:
    assert c_bindings.generate(described(WIT), "echo") == c_bindings.generate(described(WIT), "echo")
