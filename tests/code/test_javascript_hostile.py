"""JavaScript that means harm costs its own run and nothing else."""

# ruff: noqa: E501 - a program is one line of its table, as long as it is

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Storage
from mcp_wasm.errors import DeadlineExceeded, FuelExhausted, GuestError, Trap
from tests.code.javascript import Runner

LIMITS = {"fuel": 300_000_000}


@pytest.mark.parametrize(
    "code",
    [
        "while (true) {}",
        "const again = () => Promise.resolve().then(again);\nawait again()",
        "for (;;) await null",
        "const t = () => queueMicrotask(t); t()",
        "process.nextTick(function t() { process.nextTick(t) })",
        "/^(a+)+$/.test('a'.repeat(40) + 'b')",
        "const s = new Set([1]); for (const x of s) { s.delete(x); s.add(x) }",
        "new Proxy({}, { get(t, k, r) { for (;;); } }).x",
        "({ toJSON() { for (;;); } })",
        "throw { get message() { for (;;); }, toString() { for (;;); }, [Symbol.for('nodejs.util.inspect.custom')]() { for (;;); } }",
    ],
)  # fmt: skip
def test_an_endless_program_ends_with_its_fuel(javascript: Runner, code: str) -> None:
    with pytest.raises(FuelExhausted):
        javascript(code, limits=LIMITS)


@pytest.mark.parametrize("code", ["setInterval(() => {}, 0)", "await new Promise((r) => setTimeout(r, 1e9))"])
def test_a_program_that_waits_ends_with_its_deadline(javascript: Runner, code: str) -> None:
    with pytest.raises(DeadlineExceeded):
        javascript(code, limits={"deadline": 0.1})


def test_what_was_printed_before_an_endless_loop_is_seen(javascript: Runner) -> None:
    with pytest.raises(FuelExhausted) as caught:
        javascript("console.log('begun'); while (true) {}", limits=LIMITS)
    assert caught.value.report is not None
    assert caught.value.report.stdout.text == "begun\n"


@pytest.mark.parametrize(
    "code",
    [
        "const a = []; while (true) a.push(new Array(100000).fill(a.length))",
        "let s = 'x'; const all = []; while (true) all.push(s += s.slice(0, 1 << 20) + 'y')",
        "new ArrayBuffer(4e9)",
        "'x'.repeat(2 ** 31)",
        "new Array(1e9).fill(0)",
        "const b = []; for (;;) b.push(new Uint8Array(1 << 20))",
    ],
)
def test_memory_that_grows_ends_in_an_error_of_the_run(javascript: Runner, code: str) -> None:
    error = javascript(code, limits={"memory": 64 * 1024 * 1024}).error
    assert error["type"] in {"InternalError", "RangeError"}
    assert error["line"] in {1, None}


def test_out_of_memory_can_be_caught_and_the_run_goes_on(javascript: Runner) -> None:
    code = "let a = []; try { for (;;) a.push(new Uint8Array(1 << 20)) } catch (e) { a = null }\n[1, 2].map((x) => x * 2)"
    assert javascript(code, limits={"memory": 64 * 1024 * 1024}).value == [2, 4]


@pytest.mark.parametrize(
    "code",
    [
        "function f() { f() }\nf()",
        "const o = {}; o.__proto__ = new Proxy(o, { get: (t, k, r) => r[k] }); o.x",
        "class A { constructor() { new A() } }\nnew A()",
        "function* g() { yield* g() }\n[...g()]",
        "async function f() { await f() }\nawait f()",
        "const f = () => [2, 1].sort(f); f()",
        "const f = () => JSON.stringify({ toJSON: f }); f()",
        "eval('('.repeat(200) + 'f()'); function f() { return eval('f()') }",
    ],
)
def test_recursion_is_an_error_of_the_code(javascript: Runner, code: str) -> None:
    try:
        kind = javascript(code).error["type"]
    except Trap as trap:  # where the engine's own recursion is deeper than what it counts
        kind = "RangeError" if "call stack" in str(trap) else str(trap)
    assert kind in {"RangeError", "SyntaxError"}


@pytest.mark.parametrize(
    "code",
    [
        "JSON.parse('['.repeat(1e5))",
        "let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; JSON.stringify(o)",
        "new RegExp('('.repeat(1e5) + ')'.repeat(1e5))",
        "eval('['.repeat(1e5))",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; console.log(a); String(a)",
    ],
)
def test_what_nests_deep_costs_only_its_run(javascript: Runner, code: str) -> None:
    try:
        javascript(code)
    except GuestError as error:
        assert "call stack" in str(error)  # noqa: PT017 - either end is right, another trap is not
    assert javascript("1 + 1").value == 2


def test_there_is_no_way_to_the_system(javascript: Runner) -> None:
    names = [
        "std",
        "os",
        "scriptArgs",
        "bjson",
        "Worker",
        "WebAssembly",
        "load",
        "print",
        "host",
        "own",
        "engine",
        "inner",
    ]
    found = javascript(f"{names}.filter((name) => typeof globalThis[name] !== 'undefined')")
    assert found.value == []
    for module in (
        "std",
        "os.js",
        "qjs:std",
        "qjs:os",
        "runner:inner",
        "module",
        "vm",
        "net",
        "/etc/passwd",
        "../../etc/passwd",
    ):
        error = javascript(f"await import({module!r})").error
        assert "Cannot find module" in error["message"]
    assert "Cannot find module" in javascript("require('/etc/passwd')").error["message"]


def test_files_outside_of_the_folder_cannot_be_reached(javascript: Runner, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret.txt")
    folder = [Storage(tmp_path / "in", "/", write=True)]
    for path in (
        "../secret.txt",
        "/../secret.txt",
        "link",
        "a/../../secret.txt",
        str(tmp_path / "secret.txt"),
    ):
        error = javascript(f"require('fs').readFileSync({path!r}, 'utf8')", approved=folder).error
        assert error["data"]["code"] in {"ENOENT", "EPERM", "EACCES", "ELOOP", "ENOTSUP"}
    assert javascript("require('fs').readFileSync('a', 'utf8')").error["data"]["code"] in {"ENODEV", "ENOENT"}


def test_polluted_prototypes_change_nothing_of_the_answer(javascript: Runner) -> None:
    code = """
        const map = new Map([["k", 1]]), shown = [1, { a: new Map([["k", "v"]]) }];
        for (const type of [Object, Array, String, Map, Set, Promise, RegExp, Error, Function, Number])
          for (const key of Object.getOwnPropertyNames(type.prototype))
            if (key !== "constructor") try { Object.defineProperty(type.prototype, key, { value: () => "bad" }) } catch {}
        Object.defineProperty(Object.prototype, "toJSON", { value: null });
        Object.defineProperty(Object.prototype, "mode", { value: "call" });
        Object.defineProperty(Object.prototype, "error", { value: { type: "Fake" } });
        JSON.stringify = JSON.parse = Object.keys = Reflect.ownKeys = Array.isArray = () => "bad";
        console.log(shown);
        ({ map, list: [1, "x"] })
    """
    ended = javascript(code)
    assert ended.value == {"map": {"k": 1}, "list": [1, "x"]}
    assert ended.stdout == "[ 1, { a: Map(1) { 'k' => 'v' } } ]\n"
    error = javascript(f"{code}\nthrow new TypeError('real')").error
    assert (error["type"], error["message"], error["line"]) == ("TypeError", "real", 13)


def test_globals_that_were_overwritten_change_nothing_of_the_answer(javascript: Runner) -> None:
    code = "for (const k of Object.getOwnPropertyNames(globalThis)) try { globalThis[k] = null } catch {}\n[1, { a: 'b' }]"
    assert javascript(code).value == [1, {"a": "b"}]


def test_a_flood_of_output_is_cut(javascript: Runner) -> None:
    ended = javascript(
        "for (let i = 0; i < 20000; i++) console.log('x'.repeat(1000));\nconsole.error('e'.repeat(1e6)); 1"
    )
    assert ended.value == 1
    assert len(ended.stdout) <= 64 * 1024
    assert ended.report.stdout.dropped > 19_000_000
    assert ended.report.stderr.dropped > 900_000


def test_a_run_knows_nothing_of_another(javascript: Runner) -> None:
    javascript(
        "globalThis.left = 1; Array.prototype.left = 2; require('fs').left = 3; var kept = 4; console.group('g')"
    )
    ended = javascript("[typeof left, [].left, require('fs').left, typeof kept].map(String)")
    assert ended.value == ["undefined", "undefined", "undefined", "undefined"]
    assert javascript("console.log('x')").stdout == "x\n"


def test_chance_and_time_are_of_the_run_and_not_of_the_snapshot(javascript: Runner) -> None:
    code = "[Math.random(), crypto.randomUUID(), require('crypto').randomBytes(8).toString('hex'), Date.now(), new Date().getFullYear()]"
    one, other = javascript(code).value, javascript(code).value
    assert all(a != b for a, b in zip(one[:3], other[:3], strict=True))
    assert other[3] >= one[3] > 1.7e12
    assert one[4] >= 2025


def test_tools_that_were_not_granted_are_refused(javascript: Runner) -> None:
    found = javascript("import { ToolError } from 'tools';\nObject.keys(await import('tools'))").value
    assert sorted(found) == ["ToolError", "default"]
    code = "const { Host } = globalThis; Function.prototype.constructor('return typeof callTool')()"
    assert javascript(code).value == "undefined"


def test_the_runner_that_was_tampered_with_answers_json_or_traps(javascript: Runner) -> None:
    codes = (
        "const inner = console.log.constructor('return this')(); inner.JSON = null; 1",
        "Error.prepareStackTrace = () => { for (const x of []) x; return 5 }; throw new Error('x')",
        "Object.defineProperty(Error.prototype, 'stack', { get() { return Symbol() } }); throw new Error('y')",
        "Error.stackTraceLimit = 0; throw new Error('z')",
    )
    for code in codes:
        answer = javascript(code).answer
        assert answer == {"value": 1} or answer["error"]["type"] == "Error"
