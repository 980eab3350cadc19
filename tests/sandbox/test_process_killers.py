"""What ends the host process with the stock package, each in a child of its own: one clear error instead."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.sandbox.children import output

ASYNC_TYPES = {
    "a stream is imported": '(type $s (stream u8)) (import "f" (func (param "x" $s)))',
    "a future is imported": '(type $s (future u8)) (import "f" (func (result $s)))',
    "an interface imports a stream": """(import "a:b/c" (instance
        (type $s (stream u8)) (export "f" (func (result $s)))))""",
    "a stream is exported": """
        (core module $m (func (export "f") (result i32) unreachable)) (core instance $i (instantiate $m))
        (type $s (stream u8)) (func (export "f") (result $s) (canon lift (core func $i "f")))""",
    "a future is exported": """
        (core module $m (func (export "f") (param i32) unreachable)) (core instance $i (instantiate $m))
        (type $s (future string)) (func (export "f") (param "x" $s) (canon lift (core func $i "f")))""",
    "an export is async": """
        (core module $m (func (export "f") (result i32) unreachable)) (core instance $i (instantiate $m))
        (func (export "f") async (canon lift (core func $i "f") async (callback (core func $i "f"))))""",
}


@pytest.mark.parametrize("text", ASYNC_TYPES.values(), ids=ASYNC_TYPES.keys())
def test_a_component_with_async_types_is_refused_and_the_process_goes_on(
    home: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "asynchronous.wat").write_text(f"(component {text})")
    printed = output(
        home,
        f"""
        with Runtime(home=home) as runtime:
            try:
                runtime.add({str(tmp_path / "asynchronous.wat")!r})
            except ComponentRefused as error:
                print("refused:", error.reason)
            runtime.add(programs / "tiny.wat")
            print(runtime.call_sync("tiny_add", {{"a": 1, "b": 2}}).value)
        """,
    )
    refused, answer = printed.splitlines()
    assert "async" in refused
    assert answer == "3"


# A guest that calls a host function of ours, linked by the same parts as the real register.
HOST_GUEST = """
    import hashlib, itertools, sys
    from types import SimpleNamespace
    from mcp_wasm.component import types as wit
    from mcp_wasm.sandbox import hostfunc, instance, linker
    from mcp_wasm.sandbox.prepared import Shelf
    from mcp_wasm.sandbox.artifacts import Cache
    from mcp_wasm.sandbox.children import Children
    from mcp_wasm.sandbox.engine import engine
    from mcp_wasm.sandbox.call import About, Permit
    from mcp_wasm.sandbox.host.interface import Interface
    from mcp_wasm.sandbox.inspect import inspect
    from mcp_wasm.sandbox.services import Services
    from mcp_wasm.sandbox.stop import Stop, Watchdog
    from wasmtime import wat2wasm

    def guest(type_, core, extra=""):
        return wat2wasm(f'''(component
            (import "test:host/it" (instance $host (export "ask" (func {type_}))))
            (core module $libc (memory (export "memory") 1) (func (export "realloc")
              (param i32 i32 i32 i32) (result i32) (i32.const 64)))
            (core instance $libc (instantiate $libc))
            (core func $ask (canon lower (func $host "ask") {extra}))
            (core module $m
              (import "h" "ask" (func $ask {core}))
              (func (export "go") {core} (call $ask)))
            (core instance $i (instantiate $m (with "h" (instance (export "ask" (func $ask))))))
            (func (export "go") {type_} (canon lift (core func $i "go") {extra})))''')

    numbers = itertools.count()

    def call(binary, result, run):
        signature = wit.Function("test:host/it", "ask", (), result)
        module = f"test{next(numbers)}"
        interface = Interface("test:host/it", ("",), {"ask": hostfunc.plain(signature, run, {})})
        sys.modules[f"mcp_wasm.sandbox.host.{module}"] = SimpleNamespace(INTERFACES=(interface,))
        linker.REGISTER = {**linker.REGISTER, "test:host/it": module}
        permit = Permit(About("go", "guest", ""), Limits(), Services(home))
        go = wit.Function("", "go", (), result)
        world = inspect(binary, "guest", Children()).world
        shelf = Shelf(Cache(home / "cache"), Children())
        prepared = shelf.prepare(hashlib.sha256(binary).hexdigest(), world, [go], lambda: binary)
        watchdog = Watchdog(engine().increment_epoch)
        try:
            return instance.run(permit, prepared, prepared.plans["go"], {}, Stop(), watchdog)
        except McpWasmError as error:
            cause = error.__cause__
            return f"{type(error).__name__} because of {type(cause).__name__}"
        finally:
            watchdog.close()
"""


def host_call(home: Path, tail: str) -> str:
    return output(home, textwrap.dedent(HOST_GUEST) + textwrap.dedent(tail))


def test_no_exception_of_a_host_function_crosses_the_engine(home: Path) -> None:
    printed = host_call(
        home,
        """
        import asyncio
        for result, type_, core in [(None, "", ""), (wit.Primitive("u32"), "(result u32)", "(result i32)")]:
            for raised in (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, ValueError):
                def run(call):
                    raise raised
                print(call(guest(type_, core), result, run), raised.__name__)
        """,
    )
    lines = printed.splitlines()
    assert len(lines) == 10
    for line in lines:
        assert line.startswith("HostFault because of ")
        assert line.split()[-1] == line.split()[-2]


def test_a_host_function_that_returns_no_char_is_our_fault_and_not_the_end(home: Path) -> None:
    printed = host_call(
        home,
        """
        for given in (chr(0xD800), chr(0xDFFF), "two", "", 7, None):
            binary = guest("(result char)", "(result i32)")
            print(call(binary, wit.Primitive("char"), lambda call: given))
        """,
    )
    assert printed.splitlines() == ["HostFault because of Misfit"] * 6


def test_a_host_function_that_answers_well_is_heard(home: Path) -> None:
    printed = host_call(
        home,
        """
        binary = guest("(result char)", "(result i32)")
        print(call(binary, wit.Primitive("char"), lambda call: chr(0x10FFFF)).text)
        """,
    )
    assert printed == '"\U0010ffff"\n'


def test_every_guest_that_imports_wasi_gets_wasi(home: Path) -> None:
    printed = output(
        home,
        """
        with Runtime(home=home) as runtime:
            runtime.add(programs / "wasi.wat")
            for name, arguments in [
                ("print", {"chunks": 1, "byte": 65, "size": 3}), ("read", {}), ("surroundings", {}),
                ("sleep", {"ns": 1000}), ("sleep_until", {"ns": 1000}),
                ("race", {"one": 10**12, "other": 1000}),
            ]:
                outcome = runtime.call_sync(f"wasi_{name}", arguments)
                print(name, outcome.text, outcome.report.stdout.text)
        """,
    )
    assert printed.splitlines() == [
        "print null AAA",
        "read 2 ",  # closed at once: standard input is empty
        "surroundings 0 ",  # no environment, no arguments
        "sleep true ",
        "sleep-until true ".replace("-", "_"),
        "race 1 ",
    ]


def test_each_thread_sees_its_own_error(home: Path) -> None:
    printed = output(
        home,
        """
        import threading
        wrong, calls = [], 150
        def work(runtime, tool, arguments, expected):
            for _ in range(calls):
                try:
                    got = runtime.call_sync(tool, arguments).text
                except McpWasmError as error:
                    got = str(error)
                if expected not in got:
                    wrong.append((tool, got))
        cases = [
            ("tiny_add", {"a": 1, "b": 2}, "3"),
            ("tiny_divide", {"a": 1, "b": 0}, "divided an integer by zero"),
            ("tiny_crash", {}, "`unreachable`"),
            ("tiny_deep", {}, "call stack is exhausted"),
            ("hostile_char", {"value": 0xD800}, "out of range for `char`"),
            ("hostile_outside", {}, "out of bounds of memory"),
            ("wasi_leave", {"failed": True}, "exit status 1"),
            ("wasi_poll_nothing", {}, "empty list"),
        ]
        with Runtime(home=home, workers=16) as runtime:
            for name in ("tiny", "hostile", "wasi"):
                runtime.add(programs / f"{name}.wat")
            threads = [threading.Thread(target=work, args=(runtime, *case)) for case in cases]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        print(wrong)
        """,
    )
    assert printed == "[]\n"


@pytest.mark.parametrize(
    ("declared", "core", "extra"),
    [
        ('(func (param "in" (list u32)) (result (list u32)))', "poll", ""),
        ('(func (param "in" (list (borrow $p))))', "poll", ""),
        ('(func (param "in" string) (result (list u32)))', "poll", ""),
        ('(func (param "other" (list (borrow $p))) (result (list u32)))', "poll", ""),
        ('(func (param "self" (borrow $p)) (result u64))', "[method]pollable.block", ""),
    ],
)
def test_a_guest_that_declares_another_signature_for_a_host_function_is_refused(
    home: Path, tmp_path: Path, declared: str, core: str, extra: str
) -> None:
    text = f"""(component
        (import "wasi:io/poll@0.2.5" (instance $poll
          (export "pollable" (type $p (sub resource)))
          (export "{core}" {declared})))
        (core module $m (func (export "f"))) (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))"""
    (tmp_path / "liar.wat").write_text(text)
    printed = output(
        home,
        f"""
        with Runtime(home=home) as runtime:
            try:
                runtime.add({str(tmp_path / "liar.wat")!r})
            except ComponentRefused as error:
                print(error.reason)
        """,
    )
    assert "another signature" in printed
