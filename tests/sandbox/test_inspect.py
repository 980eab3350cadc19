"""Reading a hostile binary's types costs little, runs nothing and ends in a world or a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from wasmtime import wat2wasm

from mcp_wasm.component import types as wit
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.sandbox.children import Children
from mcp_wasm.sandbox.inspect import Inspection, inspect, read_binary
from mcp_wasm.sandbox.unbundle import unbundle
from tests.sandbox.binaries import CALLABLE, section

HEAD = """(core module $m
      (memory (export "m") 1) (func (export "f")) (func (export "p") (result i32) unreachable))
    (core instance $i (instantiate $m)) (alias core export $i "m" (core memory $mem))"""


def look(inside: str) -> Inspection:
    return inspect(bytes(wat2wasm(f"(component {HEAD} {inside})")), "it", Children())


def chain(first: str, rest: str, length: int) -> str:
    """Types each made of the one before; the last is ``$tN``."""
    made = [f"(type $t0 {first})"]
    made += [f"(type $t{n} {rest.replace('$t', f'$t{n - 1}')})" for n in range(1, length)]
    last = f"$t{length - 1}"
    return f"""{"".join(made)} (func (export "f") (result {last})
        (canon lift (core func $i "p") (memory $mem)))"""


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        (chain("(tuple u8 u8)", "(tuple $t $t)", 30), "effective type size"),
        (chain("(list u8)", "(list $t)", 5000), "nesting is too deep"),
        (
            "".join(f'(func (export "f{n}") (canon lift (core func $i "f")))' for n in range(3000)),
            "too many functions and types",
        ),
    ],
)
def test_types_without_end_are_refused(inside: str, says: str) -> None:
    with pytest.raises(ComponentRefused, match=says):
        look(inside)


def test_a_function_whose_type_is_huge_is_marked_and_the_others_are_read() -> None:
    huge = chain("(tuple u8 u8)", "(tuple $t $t)", 17)
    world = look(f'{huge} (func (export "good") (canon lift (core func $i "f")))').world
    by_name = {function.name: function for function in world.exports}
    assert by_name["good"].params == ()
    (param,) = by_name["f"].params
    assert isinstance(param.type, wit.Unsupported)


def test_every_type_is_read() -> None:
    text = """(type $r' (record (field "a-b" u8) (field "c" (option string)))) (export $r "r" (type $r'))
        (type $v' (variant (case "none") (case "some" $r))) (export $v "v" (type $v'))
        (type $e' (enum "x" "y")) (export $e "e" (type $e'))
        (type $f' (flags "p" "q")) (export $f "f" (type $f'))
        (type $t (tuple $v $e $f (list char) (option (option f32))))
        (func (export "all") (result (result $t (error (list u8))))
          (canon lift (core func $i "p") (memory $mem)))"""
    (function,) = look(text).world.exports
    p = wit.Primitive
    record = wit.Record((wit.Field("a-b", p("u8")), wit.Field("c", wit.Option(p("string")))))
    assert function.result == wit.Result(
        wit.Tuple(
            (
                wit.Variant((wit.Case("none"), wit.Case("some", record))),
                wit.Enum(("x", "y")),
                wit.Flags(("p", "q")),
                wit.List(p("char")),
                wit.Option(wit.Option(p("f32"))),
            )
        ),
        wit.List(p("u8")),
    )


def test_large_core_modules_are_taken_out_and_the_world_stays(tmp_path: Path) -> None:
    data = "x" * 150_000
    big = f'(core module $big (memory 3) (data (i32.const 0) "{data}"))'
    text = CALLABLE.replace("(component", f"(component {big}", 1)
    binary = bytes(wat2wasm(text))
    skeleton = unbundle(binary, Children())
    assert len(skeleton.parts) == 1
    assert len(skeleton.binary) < 1000
    world = inspect(binary, "it", Children()).world
    assert world.imports == ()
    assert [function.name for function in world.exports] == ["f"]


@pytest.mark.parametrize("size", [200, 200_000])
def test_sections_of_nonsense_are_refused(size: int) -> None:
    binary = bytes(wat2wasm(CALLABLE)) + section(7, b"\xff" * size)
    with pytest.raises(ComponentRefused, match="engine refuses it"):
        inspect(binary, "it", Children())


def test_text_that_claims_to_be_huge_is_not_assembled(tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_bytes(b"(component " + b" " * (5 * 1024 * 1024) + b")")
    content = read_binary(tmp_path / "a.wat")
    with pytest.raises(ComponentRefused, match="not WebAssembly"):
        inspect(content, "a.wat", Children())
