"""Guests in Python: their sleeps end at the deadline, and they share their interpreter's compiled code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_wasm.build import python
from mcp_wasm.build.toolchain import Source, silent
from mcp_wasm.errors import DeadlineExceeded, FuelExhausted, Trap
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(600)]

WIT = """package t:t;
world thing {
  export nap: func(seconds: f64) -> string;
  export naps: func() -> string;
  export eat: func(size: u32) -> u32;
  export say: func(times: u32) -> string;
  export fail: func() -> string;
}"""
SOURCE = """
import asyncio, select, sys, time
import wit_world
class WitWorld(wit_world.WitWorld):
    def nap(self, seconds):
        time.sleep(seconds)
        return "awake"
    def naps(self):
        while True:
            time.sleep(0.001)
    def eat(self, size):
        return len(bytearray(size))
    def say(self, times):
        for _ in range(times):
            print("x" * 1000)
        print("bad", file=sys.stderr)
        return "WHO"
    def fail(self):
        raise ValueError("no such luck")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if python.available() is not None:
        pytest.skip("componentize-py is not installed")
    made = []
    for name in ("one", "other"):
        folder = tmp_path_factory.mktemp(name)
        (folder / "app.py").write_text(SOURCE.replace("WHO", name), encoding="utf-8")
        path = folder / f"{name}.wasm"
        path.write_bytes(python.compile_source(Source(name, folder, "app.py", WIT, "thing"), None, silent))
        made.append(path)
    return made[0], made[1]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def runtime(shared: Path, built: tuple[Path, Path]) -> Iterator[Runtime]:
    with Runtime(home=shared, limits=Limits(fuel=10**14, deadline=300)) as made:
        made.add(built[0])
        made.call_sync("one_say", {"times": 0})
        yield made


def test_two_components_compile_their_interpreter_once(
    home: Path, built: tuple[Path, Path], runtime: Runtime
) -> None:
    folder = runtime.cache.folder

    def modules() -> dict[str, int]:
        return {path.name: path.stat().st_size for path in folder.glob("module-*")}

    first = modules()
    assert sum(first.values()) > 20_000_000
    runtime.add(built[1])
    assert runtime.call_sync("other_say", {"times": 0}).value == "other"
    assert runtime.call_sync("one_say", {"times": 0}).value == "one"
    new = {name: size for name, size in modules().items() if name not in first}
    assert sum(new.values()) < sum(first.values()) / 2


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("one_nap", {"seconds": 3600.0}), ("one_nap", {"seconds": 1e300}), ("one_naps", {})],
)
def test_a_guest_that_sleeps_ends_at_its_deadline(
    runtime: Runtime, tool: str, arguments: dict[str, float]
) -> None:
    with pytest.raises((DeadlineExceeded, Trap)) as caught:
        runtime.call_sync(tool, arguments, limits={"deadline": 1.0})
    if arguments != {"seconds": 1e300}:  # which Python itself refuses
        assert isinstance(caught.value, DeadlineExceeded)


def test_a_guest_that_sleeps_a_little_wakes(runtime: Runtime) -> None:
    assert runtime.call_sync("one_nap", {"seconds": 0.01}).value == "awake"


def test_what_a_guest_printed_and_raised_is_in_its_report(runtime: Runtime) -> None:
    report = runtime.call_sync("one_say", {"times": 100}).report
    assert report.stdout.text.startswith("xxx")
    assert report.stdout.dropped == 100 * 1001 - 65536
    assert report.stderr.text == "bad\n"
    with pytest.raises(Trap) as caught:
        runtime.call_sync("one_fail", {})
    assert "no such luck" in caught.value.report.stderr.text


def test_a_guest_that_eats_its_memory_hears_of_its_limit(runtime: Runtime) -> None:
    assert runtime.call_sync("one_eat", {"size": 1000}).value == 1000
    with pytest.raises(Trap, match="limit of 268,435,456 bytes"):
        runtime.call_sync("one_eat", {"size": 2**31})


def test_a_guest_runs_out_of_fuel(runtime: Runtime) -> None:
    with pytest.raises(FuelExhausted):
        runtime.call_sync("one_naps", {}, limits={"fuel": 3_000_000})
