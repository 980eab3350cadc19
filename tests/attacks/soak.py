"""Honest and hostile calls in any order, for minutes, through real servers over stdio and HTTP.

    python -m tests.attacks.soak --seconds 1800 [--seed N]

Prints the calls, the faults that were survived by kind, and what the servers held
at the start (after each attack was met twice) and at the end. Ends with code 1 if
an honest call got a wrong answer, an attack was not stopped as it must be, or more
is held than at the start by more than ``GROWTH``, ``THREADS`` and ``FILES``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.attacks.attacked import FILES, MIB, THREADS, Attacked, Held, attacked, held, text_of
from tests.attacks.guests import everyone
from tests.attacks.over_http import HttpAttacked, attacked_over_http
from tests.attacks.soak_calls import CALLS, Call

GROWTH = 96 * MIB
"""Memory that one server may hold at the end beyond the start: pieces that the interpreter keeps."""

AT_ONCE = 6
_MINUTE = 60.0


class Tally:
    """What happened, from all threads: calls, faults by kind, and what went wrong."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def judge(self, where: str, call: Call, result: Mapping[str, Any]) -> None:
        """Count one answer, and keep it if it is not what it must be."""
        text = text_of(result)
        well = call.says in text if call.fault else result.get("structuredContent") == {"result": call.value}
        busy = "calls waiting already" in text
        with self._lock:
            self.calls[where] += 1
            if busy:
                self.faults["told to come again"] += 1
            elif not well:
                self.wrong.append(f"{call.tool} over {where}: {text[:300]}")
            elif call.fault:
                self.faults[call.fault] += 1

    def given_up(self, where: str) -> None:
        """Count a call that was taken back."""
        with self._lock:
            self.calls[where] += 1
            self.faults["taken back"] += 1

    def fail(self, what: str) -> None:
        """Keep what went wrong outside a call."""
        with self._lock:
            self.wrong.append(what)


def over_stdio(server: Attacked, tally: Tally, chance: random.Random, until: float) -> None:
    """Several calls at once, some of them taken back."""
    while time.monotonic() < until and not tally.wrong:
        calls = [chance.choice(CALLS) for _ in range(AT_ONCE)]
        begun = [(server.begin(call.tool, call.arguments, call.limits), call) for call in calls]
        for number, call in begun:
            if call.fault and chance.random() < 0.1:
                server.cancel(number)
                tally.given_up("stdio")
            else:
                tally.judge("stdio", call, server.wait(number)["result"])


def over_http(server: HttpAttacked, tally: Tally, chance: random.Random, until: float) -> None:
    """One call after the other, sometimes without waiting for the answer, in sessions that come and go."""
    while time.monotonic() < until and not tally.wrong:
        session = server.session()
        for _ in range(50):
            call = chance.choice(CALLS)
            if call.fault and chance.random() < 0.1:
                server.hang_up(session, call.tool, call.arguments, call.limits)
                tally.given_up("http")
            else:
                tally.judge("http", call, server.call(session, call.tool, call.arguments, call.limits))
            if time.monotonic() >= until:
                break
        server.end(session)


def guarded(run: Callable[..., None], tally: Tally, *arguments: Any) -> threading.Thread:
    """A thread whose end by an exception is a failure of the soak."""

    def go() -> None:
        try:
            run(*arguments)
        except Exception as error:  # noqa: BLE001 - told at the end
            tally.fail(f"{run.__name__}: {type(error).__name__}: {error}")

    return threading.Thread(target=go)


def grown(before: Held, after: Held) -> str:
    """What is held beyond the bounds, in words; empty if nothing."""
    if after.memory > before.memory + GROWTH:
        return f"memory grew by {(after.memory - before.memory) // MIB} MiB"
    if after.threads > before.threads + THREADS or after.files > before.files + FILES:
        return f"threads or files grew: {before} to {after}"
    return ""


def soak(seconds: float, seed: int, say: Callable[[str], object] = print) -> list[str]:
    """Run for so many seconds; what went wrong, nothing if all was well."""
    tally, chance = Tally(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="soak-") as made:
        folder, scratch = Path(made) / "components", [Path(made) / name for name in ("built", "a", "b")]
        for path in (folder, *scratch):
            path.mkdir()
        everyone(folder, scratch[0])
        with attacked(folder, scratch[1], 4) as stdio, attacked_over_http(folder, scratch[2], 4) as http:
            session = http.session()
            for call in CALLS * 2:
                tally.judge("stdio", call, stdio.call(call.tool, call.arguments, call.limits))
                tally.judge("http", call, http.call(session, call.tool, call.arguments, call.limits))
            before = stdio.settled(), http.settled()
            say(f"seed {seed}; at the start: stdio {_told(before[0])}; http {_told(before[1])}")
            until = time.monotonic() + seconds
            threads = [guarded(over_stdio, tally, stdio, tally, random.Random(chance.random()), until)]
            threads += [
                guarded(over_http, tally, http, tally, random.Random(chance.random()), until)
                for _ in range(2)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(_MINUTE)
                    say(f"at {time.monotonic() - until + seconds:.0f} s: {_told(held(stdio.process.pid))}")
            if not tally.wrong:
                stdio.check(GROWTH)
            after = stdio.settled(), http.settled()
            say(f"calls: {dict(tally.calls)}")
            say(f"survived: {dict(tally.faults.most_common())}")
            say(f"at the end: stdio {_told(after[0])}; http {_told(after[1])}")
            tally.wrong += [f for f in map(grown, before, after) if f]
    return tally.wrong


def _told(now: Held) -> str:
    return f"{now.memory / MIB:.0f} MiB, {now.threads} threads, {now.files} files"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    given = parser.parse_args()
    wrong = soak(given.seconds, given.seed, lambda line: sys.stdout.write(f"{line}\n"))
    sys.stdout.write("".join(f"wrong: {line}\n" for line in wrong[:20]) or "all was well\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
