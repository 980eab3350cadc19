from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcp_wasm.build import confine
from mcp_wasm.code import wat
from mcp_wasm.code.contract import ABSENT, Ran, Run
from mcp_wasm.errors import BuildFailed, InvalidArguments
from mcp_wasm.runtime import Runtime

Call = Callable[..., Ran]

GCD = """(module
  (func $gcd (export "gcd") (param $left i64) (param $right i64) (result i64)
    (if (result i64) (i64.eqz (local.get $right))
      (then (local.get $left))
      (else (call $gcd (local.get $right) (i64.rem_u (local.get $left) (local.get $right)))))))"""
HYPOT = """(module (func (export "run") (param $x f64) (param $y f64) (result f64)
  (f64.sqrt (f64.add (f64.mul (local.get $x) (local.get $x)) (f64.mul (local.get $y) (local.get $y))))))"""
ADD = '(module (func (export "run") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
SQUARE = '(module (func (export "square") (param $n i32) (result i32) (i32.mul (local.get 0) (local.get 0))))'
ANSWER = '(module (memory (export "memory") 1) (func (export "_start")) (func (export "answer")))'
NAMES = '(module (func (export "toHTML") (param $inWidth f32) (result f32) (local.get 0)))'
COMPONENT = """(component
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 16) "\\20\\00\\00\\00\\05\\00\\00\\00")
    (data (i32.const 32) "hello")
    (func (export "greet") (result i32) (i32.const 16)))
  (core instance $i (instantiate $m))
  (func (export "greet") (result string)
    (canon lift (core func $i "greet") (memory (core memory $i "memory")))))"""
RUN_AND_OTHER = (
    '(module (func (export "other") (result i32) i32.const 1) (func (export "run") (result i32) i32.const 2))'
)

VALUES: list[tuple[str, object, object]] = [
    (GCD, {"left": 48, "right": 36}, 12),
    (GCD, {"left": 2**62, "right": 2**61}, str(2**61)),
    (HYPOT, [3, 4], 5),
    (ADD, [2, 40], 42),
    (ADD, {"p0": -1, "p1": 1}, 0),
    (ADD, [2**31 - 1, 1], -(2**31)),
    (SQUARE, 12, 144),
    (ANSWER, ABSENT, None),
    (NAMES, {"in-width": 0.5}, 0.5),
    (RUN_AND_OTHER, ABSENT, 2),
    (COMPONENT, ABSENT, "hello"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    with Runtime(home=tmp_path_factory.mktemp("home")) as runtime:

        def made(code: str, given: object = ABSENT, **asked: Any) -> Ran:
            return runtime.run_code_sync(Run("wat", code, given, **asked))

        yield made


@pytest.mark.parametrize(("code", "given", "value"), VALUES)
def test_a_function_of_a_module_or_component_takes_the_input_and_gives_the_value(
    run: Call, code: str, given: object, value: object
) -> None:
    ran = run(code, given)
    assert ran.failure is None
    assert ran.value == value


TRAPS = {
    "(result i32) (i32.div_s (i32.const 1) (i32.const 0))": "divided an integer by zero",
    "(result i32) (i32.load (i32.const -4))": "outside its memory",
    "(call $run)": "call stack is exhausted",
    "unreachable": "unreachable",
    "(loop $again (br $again))": "fuel",
}


@pytest.mark.parametrize(("body", "words"), TRAPS.items())
def test_what_traps_or_takes_too_much_is_told_in_words(run: Call, body: str, words: str) -> None:
    ran = run(f'(module (memory 1) (func $run (export "run") {body}))', fuel=10_000_000)
    assert ran.failure is not None
    assert words in ran.failure.message


def test_more_memory_than_there_may_be_to_begin_with_is_the_memory_limit(run: Call) -> None:
    ran = run('(module (memory 60000) (func (export "run")))')
    assert ran.failure is not None
    assert ran.failure.limit == "memory"


def test_a_memory_that_is_refused_is_an_answer_that_the_guest_reads(run: Call) -> None:
    grow = '(module (memory 1) (func (export "run") (result i32) (memory.grow (i32.const %d))))'
    assert run(grow % 60_000).value == -1
    assert run(grow % 2).value == 1


@pytest.mark.parametrize(
    ("code", "place", "words"),
    [
        ('(module\n  (func (export "a") i32.cons 4))', (2, 22), "unknown operator"),
        ("(module\n  (func $a (local.get $x)))", (2, 23), "unknown local"),
        ("hello", (1, 1), "expected `("),
        ("(module", (1, 8), "expected `)`"),
        ('(module (import "env" "print" (func (param i32))))', (None, None), "imports env.print"),
        ("(module)", (None, None), "exports no function"),
        ('(module (func (export "a")) (func (export "b")))', (None, None), "exports a, b; name the one"),
        ('(module (func (export "a") (result i32 i32) i32.const 1 i32.const 1))', (None, None), "2 results"),
        ('(module (func (export "a") (param v128)))', (None, None), "no i32, i64"),
        ('(module (func (export "a") (param externref)))', (None, None), "no i32, i64"),
        ("(component)", (None, None), "exports no function"),
    ],
)
def test_a_wrong_text_is_refused_with_the_place_and_what_to_do(
    run: Call, code: str, place: tuple[int | None, int | None], words: str
) -> None:
    failure = run(code).failure
    assert failure is not None
    assert failure.type == "CompileError"
    assert words in failure.message
    assert (failure.line, failure.column) == place


def test_the_place_of_a_wrong_type_is_told_where_compilers_can_be_confined(run: Call) -> None:
    if confine.where_possible() is None:
        pytest.skip("no confinement on this machine")
    code = '(module\n  (func (export "a") (result i32)\n    i32.const 4\n    i64.const 4\n    i32.add))'
    failure = run(code).failure
    assert failure is not None
    assert "type mismatch" in failure.message
    assert (failure.line, failure.column) == (5, 5)


def test_input_that_does_not_fit_the_parameters_is_refused(run: Call) -> None:
    for given in ([1], [1, 2, 3], {"p0": 1}, {"p0": 1, "p9": 2}, "text", 1.5):
        with pytest.raises(InvalidArguments):
            run(ADD, given)


def test_a_module_of_a_world_follows_the_canonical_abi() -> None:
    if confine.where_possible() is None:
        pytest.skip("no confinement on this machine")
    world = "package a:b;\nworld w { export length: func(text: string) -> u32; }"
    module = """(module (memory (export "memory") 1) (global $at (mut i32) (i32.const 1024))
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (global.get $at) (global.set $at (i32.add (global.get $at) (local.get 3))))
      (func (export "length") (param i32 i32) (result i32) (local.get 1)))"""
    assert wat.component_of(module, world).startswith(b"\0asm\x0d\0\x01\0")
    with pytest.raises(BuildFailed, match="no world"):
        wat.component_of(module, "package a:b;")
    with pytest.raises(BuildFailed, match="length"):
        wat.component_of(module.replace('"length"', '"size"'), world)


def test_a_text_of_any_size_is_refused_past_the_limit() -> None:
    padding = " " * (wat.MAX_TEXT - len(ADD))
    assert wat.component_of(ADD + padding)
    with pytest.raises(BuildFailed, match="characters"):
        wat.component_of(ADD + padding + " ")
