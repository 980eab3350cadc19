"""TypeScript as models write it: types go, values, lines and columns stay."""

# ruff: noqa: E501 - a program is one line of its table, as long as it is

from __future__ import annotations

from typing import Any

import pytest

from tests.code.javascript import Ended, Runner


def run(javascript: Runner, code: str, **request: Any) -> Ended:
    return javascript(code, language="typescript", file="code.ts", **request)


VALUES: list[tuple[str, str, Any]] = [
    ("annotations", "const add = (a: number, b?: number): number => a + (b ?? 0);\nadd(1)", 1),
    ("an interface", "interface P { x: number; readonly y?: string }\nconst p: P = { x: 1 };\np.x", 1),
    ("a type of unions", "type Id = string | number | null;\nlet id: Id = 'a';\nid", "a"),
    ("generics", "function first<T, K extends keyof T>(o: T, k: K): T[K] { return o[k] }\nfirst<{ a: number }, 'a'>({ a: 2 }, 'a')", 2),
    ("an arrow with a type parameter", "const same = async <T,>(x: T): Promise<T> => x;\nawait same(3)", 3),
    ("an enum of numbers", "enum C { Red, Green = 5, Blue }\n[C.Red, C.Blue, C[5]]", [0, 6, "Green"]),
    ("an enum of texts", "const enum D { Up = 'UP', Down = 'DOWN' }\nD.Down", "DOWN"),
    ("as and as const", "const t = ['a', 1] as const;\n(t as unknown as string[]).length", 2),
    ("satisfies", "const c = { port: 80 } satisfies Record<string, number>;\nc.port", 80),
    ("no null", "const m = new Map<string, number[]>([['k', [1]]]);\nm.get('k')![0]!", 1),
    ("parameter properties", "class A { constructor(private readonly n: number, public s = 'x') {}\n  get(): string { return this.s + this.n } }\nnew A(2).get()", "x2"),
    ("members with modifiers", "abstract class S { protected static count: number = 0; declare z: string; abstract area(): number }\nclass Q extends S implements Iterable<number> { override area(): number { return 4 } *[Symbol.iterator]() { yield 1 } }\n[new Q().area(), [...new Q()]]", [4, [1]]),
    ("overloads", "function f(a: string): string;\nfunction f(a: number): number;\nfunction f(a: any) { return a }\nf(1)", 1),
    ("type guards", "function isS(v: unknown): v is string { return typeof v === 'string' }\nfunction must(v: unknown): asserts v is string { if (!isS(v)) throw new Error('no') }\nmust('x'); isS(1)", False),
    ("mapped and conditional types", "type M<T> = { readonly [K in keyof T]?: T[K] extends infer U ? U : never };\nconst m: M<{ a: 1 }> = {};\nObject.keys(m).length", 0),
    ("tuples and functions as types", "let pair: [a: string, b?: number] = ['x'];\nlet g: (n: number) => void = (n) => {};\npair.length", 1),
    ("imports of types", "import type { A } from './a';\nimport { readFileSync, type PathLike } from 'fs';\nexport type B = A;\ntypeof readFileSync", "function"),
    ("an exported main", "export interface In { n: number }\nexport default async function main(input: In): Promise<number> { return input.n * 2 }", 8),
    ("comparisons that are no types", "const a = 1, b = 2, c = 3;\n[a < b, a<b&&b<c, a < (b as number)]", [True, True, True]),
    ("strings that look like types", "const s: string = `a: number as ${'b' as string}`;\ns", "a: number as b"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "value"), [case[1:] for case in VALUES], ids=[case[0] for case in VALUES])
def test_code_gives_its_value(javascript: Runner, code: str, value: object) -> None:
    assert run(javascript, code, input={"n": 4}).value == value


MISTAKES: list[tuple[str, str, str, str, int, int, str]] = [
    ("an error after types", "interface U {\n  name?: string;\n}\nconst u = {} as U;\nconst n: number = u.name!.length;", "TypeError", "cannot read property 'length' of undefined", 5, 19, ""),
    ("an error behind types in its line", "const f = (a: number, b: string): never => { throw new Error('here') };\nf(1, 'x');", "Error", "here", 1, 56, ""),
    ("a syntax error", "const a: number = 1;\nlet b: string = ;", "SyntaxError", "nexpected token", 2, 17, ""),
    ("a type that is not closed", "type A = { a: number;\nconst x = 1;", "SyntaxError", "", 2, 7, ""),
    ("a namespace", "const a = 1;\nnamespace N { export const b = a }\nN.b", "SyntaxError", "namespaces are not supported", 2, 1, "plain object"),
    ("a name that a module has not", "import { readFileSync, readFil } from 'fs';\nreadFil as any", "SyntaxError", 'no export "readFil"', 1, 24, "readFile"),
]  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES, ids=[case[0] for case in MISTAKES])
def test_a_mistake_is_told_with_its_place(
    javascript: Runner, case: tuple[str, str, str, str, int, int, str]
) -> None:
    _, code, kind, message, line, column, hint = case
    error = run(javascript, code).error
    assert (error["type"], error["line"], error["column"]) == (kind, line, column)
    assert message in error["message"]
    assert hint in error.get("hint", "")


def test_an_exported_function_is_called_by_its_types(javascript: Runner) -> None:
    code = (
        "export interface Point { x: number; yMax?: number }\n"
        "export function sum(points: Point[]): number { return points.reduce((s, p) => s + p.x + (p.yMax ?? 10), 0) }"
    )
    f64 = ["primitive", "f64"]
    points = [["points", ["list", ["record", [["x", f64], ["y-max", ["option", f64]]]]]]]
    given = {"points": [{"x": 1, "y-max": None}, {"x": 2, "y-max": 0.5}]}
    ended = run(javascript, code, mode="call", function="sum", arguments=given, types=points, result=f64)
    assert ended.value == 13.5
