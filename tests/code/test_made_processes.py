"""Made tools of one home in several runtimes, and in a process that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_wasm.code.made_contract import PERSON
from mcp_wasm.errors import CallerError
from mcp_wasm.runtime import Runtime
from tests.code.made_tools import TYPESCRIPT, numbered, wanted


@pytest.fixture
def other(home: Path, made_runtime: Runtime) -> Iterator[Runtime]:
    """A second runtime of the same home, as a command has while a server runs."""
    with Runtime(home=home) as runtime:
        runtime.made.load()
        yield runtime


def make(runtime: Runtime, number: int = 1, name: str = "words", client: str = "a") -> str:
    return runtime.made.create(wanted(name, numbered(number)), by="x", client=client).digest


def names(runtime: Runtime) -> list[str]:
    return sorted({tool.component for tool in runtime.tools})


def kept(runtime: Runtime) -> list[tuple[str, int, bool]]:
    return [(made.name, made.version, made.kept) for made in runtime.made.list("a")]


def test_a_command_keeps_what_is_in_the_session_of_a_running_server(
    made_runtime: Runtime, other: Runtime
) -> None:
    make(made_runtime, 1)
    digest = make(made_runtime, 2)
    assert [(made.name, made.kept) for made in other.made.list(None)] == [("words", False)]
    assert other.made.list("a") == ()
    assert other.made.show("words").source == numbered(2)
    assert other.made.show("words").tools == ("words_word_count",)
    heard: list[None] = []
    made_runtime.subscribe(lambda: heard.append(None))
    other.made.keep("words", by="anna")
    assert kept(other) == [("words", 2, True)]
    assert names(made_runtime) == ["words"]
    assert kept(made_runtime) == [("words", 2, True)]
    assert len(heard) == 1  # the description tells who kept it
    made_runtime.made.end("a")
    assert made_runtime.component("words").digest == digest
    assert [each.version for each in made_runtime.made.show("words").versions] == [1, 2]


def test_what_a_command_removes_is_gone_from_a_running_server(made_runtime: Runtime, other: Runtime) -> None:
    make(made_runtime, 1, "kept")
    make(made_runtime, 2, "unkept")
    made_runtime.made.keep("kept", by="anna")
    assert names(other) == ["kept"]
    other.made.remove("kept", by="anna")
    assert names(made_runtime) == ["unkept"]
    other.made.remove("unkept", by="anna")
    assert names(made_runtime) == []
    make(made_runtime, 3, "unkept")


def test_what_a_command_publishes_and_keeps_appears_in_a_running_server(
    made_runtime: Runtime, other: Runtime
) -> None:
    other.made.create(wanted("words"), by="anna", client=PERSON)
    assert names(made_runtime) == []
    other.made.keep("words", by="anna")
    assert names(made_runtime) == ["words"]
    other.made.create(wanted("words", numbered(2)), by="anna", client=PERSON)
    other.made.keep("words", by="anna")
    assert kept(made_runtime) == [("words", 2, True)]


def test_of_two_servers_with_one_name_a_person_says_which_is_meant(
    made_runtime: Runtime, other: Runtime, home: Path
) -> None:
    first, second = make(made_runtime, 1), make(other, 2)
    with Runtime(home=home) as command:
        command.made.load()
        with pytest.raises(
            CallerError, match=r"Several servers have a tool named words: .* Say which digest"
        ):
            command.made.keep("words", by="anna")
        assert command.made.keep("words", by="anna", digest=second).digest == second
    assert kept(other) == [("words", 1, True)]
    # The first server goes on with its own, which can no more be kept under this name.
    assert kept(made_runtime) == [("words", 1, False)]
    assert made_runtime.component("words").digest == first
    with pytest.raises(CallerError, match="Another tool named words was kept meanwhile"):
        made_runtime.made.keep("words", by="anna")
    made_runtime.made.end("a")
    assert made_runtime.component("words").digest == second


def test_a_version_made_over_an_older_one_is_not_kept_over_a_newer_one(
    made_runtime: Runtime, other: Runtime
) -> None:
    make(made_runtime, 1)
    made_runtime.made.keep("words", by="anna")
    make(made_runtime, 2)
    other.made.create(wanted("words", numbered(3)), by="anna", client=PERSON)
    other.made.keep("words", by="anna")
    with pytest.raises(CallerError, match="kept meanwhile"):
        made_runtime.made.keep("words", by="anna", digest=made_runtime.component("words").digest)


def test_keeping_from_many_threads_of_two_runtimes_loses_nothing(
    made_runtime: Runtime, other: Runtime
) -> None:
    def one(number: int) -> str:
        runtime = (made_runtime, other)[number % 2]
        make(runtime, number, f"tool{number}")
        return runtime.made.keep(f"tool{number}", by="anna").name

    with ThreadPoolExecutor(6) as pool:
        acknowledged = sorted(pool.map(one, range(24)))
    assert names(made_runtime) == names(other) == acknowledged
    assert len(acknowledged) == 24


def test_one_name_at_once_is_made_once(made_runtime: Runtime) -> None:
    def one(number: int) -> str:
        try:
            return make(made_runtime, number)
        except CallerError as error:
            assert "is being made already" in str(error)  # noqa: PT017 - either end is right
            return ""

    with ThreadPoolExecutor(6) as pool:
        made = [digest for digest in pool.map(one, range(12)) if digest]
    assert [each.version for each in made_runtime.made.show("words").versions] == list(
        range(1, len(made) + 1)
    )


_KEEPING = f"""
import sys
from pathlib import Path
from mcp_wasm.code.made_contract import Wanted
from mcp_wasm.runtime import Runtime

runtime = Runtime(home=Path(sys.argv[1]))
runtime.made.load()
runtime.made.create(Wanted("unkept", "typescript", {TYPESCRIPT!r}), by="x", client="a")
for number in range(1000):
    name = f"tool{{number % 7}}"
    source = {TYPESCRIPT!r} + f"// {{number}}"
    runtime.made.create(Wanted(name, "typescript", source), by="x", client="a")
    print(name, runtime.made.keep(name, by="anna").digest, flush=True)
"""


def test_a_server_that_is_killed_loses_nothing_that_it_had_kept(home: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", _KEEPING, str(home)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    lines = [server.stdout.readline() for _ in range(20)]
    server.send_signal(signal.SIGKILL)
    lines += server.stdout.readlines()
    server.wait()
    server.stdout.close()
    acknowledged = dict(line.split() for line in lines if line.endswith("\n"))
    with Runtime(home=home) as runtime:
        runtime.made.load()
        for name, digest in acknowledged.items():
            history = [each.digest for each in runtime.made.show(name).versions]
            assert digest in history[-2:]  # one more may have been kept, and not be told yet
        assert "unkept" not in names(runtime)
        make(runtime, 1, "other")
        # What it left is swept by the next that writes.
        assert len(list((home / "made" / ".sessions").iterdir())) == 1
        assert list((home / "made").glob(".new-*")) == []
