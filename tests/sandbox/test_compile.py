"""Compiles: what is heavy runs in a child that can be killed, and one that dies is a clear error."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from mcp_wasm.component.types import Function, World
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.children import Children, Stopped
from mcp_wasm.sandbox.compile import CompileFailed, Job, compile_all, compile_here
from mcp_wasm.sandbox.prepared import Shelf
from mcp_wasm.sandbox.weight import is_light
from tests.sandbox.binaries import component, leb, locals_bomb, loops_bomb, module, nested, section

F = Function("", "f", ())
PATIENCE = 15.0
LONG = b"\0" + b"\x10\0" * 15_000 + b"\x0b"
"""The body of a function that calls itself, 30,000 bytes of it."""


@pytest.mark.parametrize(
    ("binary", "light"),
    [
        (component(module(b"\0\x0b")), True),
        (component(locals_bomb(3)), True),
        (component(locals_bomb(5)), False),
        (nested(locals_bomb(5)), False),
        (locals_bomb(5), False),
        (component(loops_bomb(200)), True),
        (component(loops_bomb(5000)), False),
        (component(b"x" * 40_000), False),
        (component(module(LONG, 3)), True),
        (component(module(LONG, 4)), False),
        (component(module(b"\0" + b"\x10\0" * 16_390 + b"\x0b")), False),
        (component(module(LONG, 3)) + section(0, leb(1) + b"x" * 32_000), True),
        (component(module(LONG, 3)) + section(0, leb(1) + b"x" * 33_000), False),
        (b"", True),
        (b"\0asm\x0d\0\x01\0", True),
        (b"\0asm\x0d\0\x01\0\x01\xff\xff\xff\xff\xff\xff", False),
        (b"\0asm\x01\0\0\0\x0a\x02\xff", False),
        (b"\0asm\x0d\0\x01\0" + b"\x04\xff\x7f\0asm\x0d\0\x01\0" * 50, False),
    ],
)
def test_what_takes_long_to_compile_is_told_from_its_bytes(binary: bytes, light: bool) -> None:
    assert is_light(binary) is light


def test_a_heavy_compile_gives_what_a_light_one_gives() -> None:
    # So many locals are heavy by their number alone; here they compile both ways.
    binary = component(locals_bomb(5))
    (apart,) = compile_all([Job("component", binary)], Children())
    assert apart[:4] == compile_here(Job("component", binary))[:4] == b"\x7fELF"


@pytest.mark.parametrize("size", [100, 100_000])
def test_what_the_engine_refuses_is_refused_wherever_it_is_compiled(size: int) -> None:
    with pytest.raises(CompileFailed, match=r"unexpected|malformed"):
        compile_all([Job("module", b"\0asm\x01\0\0\0" + b"\x77" * size)], Children())


def kill_when_running(children: Children, killed: threading.Event) -> None:
    while not killed.is_set():
        for child in tuple(children._running):
            os.kill(child.pid, signal.SIGKILL)
            killed.set()


def test_a_compile_that_is_killed_is_a_clear_error_and_can_be_tried_again(tmp_path: Path) -> None:
    binary = component(loops_bomb(6000))
    children, killed = Children(), threading.Event()
    shelf = Shelf(Cache(tmp_path / "cache"), children)
    world, digest = World((), (F,)), hashlib.sha256(binary).hexdigest()
    killer = threading.Thread(target=kill_when_running, args=(children, killed))
    killer.start()
    try:
        with pytest.raises(ComponentRefused, match="killed or ran out of memory"):
            shelf.prepare(digest, world, [F], lambda: binary)
    finally:
        killed.set()
        killer.join()
    assert not children._running
    assert shelf.prepare(digest, world, [F], lambda: binary).plans.keys() == {"f"}
    assert shelf.is_compiled(digest)


def test_what_is_compiled_whole_shares_no_modules_and_is_kept_beside_what_does(tmp_path: Path) -> None:
    binary = component(module(LONG, 4))
    shelf = Shelf(Cache(tmp_path / "cache"), Children())
    world, digest = World((), (F,)), hashlib.sha256(binary).hexdigest()
    parted = shelf.prepare(digest, world, [F], lambda: binary)
    whole = shelf.prepare(digest, world, [F], lambda: binary, whole=True)
    assert len(parted.modules) == 1
    assert not whole.modules
    for kept in (True, False):
        again = shelf.prepare(digest, world, [F], lambda: b"in the cache", whole=kept)
        assert bool(again.modules) is not kept
    kinds = sorted(path.name.partition("-")[0] for path in (tmp_path / "cache").iterdir())
    assert kinds == ["component", "key", "module", "parts", "whole"]


def run(children: Children, code: str, *, timeout: float = 60, output_limit: int = 1000) -> bytes:
    done = children.run(
        [sys.executable, "-c", code], env={}, timeout=timeout, output_limit=output_limit, given=b"input"
    )
    assert done.code == 0, done.message
    return done.output


def test_a_child_reads_its_input_and_its_output_is_read() -> None:
    assert run(Children(), "import sys; print(sys.stdin.read())") == b"input\n"


def test_a_child_that_prints_too_much_is_killed() -> None:
    children = Children()
    with pytest.raises(Stopped, match="over 1,000 bytes"):
        run(children, "while True: print('x' * 10000)")
    assert not children._running


def test_a_child_that_takes_too_long_is_killed() -> None:
    with pytest.raises(Stopped, match="over 0 s"):
        run(Children(), "while True: pass", timeout=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds another process")
def test_a_child_that_takes_too_much_memory_fails() -> None:
    done = Children().run(
        [sys.executable, "-c", "input(); x = bytearray(5 * 1024**3)"],
        env={},
        timeout=60,
        output_limit=1000,
        given=b"\n",
    )
    assert done.code != 0
    assert "MemoryError" in done.message


def test_closing_kills_every_child_and_lets_none_begin() -> None:
    children = Children()
    ended: list[str] = []

    def work() -> None:
        try:
            run(children, "while True: pass")
        except Stopped as error:
            ended.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(children._running) < 3:
        pass
    children.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert ended == ["the runtime closes"] * 3
    with pytest.raises(Stopped, match="closes"):
        run(children, "pass")


def test_closing_a_runtime_ends_its_compiles_and_those_of_no_other(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "heavy.wasm").write_bytes(component(loops_bomb(6000)))
    before = threading.active_count()
    failed: list[BaseException] = []
    with Runtime(home=home) as other:
        with Runtime(home=home) as runtime:
            runtime.add(home / "heavy.wasm")
            other.add(home / "heavy.wasm")
            (home / "cache").rename(home / "gone")  # nothing of the other's compile is found
            (home / "cache").mkdir(mode=0o700)
            runtime.prepare("heavy_f")

            def call() -> None:
                try:
                    other.call_sync("heavy_f", {})
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is shown
                    failed.append(error)

            thread = threading.Thread(target=call)
            thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert failed == []
    assert threading.active_count() == before


def test_a_call_of_another_component_does_not_wait_for_a_heavy_compile(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "heavy.wasm").write_bytes(component(loops_bomb(20_000)))  # far over the time of this test
    with Runtime(home=home) as runtime:
        runtime.add(home / "heavy.wasm")
        runtime.prepare("heavy_f")
        runtime.add(Path(__file__).parent.parent / "programs" / "tiny.wat")
        assert runtime.call_sync("tiny_add", {"a": 1, "b": 2}).value == 3
