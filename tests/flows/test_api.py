"""The in-process API as a program uses it that imports the package: from outside, in processes of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.children import ROOT, output, start

POSIX_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent as POSIX signals")


def test_the_example_of_the_package_works(home: Path) -> None:
    printed = output(
        home,
        """
        import mcp_wasm
        with mcp_wasm.Runtime(home=home) as runtime:
            runtime.add(programs / "tiny.wat")
            print(runtime.call_sync("tiny_add", {"a": 1, "b": 2}).value)
            print([tool.name for tool in runtime.tools])
            print(runtime.component("tiny").wit.split()[0])
        """,
    )
    assert printed.splitlines() == [
        "3",
        "['tiny_add', 'tiny_crash', 'tiny_deep', 'tiny_divide', 'tiny_spin']",
        "package",
    ]


def test_sync_and_async_give_the_same(home: Path) -> None:
    printed = output(
        home,
        """
        import asyncio
        async def main():
            async with Runtime(home=home) as runtime:
                runtime.add(programs / "tiny.wat")
                outcome = await runtime.call("tiny_divide", {"a": 84, "b": 2})
                print(outcome.value, runtime.call_sync("tiny_divide", {"a": 84, "b": 2}).value)
                for call in (lambda: runtime.call("tiny_divide", {"a": 1, "b": 0}),):
                    try:
                        await call()
                    except Trap as error:
                        print(error.kind)
                try:
                    runtime.call_sync("tiny_divide", {"a": 1, "b": 0})
                except Trap as error:
                    print(error.kind)
        asyncio.run(main())
        """,
    )
    assert printed.splitlines() == ["42 42", "it divided an integer by zero", "it divided an integer by zero"]


def test_a_runtime_serves_event_loops_one_after_the_other(home: Path) -> None:
    printed = output(
        home,
        """
        import asyncio
        with Runtime(home=home) as runtime:
            runtime.add(programs / "tiny.wat")
            for n in range(3):
                print(asyncio.run(runtime.call("tiny_add", {"a": n, "b": 0})).value)
        """,
    )
    assert printed.split() == ["0", "1", "2"]


@POSIX_SIGNALS
@pytest.mark.parametrize("tool", ['"tiny_spin", {}', '"wasi_sleep", {"ns": 10**18}'])
def test_ctrl_c_ends_a_call_and_stops_its_guest(home: Path, tool: str) -> None:
    with start(
        home,
        f"""
        with Runtime(home=home, limits=Limits(fuel=10**15, deadline=10**9), workers=1) as runtime:
            for name in ("tiny", "wasi"):
                runtime.add(programs / f"{{name}}.wat")
            runtime.call_sync("wasi_read", {{}})
            runtime.call_sync("tiny_add", {{"a": 1, "b": 1}})
            try:
                print("ready", flush=True)
                runtime.call_sync({tool})
            except KeyboardInterrupt:
                # The only worker is free again.
                print(runtime.call_sync("tiny_add", {{"a": 1, "b": 2}}).value)
        """,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        printed, errors = child.communicate()
    assert child.returncode == 0, errors
    assert printed == "3\n"


@POSIX_SIGNALS
def test_an_interrupt_that_nobody_catches_ends_the_process_whole(home: Path) -> None:
    with start(
        home,
        """
        runtime = Runtime(home=home, limits=Limits(fuel=10**15, deadline=10**9))
        runtime.add(programs / "tiny.wat")
        runtime.call_sync("tiny_add", {"a": 1, "b": 1})
        print("ready", flush=True)
        runtime.call_sync("tiny_spin", {})
        """,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate()
    assert child.returncode in (-signal.SIGINT, 1)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "Fatal" not in errors


@pytest.mark.parametrize(
    "end",
    [
        "pass",
        "raise SystemExit(0)",
        "del runtime",
        "threading.Thread(target=runtime.call_sync, args=('tiny_spin', {}), daemon=True).start(); begun()",
        "threading.Thread(target=sleep_on, daemon=True).start(); begun()",
        "runtime.watch([programs])",
        "runtime.prepare('tiny_add')",
        "runtime.close(); runtime.close()",
    ],
)
def test_a_process_that_closes_nothing_ends_all_the_same(home: Path, end: str) -> None:
    for _ in range(2):  # a crash at exit is a race
        output(
            home,
            f"""
            import threading
            runtime = Runtime(home=home, limits=Limits(fuel=10**15, deadline=10**9))
            for name in ("tiny", "wasi"):
                runtime.add(programs / f"{{name}}.wat")
            runtime.call_sync("wasi_print", {{"chunks": 1, "byte": 65, "size": 1}})
            runtime.call_sync("tiny_add", {{"a": 1, "b": 1}})
            threading.excepthook = lambda _: None  # the calls below are cancelled, which is not shown
            def sleep_on():
                runtime.call_sync("wasi_sleep", {{"ns": 10**18}})
            def begun():
                while not runtime._invoker._watchdog._running:
                    pass
            {end}
            """,
        )


def test_many_threads_share_a_runtime(home: Path) -> None:
    printed = output(
        home,
        """
        import threading
        wrong = []
        def work(runtime, number):
            for n in range(100):
                value = runtime.call_sync("tiny_add", {"a": number, "b": n}, client=str(number)).value
                if value != number + n:
                    wrong.append((number, n, value))
        with Runtime(home=home) as runtime:
            runtime.add(programs / "tiny.wat")
            threads = [threading.Thread(target=work, args=(runtime, number)) for number in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        print(wrong, [t.name for t in threading.enumerate()])
        """,
    )
    assert printed == "[] ['MainThread']\n"


def test_several_runtimes_live_in_one_process(home: Path) -> None:
    printed = output(
        home,
        """
        with Runtime(home=home) as one, Runtime(home=home / "other") as other:
            one.add(programs / "tiny.wat")
            other.add(programs / "hostile.wat")
            print(one.call_sync("tiny_add", {"a": 1, "b": 2}).value)
            one.close()
            print(other.call_sync("hostile_grow", {"pages": 1}).value)
            try:
                one.call_sync("tiny_add", {"a": 1, "b": 2})
            except Cancelled as error:
                print(error)
        """,
    )
    assert printed.splitlines() == ["3", "2", "The call was cancelled and its guest was stopped."]


def test_limits_are_a_runtimes_then_a_components_then_a_calls_own_and_only_narrower(home: Path) -> None:
    printed = output(
        home,
        """
        own = {"small": Limits(fuel=500)}
        def spent(tool, **limits):
            try:
                runtime.call_sync(tool, {}, limits=limits)
            except FuelExhausted as error:
                return error.allowed
        with Runtime(home=home, limits=Limits(fuel=1000), component_limits=own) as runtime:
            runtime.add(programs / "tiny.wat")
            runtime.add(programs / "tiny.wat", name="small")
            print(spent("tiny_spin"), spent("small_spin"))
            print(spent("tiny_spin", fuel=700), spent("small_spin", fuel=700), spent("small_spin", fuel=300))
        """,
    )
    assert printed.splitlines() == ["1000 500", "700 500 300"]


def test_importing_the_package_loads_no_engine() -> None:
    code = (
        "import sys, mcp_wasm; print(sorted(m for m in ('wasmtime', 'mcp', 'asyncio') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    assert done.stdout == b"[]\n"


MEMORY = """
    import gc, sys
    def resident():
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 1024  # KiB
    with Runtime(home=home) as runtime:
        for name in ("tiny", "hostile", "wasi"):
            runtime.add(programs / f"{name}.wat")
        def once():
            runtime.call_sync("tiny_add", {"a": 1, "b": 2})
            runtime.call_sync("hostile_count_texts", {"of": ["some text"] * 10})
            runtime.call_sync("hostile_text", {"size": 1000})
            runtime.call_sync("hostile_nested", {})
            runtime.call_sync("hostile_claim_enums", {"count": 100})
            runtime.call_sync("wasi_print", {"chunks": 2, "byte": 65, "size": 100})
            for tool, arguments in [
                ("tiny_crash", {}), ("hostile_invalid_text", {}), ("wasi_leave", {"failed": True}),
                ("hostile_count_texts", {"of": ["ok"] * 20 + [7]}), ("wasi_poll_nothing", {}),
                ("hostile_count_numbers", {"of": [1] * 100 + ["no"]}),
            ]:
                try:
                    runtime.call_sync(tool, arguments)
                except (GuestError, CallerError):
                    pass
        for _ in range(CALLS // 10):
            once()
        before = resident()
        for _ in range(CALLS):
            once()
        print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_memory_is_flat_over_thousands_of_calls(home: Path) -> None:
    grown = int(output(home, MEMORY.replace("CALLS", "300")))  # 3,600 calls, half of them failing
    assert grown < 3000  # KiB; one leaked page a call would be 14,400


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_memory_is_flat_over_ten_thousand_rounds(home: Path) -> None:
    grown = int(output(home, MEMORY.replace("CALLS", "10_000")))  # 120,000 calls
    assert grown < 10_000
