"""What has no WIT type is refused with the line, the column, the reason, and what to write instead."""

from __future__ import annotations

import pytest

from mcp_wasm.build.signature import typescript
from mcp_wasm.build.signature.parts import MOST
from mcp_wasm.build.signature.tree import LARGEST
from mcp_wasm.build.signature.typescript import MOST_FUNCTIONS
from mcp_wasm.errors import SignatureRefused


def f(type_: str) -> str:
    """A function that takes that type, which begins at the line 1, column 22."""
    return f"export function f(x: {type_}): void {{}}"


REFUSED = [
    ("", 1, 1, "no function at the top level", "export function add"),
    ("const x = 1;", 1, 1, "no function at the top level", "export function add"),
    ("export function _f(x: number): void {}", 1, 1, "no function", "export function add"),
    ("export function f(x) {}", 1, 19, "parameter `x` of `f` has no type", "@param {string} x"),
    ("export function f(x: number) {}", 1, 17, "`f` has no result type", "@returns"),
    ("export function f(...x: number[]): void {}", 1, 19, "any number of arguments", "array"),
    ("export function f({ a }: { a: number }): void {}", 1, 19, "has no name", "take it apart inside"),
    ("export function f<T>(x: T): void {}", 1, 17, "`f` is generic", "without type parameters"),
    ("export function* f(x: number): number[] {}", 1, 18, "is a generator", "array"),
    ("export function f(x: number): x is string {}", 1, 29, "type predicate", ": boolean"),
    (
        "export function f(aB: number, a_b: number): void {}",
        1,
        31,
        "two parameters of `f` are `a-b`",
        "Rename",
    ),
    ("export function f(größe: number): void {}", 1, 19, "`größe` cannot be a name", "ASCII"),
    ("export function aB(): void {}\nexport function a_b(): void {}", 2, 17, "both `a-b`", "Rename"),
    ("export function f(/* é */ x: any): void {}", 1, 30, "`any` has no WIT type", "Use number"),
    (f("any"), 1, 22, "`any` has no WIT type", "It can be anything"),
    (f("unknown"), 1, 22, "`unknown` has no WIT type", "It can be anything"),
    (f("object"), 1, 22, "`object` has no WIT type", "interface"),
    (f("any[]"), 1, 22, "`any` has no WIT type", "Use number"),
    (f("Array"), 1, 22, "`Array` has no WIT type", "T[]"),
    (f("Function"), 1, 22, "no WIT type", "cannot be sent"),
    (f("(a: number) => void"), 1, 22, "has no WIT type", "Use number"),
    (f("void"), 1, 22, "void alone", "T | null"),
    (f("null"), 1, 22, "is no type of a value", "T | null"),
    (f("null | undefined"), 1, 22, "is no type of a value", "T | null"),
    (f("Promise<number>"), 1, 22, "cannot be a value inside", "returns"),
    (f("Partial<{ a: number }>"), 1, 22, "`Partial` has no WIT type", "optional properties"),
    (f("Record<number, string>"), 1, 29, "keys of `Record` are texts", "Record<string, T>"),
    (f("[]"), 1, 22, "empty tuple", "Leave it out"),
    (f("[number, string?]"), 1, 31, "all its elements", "T | null"),
    (f("[number, ...string[]]"), 1, 31, "all its elements", "T[]"),
    (f("1 | 2"), 1, 22, "`1` is no type", "number"),
    (f("true"), 1, 22, "`true` alone", "boolean"),
    (f('"a" | number'), 1, 22, "texts beside other types", "texts alone"),
    (f('"1st"'), 1, 22, "cannot be the name of a case", "letter"),
    (f('"a b" | "a-b"'), 1, 22, "both `a-b`", "Rename"),
    (f("number[] | string[]"), 1, 33, "cannot be told from", "says which it is"),
    (f("{ a: number } | { b: number }"), 1, 22, "no property in common", 'kind: "circle"'),
    (f('{ k: "a"; x: number } | { k: "a" }'), 1, 46, "case of its own", "name of its own"),
    (f("{ a(): void }"), 1, 24, "`a` is no property", "top level"),
    (f("{ a }"), 1, 24, "`a` has no type", "a: string"),
    (f("{}"), 1, 22, "no properties", "properties"),
    (f("{ a: number; [k: string]: number }"), 1, 35, "either properties or an index", "property"),
    (f("{ aB: number; a_b: number }"), 1, 36, "two properties are `a-b`", "Rename"),
    (f("{ ä: number }"), 1, 24, "cannot be a name", "ASCII"),
    (f("A & B"), 1, 22, "`A & B` has no WIT type", "Use number"),
    (f("keyof A"), 1, 22, "has no WIT type", "Use number"),
    (f("Missing"), 1, 22, "`Missing` is not declared", "Declare it here"),
    (f("NS.Missing"), 1, 22, "`NS.Missing` has no WIT type", "Use number"),
    (f("A") + "\nclass A { x = 1 }", 1, 22, "`A` is a class", "interface"),
    (f("A") + "\ninterface A<T> { x: T }", 1, 22, "`A` is generic", "without"),
    (f("A<number>") + "\ninterface A<T> { x: T }", 1, 22, "`A` is generic", "without"),
    (f("A") + "\ninterface A { next?: A }", 2, 22, "contains itself", "flat list"),
    (f("A") + "\ntype A = A[];", 2, 10, "contains itself", "recursive"),
    (f("A") + '\ntype A = { k: "n"; a: A } | { k: "e" };', 2, 23, "contains itself", "flat list"),
    (f("A") + "\ninterface A extends B { x: number }", 2, 21, "no interface of this source", "Extend"),
    (f("A") + "\nenum A { B = 1 << 2 }", 2, 10, "cannot be read", "text or a number"),
    (f("A") + "\nenum A { }", 2, 1, "no members", "some"),
    (f("A") + "\nenum A { a_b, aB }", 2, 15, "cannot be a case of its own", "Rename"),
    ("/** @param {*} x\n * @returns {void} */\nfunction f(x) {}", 1, 13, "", ""),
    (
        "/**\n * @param {foo bar} x\n * @returns {void} */\nfunction f(x) {}",
        2,
        12,
        "is no type",
        "TypeScript",
    ),
    ("/**\n * @param {Foo[]} x\n * @returns {void} */\nfunction f(x) {}", 2, 12, "not declared", "Declare"),
    ("/** @param {string} x */\nfunction f(x) {}", 2, 10, "no result type", "@returns"),
    ("/** @param x\n * @returns {void} */\nfunction f(x) {}", 3, 12, "has no type", "@param {string} x"),
    ("export function f(x: number: void {}", 1, 28, "SyntaxError", ""),
    ("export class A { f(x: number): void {} }", 1, 1, "no function", "export function"),
]


@pytest.mark.parametrize(("source", "line", "column", "reason", "hint"), REFUSED)
def test_what_cannot_be_typed_is_refused(source: str, line: int, column: int, reason: str, hint: str) -> None:
    with pytest.raises(SignatureRefused) as refusal:
        typescript.signature(source, file="tool.ts")
    refused = refusal.value
    assert reason in refused.reason
    assert hint in refused.hint
    assert (refused.file, refused.line, refused.column) == ("tool.ts", line, column)


def test_a_named_function_must_be_there_public_and_typed() -> None:
    source = "function f(x: number): void {}\nfunction _g(): void {}\nfunction h(x) {}\n"
    for name, reason in (("nope", "no function `nope`"), ("_g", "private"), ("h", "has no type")):
        with pytest.raises(SignatureRefused, match=reason):
            typescript.signature(source, functions=["f", name])
    assert len(typescript.signature(source, functions=["f", "f"]).functions) == 1
    with pytest.raises(SignatureRefused, match="no function `g`"):
        typescript.signature("export function f(): void {}\nfunction g(): void {}", functions=["g"])


def test_a_body_that_the_parser_does_not_know_does_not_matter() -> None:
    source = "export function f(x: number): void { using a = @@ b; }\n"
    assert len(typescript.signature(source).functions) == 1


def test_a_source_and_its_types_have_a_largest_size() -> None:
    rest = "export function f(x: number): void {}\n"
    typescript.signature(rest + "/" * (LARGEST - len(rest)))
    with pytest.raises(SignatureRefused, match="larger than 512 KiB"):
        typescript.signature(rest + "/" * (LARGEST - len(rest) + 1))
    functions = [f"export function f{n}(): void {{}}\n" for n in range(MOST_FUNCTIONS + 1)]
    assert len(typescript.signature("".join(functions[1:])).functions) == MOST_FUNCTIONS
    with pytest.raises(SignatureRefused, match="more than 100 functions"):
        typescript.signature("".join(functions))
    doubled = "".join(f"type A{n + 1} = [A{n}, A{n}];\n" for n in range(14))
    with pytest.raises(SignatureRefused, match=f"more than {MOST} parts"):
        typescript.signature(f"type A0 = number;\n{doubled}{f('A14')}")
    assert typescript.signature(f"type A0 = number;\n{doubled}{f('A4')}").functions


def test_interfaces_that_grow_with_each_level_are_refused_by_the_size_of_their_schema() -> None:
    fields = "interface A0 { x: number }\n"
    fields += "".join(f"interface A{n + 1} {{ a: A{n}; b: A{n} }}\n" for n in range(20))
    with pytest.raises(SignatureRefused, match="would be larger than 256 KiB"):
        typescript.signature(fields + f("A20"))
    assert typescript.signature(fields + f("A5")).functions


HOSTILE = {
    "parentheses": f("(" * 20_000 + "number" + ")" * 20_000),
    "open": "(" * 100_000,
    "arrays": f("number" + "[]" * 20_000),
    "unions": f("number | " * 30_000 + "number"),
    "texts": f(" | ".join(f'"a{n}"' for n in range(20_000))),
    "objects": f("{ a: " * 5_000 + "number" + "}" * 5_000),
    "generics": f("Array<" * 20_000 + "number" + ">" * 20_000),
    "aliases": "type A = B | C; type B = A | C; type C = A | B;\n" + f("A | B"),
    "extends": "interface A extends B {} interface B extends A {}\n" + f("A"),
    "extends twice": "".join(f"interface A{n} extends A{n + 1}, A{n + 1} {{}}\n" for n in range(40))
    + f("A0"),
    "intersections": f("A & " * 30_000 + "A"),
    "jsdoc": "/** @param {" + "(" * 20_000 + "} x\n * @returns {void} */\nfunction f(x) {}",
    "dots": "/** @param {Object} x\n" + " * @param {Object} x.a\n" * 3_000 + "*/\nfunction f(x) {}",
    "dotted": "/** @param {Object} x\n * @param {string} x" + ".a" * 20_000 + "\n*/\nfunction f(x) {}",
    "surrogates": f("'\ud800'"),
    "nothing": "\0" * 1000,
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_hostile_sources_are_refused_and_no_more(source: str) -> None:
    with pytest.raises(SignatureRefused):
        typescript.signature(source)
