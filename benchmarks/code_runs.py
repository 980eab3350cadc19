"""From source code to its result: in a fresh sandbox each time, in this process, by language.

Every run has a source of its own, so that nothing is remembered from the one
before; runners are built and compiled before, since that happens once in the
life of an installation and is measured apart.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks import code_others
from benchmarks.clients import Pipe
from benchmarks.code_child import EXPECTED, JAVASCRIPT, PROGRAM
from benchmarks.measure import Batch, Pair, in_turns, percentile, repeat
from benchmarks.table import Row, bounded, compared, seconds
from mcp_wasm.build.bundled import SHIPPED
from mcp_wasm.capability.grant import Tools
from mcp_wasm.code.contract import Language, Run
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.errors import BuildFailed, ToolchainMissing
from mcp_wasm.runtime import Runtime, default_home

_numbers = count()

SOURCES: dict[Language, str] = {
    "python": PROGRAM + "  # {}",
    "javascript": JAVASCRIPT + " // {}",
    "typescript": "const n: number = 10; [...Array(n).keys()].reduce((a: number, b) => a + b, 0) // {}",
    "c": "/* {} */\n#include <stdio.h>\nint main(void) {{ return 0; }}\n"
    "const char *result(const char *input) {{ static char text[16]; int sum = 0;\n"
    'for (int i = 0; i < 10; i++) sum += i; snprintf(text, sizeof text, "%d", sum); return text; }}',
    "wat": '(module (func (export "run") (result i32) i32.const 45)) ;; {}',
}
TARGETS: dict[Language, float] = {"python": 0.004, "javascript": 0.0015, "typescript": 0.0015, "c": 0.5}
OTHERS = (("python", "pyeryx"), ("python", "pydantic-monty"), ("javascript", "quickjs-rs"))
_CALLS = 100
_LOOPS: dict[Language, str] = {
    "python": "from tools import units_convert\n"
    "for n in range({}):\n    last = units_convert(n, 'km', 'm')\nlast['value']",
    "javascript": 'import {{ unitsConvert }} from "tools";\nlet last;\n'
    'for (let n = 0; n < {}; n++) last = unitsConvert(n, "km", "m");\nlast.value',
}
_MADE: dict[Language, str] = {
    "python": "def double(n: int) -> int:\n    return 2 * n\n",
    "typescript": "export function double(n: number): number { return 2 * n; }\n",
}
_FIRST = """
import sys
from pathlib import Path
from mcp_wasm.code.contract import Run
from mcp_wasm.runtime import Runtime
with Runtime(home=Path(sys.argv[1])) as runtime:
    assert runtime.run_code_sync(Run(sys.argv[2], sys.argv[3])).value == 45
"""


def run(folder: Path, *, quick: bool) -> dict[str, list[Row]]:
    """All tables; a language whose toolchain is not here is left out with a word."""
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as made:
        served = Path(made)  # of its own, so that a server of it finds runners and tools and no other guests
        (served / "units.wasm").write_bytes((SHIPPED / "units.wasm").read_bytes())
        with Runtime(home=served / "home") as runtime:
            runtime.watch([served])
            first, languages = _readied(runtime, quick=quick)
            tables = {
                "Code: built and compiled, once in an installation": first,
                "Code: source to result in a fresh sandbox, against a process of python or node": _runs(
                    runtime, languages, quick=quick
                ),
                "Code: several at once, a run each": _at_once(runtime, languages, quick=quick),
                "Code: a call of a tool within a run, against one from outside": _nested(
                    runtime, languages, quick=quick
                ),
                "Code: a tool made of code, from its source to its first result": _published(
                    runtime, languages, quick=quick
                ),
                "Code: other sandboxes as the baseline": _others(runtime, languages, quick=quick),
            }
        tables["Code: run_code over stdio, against the same in process"] = _served(
            served, languages, quick=quick
        )
        tables["Code: a new process to the first result, runners compiled before"] = _restarted(
            served / "home", languages, quick=quick
        )
        return tables


def _source(language: Language) -> str:
    return SOURCES[language].format(next(_numbers))


def _run(runtime: Runtime, language: Language) -> Callable[[], None]:
    def once() -> None:
        ran = runtime.run_code_sync(Run(language, _source(language)))
        if ran.value != EXPECTED:
            raise ValueError(f"{language}: {ran.failure or ran.value}")

    return once


def _readied(runtime: Runtime, *, quick: bool) -> tuple[list[Row], list[Language]]:
    """What the first run in each language took, and the languages that can be measured."""
    rows: list[Row] = []
    languages: list[Language] = []
    for language in SOURCES:
        if quick and language in {"python", "c"}:
            rows.append(Row(f"{language} is left out by --quick: to build it takes a minute", ""))
            continue
        begun = time.perf_counter()
        try:
            _run(runtime, language)()
        except (ToolchainMissing, BuildFailed) as error:
            rows.append(Row(f"{language} is left out: {' '.join(str(error).split())[:160]}", ""))
            continue
        languages.append(language)
        rows.append(Row(f"{language}, the first run of all", seconds(time.perf_counter() - begun)))
    return rows, languages


def _runs(runtime: Runtime, languages: list[Language], *, quick: bool) -> list[Row]:
    rows = []
    for language in languages:
        slow = language in {"c", "wat"}
        once, times = _run(runtime, language), (3 if slow else 10) if quick else (10 if slow else 50)
        taken = [_seconds(once) for _ in range(4 * times)]
        p50, p95 = percentile(taken, 50), percentile(taken, 95)
        target = TARGETS.get(language)
        row = (
            Row(f"{language}, p50", seconds(p50))
            if target is None
            else bounded(f"{language}, p50", p50, target)
        )
        rows += [row, Row("  p95", seconds(p95))]
        process = "node" if language in {"javascript", "typescript"} else "python"
        try:
            baseline = code_others.subprocess_of(process)
        except code_others.NotHere as missing:
            rows.append(Row(f"  not compared: {missing}", ""))
            continue
        pair = in_turns(repeat(once, times), baseline, 3 if quick else 9)
        rows.append(compared(f"  against a process of {process}", pair))
    return rows


def _seconds(once: Callable[[], None]) -> float:
    # Without a collection of garbage before each, as ``repeat`` makes: that empties the processor's caches.
    begun = time.perf_counter()
    once()
    return time.perf_counter() - begun


def _at_once(runtime: Runtime, languages: list[Language], *, quick: bool) -> list[Row]:
    rows = []
    for language in languages:
        if language in {"c", "wat"}:
            continue
        for number in (8, 32):
            one, more = (_together(runtime, language, each, 16 if quick else 64) for each in (1, number))
            pair = in_turns(more, one, 2 if quick else 7)
            rows.append(compared(f"{language}, {number} in flight, against one after the other", pair))
    return rows


def _together(runtime: Runtime, language: Language, number: int, times: int) -> Batch:
    """Batches of so many runs, ``number`` of them in flight; seconds a run."""

    async def work() -> float:
        gate = asyncio.Semaphore(number)

        async def one() -> None:
            async with gate:
                ran = await runtime.run_code(Run(language, _source(language)))
                if ran.value != EXPECTED:
                    raise ValueError(f"{language}: {ran.failure or ran.value}")

        begun = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(times)))
        return (time.perf_counter() - begun) / times

    return lambda: asyncio.run(work())


def _nested(runtime: Runtime, languages: list[Language], *, quick: bool) -> list[Row]:
    rows = []
    given = {"value": 1, "from": "km", "to": "m"}
    outside = repeat(lambda: runtime.call_sync("units_convert", given), _CALLS)
    for language, loop in _LOOPS.items():
        if language not in languages:
            continue
        source = loop.format(_CALLS)

        def inside(language: Language = language, source: str = source) -> float:
            begun = time.perf_counter()
            ran = runtime.run_code_sync(Run(language, source), approved=[Tools(("units_*",))])
            taken = time.perf_counter() - begun
            if ran.value != (_CALLS - 1) * 1000:
                raise ValueError(f"{language}: {ran.failure or ran.value}")
            return taken / _CALLS

        pair = in_turns(inside, outside, 2 if quick else 9)
        rows.append(compared(f"{language}, one of {_CALLS} calls in a run, the run included", pair))
    return rows


def _published(runtime: Runtime, languages: list[Language], *, quick: bool) -> list[Row]:
    rows = []
    for language, source in _MADE.items():
        if language not in languages:
            continue
        taken = []
        for number in range(3 if quick else 15):
            wanted = Wanted(
                "bench_double", language, f"{source}# {number}\n" if language == "python" else source
            )
            begun = time.perf_counter()
            made = runtime.made.create(wanted, by="benchmark", client="local")
            outcome = runtime.call_sync(made.tools[0], {"n": 21})
            taken.append(time.perf_counter() - begun)
            if outcome.value != 42:
                raise ValueError(str(outcome))
            runtime.made.remove(made.name, by="benchmark")
        rows.append(bounded(f"{language}, create_tool and a call, p50", percentile(taken, 50), 0.050))
    return rows


def _others(runtime: Runtime, languages: list[Language], *, quick: bool) -> list[Row]:
    if quick:
        return [Row("left out by --quick: to install them takes a minute", "")]
    rows = []
    for language, package in OTHERS:
        if language not in languages:
            continue
        once = _run(runtime, language)
        try:
            with code_others.sandbox_of(package, default_home() / "cache" / "benchmarks", 30) as theirs:
                rows.append(compared(f"{language}, against {package}", in_turns(repeat(once, 30), theirs, 9)))
        except code_others.NotHere as missing:
            rows.append(Row(f"not compared: {missing}", ""))
    return rows


def _served(served: Path, languages: list[Language], *, quick: bool) -> list[Row]:
    rows = []
    times, rounds = (10, 2) if quick else (50, 9)
    with Pipe("ours", served) as server, Runtime(home=served / "home") as runtime:
        for language in languages:
            if language in {"c", "wat"}:
                continue
            arguments = {"language": language, "code": _source(language)}
            asked = {"name": "run_code", "arguments": arguments}
            server.call(times, 1, asked)
            here = repeat(_run(runtime, language), times)
            pair = in_turns(partial(server.call, times, 1, asked), here, rounds)
            more = Pair(max(pair.ours - pair.baseline, 0), pair.baseline, pair.ratio)
            rows += [
                compared(f"{language}, 1 in flight", pair),
                bounded("  which is more by", more.ours, 0.001),
                Row(f"{language}, 8 in flight, a run", seconds(server.call(4 * times, 8, asked))),
            ]
    return rows


def _restarted(home: Path, languages: list[Language], *, quick: bool) -> list[Row]:
    rows = []
    for language in languages[:1] if quick else languages:
        command = [sys.executable, "-c", _FIRST, str(home), language]
        ours = partial(_process, [*command, _source(language)])
        pair = in_turns(ours, partial(_process, [sys.executable, "-c", "import wasmtime"]), 2 if quick else 5)
        rows.append(compared(f"{language}, against import wasmtime", pair))
        rows.append(bounded("  of which the target", pair.ours, 1.0))
    return rows


def _process(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
