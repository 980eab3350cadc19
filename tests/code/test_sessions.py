"""Sessions of code: what stays between runs, for whom, how long, and what ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Environment
from mcp_wasm.code.contract import Run
from mcp_wasm.code.scratch import Scratch
from mcp_wasm.code.sessions import IDLE, MOST, MOST_EACH, CodeSessions
from mcp_wasm.errors import Busy, CallerError, InvalidArguments, SessionEnded
from mcp_wasm.registry.tool import Component
from mcp_wasm.runtime import Runtime

TRAPS, SPINS = "x" * 400, "x" * 280


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtime(
    home: Path, program: Callable[[str], Path], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A runtime whose Python runner counts its requests."""
    monkeypatch.setattr("mcp_wasm.runtime.CodeSessions", lambda _services: CodeSessions(clock=clock))
    with Runtime(home=home) as made:
        counting = made.inspect(program("counting_runner"), name="counting")

        def component(_language: str) -> Component:
            return counting

        monkeypatch.setattr(made._invoker, "_runner", component)
        yield made


def run(runtime: Runtime, session: str = "", code: str = "1", client: str = "me") -> tuple[object, str]:
    ran = runtime.run_code_sync(Run("python", code, session=session), client=client)
    return (ran.value if ran.failure is None else ran.failure.type), ran.session


def test_a_run_leaves_nothing_behind_and_a_session_does(runtime: Runtime) -> None:
    assert [run(runtime), run(runtime)] == [(1, ""), (1, "")]
    value, session = run(runtime, "new")
    assert value == 1
    assert [run(runtime, session), run(runtime, session)] == [(2, session), (3, session)]
    other = run(runtime, "new")
    assert other[0] == 1
    assert other[1] != session


def test_the_folder_of_a_session_stays_as_long_as_it(runtime: Runtime) -> None:
    ran = runtime.run_code_sync(Run("python", "1", session="new", files={"a": b"1"}))
    folder = next(iter(runtime._code_sessions._living.values())).scratch.folder
    assert (folder / "a").read_bytes() == b"1"
    again = runtime.run_code_sync(Run("python", "1", session=ran.session, files={"b": b"2"}))
    assert (folder / "a").exists()
    assert (folder / "b").exists()
    assert again.files == ()
    runtime.close()
    assert not folder.exists()


def test_a_session_is_the_clients_that_began_it(runtime: Runtime) -> None:
    _, session = run(runtime, "new")
    with pytest.raises(SessionEnded, match="no such session"):
        run(runtime, session, client="you")
    with pytest.raises(SessionEnded, match="no such session"):
        run(runtime, "guessed")
    assert run(runtime, session)[0] == 2


@pytest.mark.parametrize(("code", "kind"), [(TRAPS, "Trap"), (SPINS, "FuelExhausted")])
def test_a_trap_or_a_limit_ends_it_and_the_next_run_is_told(runtime: Runtime, code: str, kind: str) -> None:
    _, session = run(runtime, "new")
    ran = runtime.run_code_sync(Run("python", code, session=session, fuel=1_000_000), client="me")
    assert ran.failure is not None
    assert (ran.failure.type, ran.session) == (kind, "")
    with pytest.raises(SessionEnded, match="its session ended: The"):
        run(runtime, session)


def test_it_ends_when_it_is_idle_for_too_long(runtime: Runtime, clock: Clock) -> None:
    _, session = run(runtime, "new")
    clock.now = IDLE - 1
    runtime._code_sessions.expire()
    assert run(runtime, session)[0] == 2
    clock.now += IDLE
    runtime._code_sessions.expire()
    with pytest.raises(SessionEnded, match=f"not used for {IDLE:g} s"):
        run(runtime, session)


def test_a_client_has_some_and_the_one_not_used_for_longest_makes_room(
    runtime: Runtime, clock: Clock
) -> None:
    first = run(runtime, "new")[1]
    for _ in range(MOST_EACH - 1):
        clock.now += 1
        run(runtime, "new")
    assert run(runtime, first)[0] == 2
    clock.now += 1
    second = min(runtime._code_sessions._living.values(), key=lambda one: one.until).text
    assert second != first
    run(runtime, "new")
    assert len(runtime._code_sessions) == MOST_EACH
    with pytest.raises(SessionEnded, match="used least recently"):
        run(runtime, second)


def test_all_clients_together_have_so_many(runtime: Runtime) -> None:
    for number in range(MOST):
        run(runtime, "new", client=f"c{number // MOST_EACH}")
    assert len(runtime._code_sessions) == MOST
    with pytest.raises(CallerError, match=f"{MOST} sessions of code live already"):
        run(runtime, "new", client="late")


def test_one_piece_of_code_runs_at_a_time(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    _, session = run(runtime, "new")
    inside, go_on = threading.Event(), threading.Event()
    put = Scratch.put

    def held(self: Scratch, files: dict[str, bytes]) -> None:
        inside.set()
        go_on.wait(10)
        put(self, files)

    monkeypatch.setattr(Scratch, "put", held)
    first = threading.Thread(target=run, args=(runtime, session))
    first.start()
    inside.wait(10)
    with pytest.raises(Busy, match="This session"):
        run(runtime, session)
    go_on.set()
    first.join()
    assert run(runtime, session)[0] == 3


def test_it_is_of_one_language_and_ends_when_the_grants_change(runtime: Runtime) -> None:
    _, session = run(runtime, "new")
    with pytest.raises(SessionEnded, match="another language"):
        runtime.run_code_sync(Run("javascript", "1", session=session), client="me")
    assert run(runtime, session)[0] == 2
    with pytest.raises(SessionEnded, match="grants"):
        runtime.run_code_sync(
            Run("python", "1", session=session), client="me", approved=[Environment("A", "1")]
        )
    with pytest.raises(SessionEnded, match="grants"):
        run(runtime, session)


def test_compiled_languages_have_none(runtime: Runtime) -> None:
    with pytest.raises(InvalidArguments, match="no session"):
        runtime.run_code_sync(Run("c", "int main(void) {}", session="new"))
