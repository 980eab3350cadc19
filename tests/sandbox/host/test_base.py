"""What a program sees of the world by its grants: variables, times, random numbers, configuration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Clock, ConfigValue, Environment, Grant, Random, Secret
from mcp_wasm.errors import DeadlineExceeded, Trap
from mcp_wasm.policy import edit
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.host import random
from mcp_wasm.sandbox.limits import Limits
from tests.sandbox.guests import ENDLESS
from tests.sandbox.host.granted import Guest

HOUR_NS = 3600 * 10**9
ENVIRON = {"PATH": "/usr/bin", "TOKEN": "correct horse battery", "ODD": "\udcff"}


@pytest.fixture
def runtime(home: Path, program: Callable[[str], Path]) -> Iterator[Runtime]:
    with Runtime(home=home, limits=Limits(fuel=ENDLESS), environ=ENVIRON) as made:
        made.add(program("base"))
        yield made


@pytest.fixture
def guest(runtime: Runtime) -> Callable[..., Guest]:
    return lambda *grants: Guest(runtime, "base", *grants)


Make = Callable[..., Guest]


def test_a_program_has_no_variable_that_was_not_granted(guest: Make) -> None:
    assert guest()("environment").value == []
    granted = guest(Environment("LANG", "C"), Environment("PATH"), Environment("EMPTY", ""))
    assert granted("environment").value == [["LANG", "C"], ["PATH", "/usr/bin"], ["EMPTY", ""]]


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        (
            Environment("MISSING"),
            "the variable 'MISSING': its grant gives the host's own value, and the host has none",
        ),
        (Environment("ODD"), "the variable 'ODD': its grant has a name or a value that no variable can have"),
        (
            Environment("A=B", "x"),
            "the variable 'A=B': its grant has a name or a value that no variable can have",
        ),
        (Environment("", "x"), "the variable '': its grant has a name or a value that no variable can have"),
        (
            Environment("N", "a\0b"),
            "the variable 'N': its grant has a name or a value that no variable can have",
        ),
    ],
)
def test_a_variable_that_cannot_be_had_is_left_out(guest: Make, grant: Grant, said: str) -> None:
    answer = guest(grant)("environment")
    assert (answer.value, answer.quiet) == ([], [said])


def test_a_secret_is_a_variable_or_a_placeholder(guest: Make) -> None:
    own, for_hosts = Secret("OWN", "env:TOKEN"), Secret("API", "env:TOKEN", ("api.example.com",))
    assert guest(for_hosts)("environment").value == [["API", "{{secret:API}}"]]
    # It has it, and what it returns of it is not shown.
    assert guest(own)("environment").value == [["OWN", "[secret OWN]"]]
    lost = guest(Secret("OWN", "env:NOWHERE", rule="grants.base.secret[0]"))("environment")
    assert lost.value == []
    assert lost.loud == [
        "the secret OWN: grants.base.secret[0] refers to env:NOWHERE: the host has no such variable"
    ]


def test_what_a_program_says_of_a_secret_is_not_shown(runtime: Runtime) -> None:
    grant = Secret("OWN", "env:TOKEN")
    outcome = runtime.call_sync("base_shout", {"times": 3}, approved=[grant])
    assert outcome.failed
    assert (outcome.value, outcome.text) == ("[secret OWN]", '"[secret OWN]"')
    assert outcome.report.stdout.text == outcome.report.stderr.text == "[secret OWN]" * 3
    assert ENVIRON["TOKEN"] not in repr(outcome)


def test_a_secret_that_the_end_of_the_output_cuts_is_not_shown(runtime: Runtime) -> None:
    size = len(ENVIRON["TOKEN"])
    for cut in range(5, size):
        limits = {"log": size + cut}
        outcome = runtime.call_sync(
            "base_shout", {"times": 3}, approved=[Secret("OWN", "env:TOKEN")], limits=limits
        )
        assert outcome.report.stderr.dropped == 2 * size - cut
        assert outcome.report.stderr.text == "[secret OWN]" * 2


def test_without_a_grant_the_clock_is_the_real_one(guest: Make) -> None:
    before = time.time()
    seconds, nanoseconds, *_ = guest()("times").value
    assert before - 1 < seconds + nanoseconds / 1e9 < time.time() + 1
    first, second, third = guest(Clock())("waits", ns=1000).value
    assert first < second < third


def test_a_fixed_clock_says_the_same_each_time(guest: Make) -> None:
    fixed = guest(Clock("fixed", at=1_700_000_000.25))
    times = fixed("times").value
    assert times == fixed("times").value
    assert times[:2] == [1_700_000_000, 250_000_000]
    assert fixed("waits", ns=2_000_000).value == [1000, 2_002_000, 4_003_000]


def test_on_a_fixed_clock_a_loop_that_waits_for_a_time_ends(guest: Make) -> None:
    assert guest(Clock("fixed"))("watch", ns=100_000).error is None


def test_a_coarse_clock_moves_in_steps(guest: Make) -> None:
    step = 50_000_000
    coarse = guest(Clock("coarse", step=0.05))
    times = coarse("times").value
    assert times[1] % step == 0
    assert times[2:4] == [0, step]
    assert times[4:] == [times[4] // step * step, step]
    waits = coarse("waits", ns=1_000_000).value
    assert all(moment % step == 0 for moment in waits)
    assert waits[0] < waits[1] < waits[2]


@pytest.mark.parametrize("mode", ["fixed", "coarse"])
def test_a_wait_on_another_clock_ends_at_the_deadline(guest: Make, mode: str) -> None:
    answer = guest(Clock(mode, step=0.01))("waits", ns=HOUR_NS, deadline=0.1)  # type: ignore[arg-type]
    assert isinstance(answer.error, DeadlineExceeded)


def test_the_longest_wait_overflows_nothing(guest: Make) -> None:
    for mode in ("fixed", "coarse"):
        answer = guest(Clock(mode, step=0.01))("waits", ns=2**64 - 2, deadline=0.1)
        assert isinstance(answer.error, DeadlineExceeded)


def test_a_seed_decides_every_random_number(guest: Make) -> None:
    drawn = guest(Random(seed=7))("draw", len=16).value
    assert drawn == guest(Random(seed=7))("draw", len=16).value
    assert len({str(part) for part in drawn}) == len(drawn)
    other = guest(Random(seed=8))("draw", len=16).value
    assert all(one != another for one, another in zip(drawn, other, strict=True))


@pytest.mark.parametrize("grants", [(), (Random(),)])
def test_without_a_seed_no_two_calls_draw_the_same(guest: Make, grants: tuple[Grant, ...]) -> None:
    assert guest(*grants)("draw", len=16).value != guest(*grants)("draw", len=16).value


def test_a_request_for_too_many_random_bytes_ends_the_guest_only(guest: Make) -> None:
    seeded = guest(Random(seed=7))
    assert seeded("draw", len=random.MOST).error is None
    for length in (random.MOST + 1, 2**63):
        answer = seeded("draw", len=length)
        assert isinstance(answer.error, Trap)
        assert "random bytes at once" in str(answer.error)


def test_configuration_is_what_was_granted(guest: Make) -> None:
    values = ConfigValue("url", "https://example.com"), ConfigValue("empty", ""), ConfigValue("url", "second")
    for source in range(3):
        assert guest(*values)("get", key="url", **{"from": source}).value == "https://example.com"
        assert guest(*values)("get", key="empty", **{"from": source}).value == ""
        absent = guest(*values)("get", key="URL", **{"from": source})
        assert absent.value is None
        assert absent.quiet == ["the value of 'URL': no grant of config to base has that key"]
    assert guest(*values)("all").value == [["empty", ""], ["url", "https://example.com"]]
    assert guest()("all").value == []


def test_what_waits_is_told_though_the_guest_asks_for_nothing(runtime: Runtime) -> None:
    grants: list[Grant] = [Random(7), Clock("fixed", 5.0), Environment("LANG", "C")]
    edit.add(runtime.home, "base", "0" * 64, (), grants)
    report = runtime.call_sync("base_environment", {}).report
    (denial,) = report.denials
    assert (denial.capability, denial.asked) == (
        "clock",
        "clock, environment, random: what its grants would give",
    )
    assert "not those that its grants were given to" in denial.rule
    assert denial.command.startswith("mcp-wasm grants approve base")
    assert not denial.quiet
    # What the call leaves out is not missed, and what a person allowed for it is there.
    assert runtime.call_sync("base_environment", {}, allow=[]).report.denials == ()
    held = runtime.call_sync("base_environment", {}, approved=grants)
    assert (held.value, held.report.denials) == ([["LANG", "C"]], ())
    edit.revoke(runtime.home, "base")
    assert runtime.call_sync("base_environment", {}).report.denials == ()
