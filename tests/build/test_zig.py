from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.build import bundled, shipping
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.errors import BuildFailed, Trap
from mcp_wasm.runtime import Runtime
from tests.tools.conftest import toolchains

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]

WIT = """package t:t;
world t {
    enum kind { short, long-one }
    record pair { left-side: s32, right: option<string>, kind: kind }
    variant shape { none, text(string), number(f64) }
    /// Doubles the left side.
    export swap: func(pair: pair) -> result<pair, string>;
    export echo: func(shape: shape) -> shape;
    export total: func(numbers: list<u64>) -> u64;
}
"""
ENTRY = """
const c = @import("bindings");
const more = @import("more.zig");
pub const panic = @import("std").debug.no_panic;

export fn t_swap(args: *const c.t_swap_args_t, result: *c.t_result_pair_string_t) void {
    if (args.pair.left_side == 0) {
        result.is_err = true;
        result.val.err = .{ .ptr = "left is nothing", .len = 15 };
        return;
    }
    result.is_err = false;
    result.val.ok = args.pair;
    result.val.ok.left_side = more.twice(args.pair.left_side);
}

export fn t_echo(args: *const c.t_echo_args_t, result: *c.t_shape_t) void {
    result.* = args.shape;
}

export fn t_total(args: *const c.t_total_args_t, result: *u64) void {
    result.* = 0;
    for (args.numbers.ptr[0..args.numbers.len]) |number| result.* += number;
}
"""
MORE = "pub fn twice(n: i32) i32 { return n * 2; }\n"


@pytest.fixture
def build(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Path]:
    def make(entry: str, wit: str = WIT) -> Path:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        (folder / "main.zig").write_text(entry, encoding="utf-8")
        (folder / "more.zig").write_text(MORE, encoding="utf-8")
        out = tmp_path / "t.wasm"
        source = Source("t", folder, "main.zig", wit, "t")
        out.write_bytes(compile_component("zig", source, cache=toolchains(request)))
        return out

    return make


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with Runtime(home=tmp_path_factory.mktemp("home")) as made:
        yield made


def test_values_pass_through_zig(build: Callable[..., Path], runtime: Runtime) -> None:
    component = runtime.add(build(ENTRY))

    def call(name: str, **arguments: object) -> tuple[bool, object]:
        outcome = runtime.call_sync(f"t_{name}", arguments)
        return outcome.failed, outcome.value

    pair = {"left-side": -21, "right": "é\0", "kind": "long-one"}
    assert call("swap", pair=pair) == (False, pair | {"left-side": -42})
    assert call("swap", pair=pair | {"left-side": 0}) == (True, "left is nothing")
    for shape in ({"tag": "none"}, {"tag": "text", "val": "\U0001f600"}, {"tag": "number", "val": 0.5}):
        assert call("echo", shape=shape) == (False, shape)
    assert call("total", numbers=[]) == (False, 0)
    assert call("total", numbers=[1, 2**40]) == (False, 2**40 + 1)
    assert not component.world.imports
    assert runtime.tool("t_swap").description.startswith("Doubles the left side.")


def test_an_overflow_traps_instead_of_going_on(build: Callable[..., Path], runtime: Runtime) -> None:
    runtime.add(build(ENTRY), name="overflow")
    with pytest.raises(Trap):
        runtime.call_sync("overflow_total", {"numbers": [2**64 - 1, 1]})
    with pytest.raises(Trap):
        runtime.call_sync("overflow_swap", {"pair": {"left-side": 2**31 - 1, "right": None, "kind": "short"}})


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("export fn t_swap() void {", "main.zig:1"),
        ('const x = @import("none.zig"); pub fn main() void { _ = x; }', "none.zig"),
        ('const c = @import("bindings");\ncomptime { _ = c; }', "t_swap"),
    ],
)
def test_what_was_wrong_with_a_source_is_said(build: Callable[..., Path], entry: str, said: str) -> None:
    with pytest.raises(BuildFailed) as failed:
        build(entry)
    assert said in failed.value.output


@pytest.mark.parametrize(
    "entry",
    [
        'export const stolen = @embedFile("{path}");',
        'export const stolen = @embedFile("../../../../../../../../..{path}");',
        'const stolen = @import("{path}"); comptime {{ _ = stolen.key; }}',
    ],
)
def test_a_source_cannot_embed_files_of_the_host(
    build: Callable[..., Path], tmp_path: Path, entry: str
) -> None:
    secret = tmp_path / "secret.zig"
    secret.write_text('pub const key = "of the host";', encoding="utf-8")
    with pytest.raises(BuildFailed) as failed:
        build(entry.format(path=secret) + ENTRY)
    assert "of the host" not in failed.value.output


def test_the_shipped_tools_are_what_their_sources_make(request: pytest.FixtureRequest) -> None:
    lock = bundled.read_lock()
    for tool in shipping.shippable():
        if tool.language == "zig":
            _, entry = shipping.make(tool, cache=toolchains(request))
            assert lock[tool.name] == entry
