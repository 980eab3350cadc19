"""JavaScript as models write it: values, output, and what is said of mistakes."""

# ruff: noqa: E501 - a program is one line of its table, as long as it is

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import Storage
from tests.code.javascript import Runner

# What the code is, and the value it has.
VALUES: list[tuple[str, str, Any]] = [
    ("the last expression", "const a = 2;\na * 21", 42),
    ("a variable named result", "const result = [1, 2].map((x) => x * 2);\nconsole.log('done');", [2, 4]),
    ("a main function", "function main() { return { ok: true }; }", {"ok": True}),
    ("an async main", "async function main() { return (await Promise.resolve([1])).length; }", 1),
    ("no value", "const unused = 1;", None),
    ("a loop has no value", "let sum = 0;\nfor (const x of [1, 2]) { sum += x }", None),
    ("a branch has no value", "if (true) { 5 } else { 6 }", None),
    ("top-level await", "const r = await Promise.all([1, 2].map(async (x) => x + 1));\nr", [2, 3]),
    ("a promise is awaited", "Promise.resolve(7)", 7),
    ("an object literal", "({ a: 1, nested: { list: ['x', null] } })", {"a": 1, "nested": {"list": ["x", None]}}),
    ("parsing CSV", "'a,b\\n1,2\\n3,4'.split('\\n').slice(1).map((l) => l.split(',').map(Number))", [[1, 2], [3, 4]]),
    ("grouping", "Object.groupBy([1, 2, 3], (x) => (x % 2 ? 'odd' : 'even'))", {"odd": [1, 3], "even": [2]}),
    ("counting words", "'a b a'.split(' ').reduce((m, w) => ({ ...m, [w]: (m[w] ?? 0) + 1 }), {})", {"a": 2, "b": 1}),
    ("named groups", "'2024-03-10'.match(/(?<y>\\d+)-(?<m>\\d+)/).groups.m", "03"),
    ("matchAll and lookbehind", "[...'$5 and $12'.matchAll(/(?<=\\$)\\d+/g)].map((m) => +m[0])", [5, 12]),
    ("unicode properties", "'Żółw 42 naïve'.match(/\\p{L}+/gu)", ["Żółw", "naïve"]),
    ("dates in UTC", "new Date(Date.UTC(2024, 1, 29, 12)).toISOString()", "2024-02-29T12:00:00.000Z"),
    ("days between", "(new Date('2024-03-01') - new Date('2024-02-01')) / 864e5", 29),
    ("recursion", "const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));\nfib(15)", 610),
    ("a generator", "function* g() { let i = 0; while (true) yield i++; }\nconst [a, b, c] = g();\n[a, b, c]", [0, 1, 2]),
    ("iterator helpers", "new Set([3, 4]).values().map((x) => x * 2).toArray()", [6, 8]),
    ("an async generator", "async function* g() { yield 1; yield 2 }\nlet s = 0; for await (const x of g()) s += x;\ns", 3),
    ("private members", "class A { #n = 1; static of() { return new A(); } up() { return ++this.#n; } }\nA.of().up()", 2),
    ("inheritance", "class A { hi() { return 'a' } }\nclass B extends A { hi() { return super.hi() + 'b' } }\nnew B().hi()", "ab"),
    ("catching", "let m; try { null.x } catch (e) { m = e instanceof TypeError } finally { }\nm", True),
    ("code points", "[...'a😀b'].length + '😀'.length", 5),
    ("normalising", "'Crème Brûlée'.normalize('NFD').replace(/\\p{M}/gu, '').toLowerCase()", "creme brulee"),
    ("BigInt", "const f = (n) => (n < 2n ? 1n : n * f(n - 1n));\nf(25n)", "15511210043330985984000000"),
    ("BigInt that fits", "2n ** 10n", 1024),
    ("a Map", "new Map([['a', 1], ['b', new Set([2])]])", {"a": 1, "b": [2]}),
    ("a Map of other keys", "new Map([[{ k: 1 }, 2]])", [[{"k": 1}, 2]]),
    ("no number", "[NaN, Infinity, -0]", ["NaN", "Infinity", 0]),
    ("bytes", "new TextEncoder().encode('hé')", {"base64": "aMOp"}),
    ("a Date", "({ at: new Date(0) })", {"at": "1970-01-01T00:00:00.000Z"}),
    ("an instance", "class P { constructor() { this.x = 1 } }\nnew P()", {"x": 1}),
    ("destructuring", "const { a, ...rest } = { a: 1, b: 2 };\nconst [x, , y = 9] = [1, 2];\n[rest, x, y]", [{"b": 2}, 1, 9]),
    ("a closure", "const c = () => { let n = 0; return () => ++n };\nconst f = c(); f(); f()", 2),
    ("JSON", "JSON.parse(JSON.stringify({ d: new Date(0), u: undefined, n: [1] }))", {"d": "1970-01-01T00:00:00.000Z", "n": [1]}),
    ("sorting by two keys", "[['b', 1], ['a', 2], ['a', 1]].sort((p, q) => p[0].localeCompare(q[0]) || p[1] - q[1])", [["a", 1], ["a", 2], ["b", 1]]),
    ("words sort as people do", "['Zebra', 'apple', 'Äpfel', 'zebra'].sort((a, b) => a.localeCompare(b))", ["Äpfel", "apple", "zebra", "Zebra"]),
    ("numbers for people", "[(1234567.891).toLocaleString(), (0.256).toLocaleString('en-US', { style: 'percent' }), (9.5).toLocaleString('en-US', { style: 'currency', currency: 'USD' })]", ["1,234,567.891", "26%", "$9.50"]),
    ("padding", "'7'.padStart(3, '0') + (3.14159).toFixed(2) + (255).toString(16)", "0073.14ff"),
    ("a tagged template", "const t = (s, ...v) => s.raw.join('|') + v.join();\nt`a${1}b${2}`", "a|b|1,2"),
    ("a proxy", "new Proxy({}, { get: (_, k) => `got ${k}` }).thing", "got thing"),
    ("structuredClone", "const o = { m: new Map([[1, { d: new Date(0) }]]) }; o.self = o;\nconst c = structuredClone(o);\n[c.self === c, c.m.get(1).d.getTime()]", [True, 0]),
    ("a URL", "const u = new URL('../x?q=a b&q=2#h', 'https://Ex.com:443/a/b/c');\n[u.href, u.searchParams.getAll('q')]", ["https://ex.com/a/x?q=a%20b&q=2#h", ["a b", "2"]]),
    ("base64", "[btoa('hi'), atob('aGk='), Buffer.from('é').toString('hex')]", ["aGk=", "hi", "c3a9"]),
    ("decoding", "new TextDecoder().decode(new Uint8Array([0xe2, 0x82, 0xac, 0xff]))", "€\ufffd"),
    ("a digest", "require('crypto').createHash('sha256').update('abc').digest('hex').slice(0, 16)", "ba7816bf8f01cfea"),
    ("an imported module", "import path, { join } from 'node:path';\nimport * as util from 'util';\n[join('a', '../b'), path.extname('x.tar.gz'), util.format('%d', 4)]", ["b", ".gz", "4"]),
    ("a required module", "const { EventEmitter } = require('events');\nconst e = new EventEmitter(); let got = [];\ne.on('x', (v) => got.push(v)); e.emit('x', 1);\ngot", [1]),
    ("exports", "export const twice = (x) => x * 2;\nexport default twice;\ntwice(4)", 8),
    ("a dynamic import", "const { sep } = await import('path');\nsep", "/"),
    ("tools of nobody", "import * as tools from 'tools';\nObject.keys(tools)", ["ToolError", "default"]),
    ("AbortController", "const c = new AbortController(); c.abort(); c.signal.aborted", True),
    ("deep equality", "require('assert').deepStrictEqual({ a: [1, new Set([2])] }, { a: [1, new Set([2])] }); 'same'", "same"),
    ("an elapsed time", "const t = performance.now(); performance.now() >= t && Date.now() > 1.6e12", True),
    ("a random number", "const r = Math.random(); r >= 0 && r < 1 && crypto.randomUUID().length === 36", True),
    ("a main that calls itself", "async function main() { return 1 }\nmain().then(() => {});", None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "value"), [case[1:] for case in VALUES], ids=[case[0] for case in VALUES])
def test_code_gives_its_value(javascript: Runner, code: str, value: object) -> None:
    assert javascript(code).value == value


# What the code is, and what it prints.
PRINTED: list[tuple[str, str, str]] = [
    ("values of every kind", "console.log('a', 1, -0, true, null, undefined, 10n, Symbol('s'))", "a 1 -0 true null undefined 10n Symbol(s)\n"),
    ("objects", "console.log({ a: 1, 'b-c': ['x', { d: { e: { f: 1 } } }] })", "{ a: 1, 'b-c': [ 'x', { d: [Object] } ] }\n"),
    ("collections", "console.log(new Map([['a', [1]]]), new Set(['x']), new Uint8Array(2))", "Map(1) { 'a' => [ 1 ] } Set(1) { 'x' } Uint8Array(2) [ 0, 0 ]\n"),
    ("classes", "class A { x = 1 }\nconsole.log(new A(), A, () => 1, function f() {})", "A { x: 1 } [class A] [Function (anonymous)] [Function: f]\n"),
    ("a circle", "const o = { n: 1 }; o.o = o; console.log(o)", "<ref *1> { n: 1, o: [Circular *1] }\n"),
    ("long lists in columns", "console.log(Array.from({ length: 10 }, (_, i) => i * 100))", "[\n    0, 100, 200, 300,\n  400, 500, 600, 700,\n  800, 900\n]\n"),
    ("format strings", "console.log('%s is %d%%, %j', 'x', 5, { a: 1 }, 'rest')", 'x is 5%, {"a":1} rest\n'),
    ("a table", "console.table([{ a: 1, b: 'x' }])", "┌─────────┬───┬─────┐\n│ (index) │ a │ b   │\n├─────────┼───┼─────┤\n│ 0       │ 1 │ 'x' │\n└─────────┴───┴─────┘\n"),
    ("groups and counts", "console.group('g'); console.count(); console.count(); console.groupEnd(); console.log('end')", "g\n  default: 1\n  default: 2\nend\n"),
    ("an error with its place", "console.log(new RangeError('far'))", "RangeError: far\n    at code.js:1:17\n"),
    ("the order of the event loop", "setTimeout(() => console.log(4)); setImmediate(() => console.log(5)); Promise.resolve().then(() => console.log(3)); process.nextTick(() => console.log(2)); console.log(1)", "1\n2\n3\n4\n5\n"),
    ("timers in the order they are due", "setTimeout(console.log, 3, 'b'); setTimeout(console.log, 1, 'a'); let n = 0; const t = setInterval(() => { if (++n === 2) clearInterval(t) }, 1)", "a\nb\n"),
    ("sleeping", "const sleep = (ms) => new Promise((r) => setTimeout(r, ms));\nconst t = performance.now(); await sleep(5); console.log(performance.now() - t >= 4)", "true\n"),
    ("process.stdout", "process.stdout.write('no newline')", "no newline"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [case[1:] for case in PRINTED], ids=[case[0] for case in PRINTED])
def test_code_prints_as_in_node(javascript: Runner, code: str, text: str) -> None:
    ended = javascript(code)
    assert "error" not in ended.answer
    assert ended.stdout == text


# What the code is; the error's type, part of its message, its line and column; part of its hint.
MISTAKES: list[tuple[str, str, str, str, int | None, int | None, str]] = [
    ("an unknown name", "const a = 1;\nconsole.log(b);", "ReferenceError", "b is not defined", 2, 13, ""),
    ("a property of undefined", "const user = {};\nuser.address.city", "TypeError", "cannot read property 'city' of undefined", 2, 1, "user.address.city"),
    ("no function", "const f = 5;\nf();", "TypeError", "not a function", 2, 1, "Line 2 is: f();"),
    ("a constant assigned", "const x = 1;\nx = 2;", "TypeError", "read-only", 2, 1, ""),
    ("a syntax error", "let a = 1;\nlet b = ;", "SyntaxError", "unexpected token", 2, 9, ""),
    ("a name declared twice", "let a = 1;\nlet a = 2;", "SyntaxError", "redefinition", 2, 7, ""),
    ("a return at the top", "return 5", "SyntaxError", "return not in a function", 1, 1, "main(input)"),
    ("bad JSON", "\nJSON.parse('{bad')", "SyntaxError", "in JSON at position 1", 2, 6, ""),
    ("an unknown package", "const _ = require('lodash')", "Error", "Cannot find module 'lodash'", 1, 10, "there is no npm"),
    ("an unknown import", "import _ from 'lodash';\n_.map([])", "Error", "Cannot find module 'lodash'", 1, 1, "there is no npm"),
    ("a client of the network", "import axios from 'axios';", "Error", "Cannot find module 'axios'", 1, 1, "no network"),
    ("a name that a module has not", "import { readFile, writeFil } from 'fs/promises';", "SyntaxError", 'no export "writeFil"', 1, 20, "Did you mean writeFile"),
    ("fetch", "const r = await fetch('https://example.com/x')", "TypeError", "there is no network here (https://example.com/x)", 1, 16, "no network"),
    ("a process", "require('child_process').execSync('ls')", "Error", "child_process", 1, 1, "no processes"),
    ("process.exit", "console.log(1); process.exit(2); console.log(3)", "Exit", "process.exit(2)", None, None, "Throw an Error"),
    ("endless recursion", "function f(n) { return f(n + 1) }\nf(0)", "RangeError", "call stack", 1, 29, "recursion"),
    ("a class of its own", "class Bad extends Error { constructor(m) { super(m); this.name = 'Bad'; this.field = 'f' } }\nfunction g() { throw new Bad('no') }\ng()", "Bad", "no", 2, 26, ""),
    ("something else thrown", "throw { code: 7 }", "thrown value", "{ code: 7 }", None, None, "Throw an Error"),
    ("a rejection that nobody handles", "Promise.reject(new Error('lost'));\n1", "Error", "lost", 1, 20, ""),
    ("an error in a timer", "setTimeout(() => { throw new Error('late') }, 1)", "Error", "late", 1, 30, ""),
    ("a promise that never settles", "await new Promise(() => {})", "Error", "nothing is left to settle", None, None, "resolve or reject"),
    ("Intl", "new Intl.NumberFormat()", "ReferenceError", "Intl is not defined", 1, 5, "toLocaleString"),
    ("a page", "document.title", "ReferenceError", "document is not defined", 1, 1, "not a browser"),
    ("a tool that was not granted", "import { textDiff } from 'tools';", "SyntaxError", 'no export "textDiff"', 1, 10, "grants add code tools names="),
    ("no input", "input.length", "ReferenceError", "input is not defined", 1, 1, "No input"),
    ("an assertion", "require('assert').strictEqual(1, 2, 'sum')", "AssertionError", "sum", 1, 18, ""),
]  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES, ids=[case[0] for case in MISTAKES])
def test_a_mistake_is_told_with_its_place(
    javascript: Runner, case: tuple[str, str, str, str, int | None, int | None, str]
) -> None:
    _, code, kind, message, line, column, hint = case
    error = javascript(code).error
    assert (error["type"], error["line"], error["column"]) == (kind, line, column)
    assert message in error["message"]
    assert hint in error.get("hint", "")
    assert "runner:" not in error["traceback"]
    assert "native" not in error["traceback"]


def test_a_traceback_has_the_frames_of_the_code_and_the_cause(javascript: Runner) -> None:
    code = (
        "function inner() { throw new TypeError('low') }\n"
        "function outer() {\n  try { inner() } catch (e) { throw new Error('high', { cause: e }) }\n}\n"
        "[1].forEach(() => outer())"
    )
    error = javascript(code).error
    assert re.sub(r":\d+(?=\)?$)", "", error["traceback"], flags=re.MULTILINE).splitlines() == [
        "Error: high",
        "    at outer (code.js:3)",
        "    at <anonymous> (code.js:5)",
        "    at code.js:5",
        "caused by TypeError: low",
        "    at inner (code.js:1)",
        "    at outer (code.js:3)",
        "    at <anonymous> (code.js:5)",
        "    at code.js:5",
    ]


def test_properties_of_an_error_come_as_data(javascript: Runner) -> None:
    error = javascript("throw Object.assign(new Error('x'), { code: 'E1', at: [1, 2], f() {} })").error
    assert error["data"] == {"code": "E1", "at": [1, 2]}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("new Map([['a', 1n]])", "Map(1) { 'a' => 1n }"),
        ("() => 1", "[Function (anonymous)]"),
        ("const o = {}; o.o = o; o", "<ref *1> { o: [Circular *1] }"),
        ("({ f: () => 1, u: undefined })", "{ f: [Function: f], u: undefined }"),
        ("'x'.repeat(9000).split('').map(Symbol)", "[\n  Symbol(x),"),
    ],
)
def test_what_is_no_json_is_shown_as_text(javascript: Runner, code: str, text: str) -> None:
    shown = javascript(code).answer["text"]
    assert shown.startswith(text)
    assert len(shown) < 8400


def test_input_is_given_to_main_and_as_a_variable(javascript: Runner) -> None:
    assert (
        javascript(
            "function main(input) { return input.n + input.list.length }", input={"n": 1, "list": [2]}
        ).value
        == 2
    )
    assert javascript("export default async function main(given) { return given }", input=None).value is None
    assert javascript("input instanceof Array && input.map((x) => x + 1)", input=[1]).value == [2]


def test_files_of_the_scratch_folder_are_read_and_written(javascript: Runner, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"a": [1, 2]}')
    (tmp_path / "lib.mjs").write_text("export const twice = (x) => x * 2;\nexport default 'lib';\n")
    (tmp_path / "old.js").write_text("module.exports = { three: 3 };\n")
    code = """
        import { readFileSync, writeFileSync, existsSync, readdirSync, mkdirSync, statSync, unlinkSync } from "fs";
        import { appendFile, readFile } from "node:fs/promises";
        import name, { twice } from "./lib.mjs";
        const data = JSON.parse(readFileSync("in.json", "utf8"));
        mkdirSync("out/deep", { recursive: true });
        writeFileSync("out/deep/a.txt", "é".repeat(3));
        await appendFile("/out/deep/a.txt", Buffer.from("!"));
        unlinkSync("old.js");
        const gone = existsSync("old.js");
        [data.a.length, name, twice(4), await readFile("out/deep/a.txt", "utf8"), statSync("out/deep/a.txt").size,
          readdirSync("/"), statSync("out").isDirectory(), gone]
    """
    folder = [Storage(tmp_path, "/", write=True)]
    assert javascript("require('./old').three", approved=folder).value == 3
    found = javascript(code, approved=folder).value
    assert found == [2, "lib", 8, "ééé!", 7, ["in.json", "lib.mjs", "out"], True, False]
    assert (tmp_path / "out" / "deep" / "a.txt").read_text() == "ééé!"
    error = javascript("require('fs').readFileSync('nope.txt')", approved=folder).error
    assert (error["data"]["code"], error["line"]) == ("ENOENT", 1)
    assert "readdirSync" in error["hint"]


PRIMITIVES = {name: ["primitive", name] for name in ("string", "f64", "u64", "bool", "u8")}


def call(javascript: Runner, code: str, name: str, arguments: dict[str, Any], **types: Any) -> Any:
    result = types.pop("result", None)
    listed = [[param.replace("_", "-"), type_] for param, type_ in types.items()]
    return javascript(code, mode="call", function=name, arguments=arguments, types=listed, result=result)


def test_a_function_is_called_with_values_of_its_types(javascript: Runner) -> None:
    record = ["record", [["is-on", PRIMITIVES["bool"]], ["big", ["option", PRIMITIVES["u64"]]]]]
    code = """
        export function f(firstName, big, raw, opts, pick = 4) {
          return [firstName, typeof big, raw instanceof Uint8Array, raw.length, opts.isOn, opts.big, pick];
        }
    """
    told = call(
        javascript, code, "f", {"first-name": "Ann", "big": "18446744073709551615", "raw": "AQI=", "opts": {"is-on": True}},
        first_name=PRIMITIVES["string"], big=PRIMITIVES["u64"], raw=["list", PRIMITIVES["u8"]], opts=record,
        pick=["option", PRIMITIVES["f64"]], result=["list", PRIMITIVES["string"]],
    )  # fmt: skip
    assert told.error["message"] == "the result[2] should be a string, but is true"
    told = call(
        javascript,
        "export const f = async (o) => ({ isOn: !o.isOn, big: 2n ** 64n - 1n, more: 1 })",
        "f",
        {"o": {"is-on": True, "big": None}},
        o=record,
        result=record,
    )
    assert told.value == {"is-on": False, "big": "18446744073709551615"}


def test_a_function_that_is_not_there_is_named(javascript: Runner) -> None:
    error = call(javascript, "export function sum() {}", "summ", {}).error
    assert error["message"] == 'the code has no top-level function "summ"'


def test_an_answer_is_plain_json(javascript: Runner) -> None:
    ended = javascript("['\\ud800', 'ok', 2 ** 53, 1e21]")
    assert json.dumps(ended.value) == '["\\ufffd", "ok", 9007199254740992, 1e+21]'
