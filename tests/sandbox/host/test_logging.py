"""``wasi:logging``: into the server's log and the report, bounded, one line a message."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.capability.grant import Logging
from mcp_wasm.errors import ComponentRefused
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import logged
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.logged import Logged
from tests.sandbox.guests import ENDLESS
from tests.sandbox.host import state_guests as guests

LEVELS = ("trace", "debug", "info", "warn", "error", "critical")


@pytest.fixture(scope="module", params=["", "@0.1.0-draft"])
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    text = guests.logging(request.param)
    with guests.runtime(tmp_path_factory.mktemp("home"), text, Limits(fuel=ENDLESS, log=10_000)) as made:
        yield made


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a handler of the server writes for guests."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("mcp_wasm.guest")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield stream
    logger.removeHandler(handler)
    logger.level, logger.propagate = before


def log(runtime: Runtime, *grants: Logging, times: int = 1, **given: Any) -> Any:
    arguments = {"level": "info", "context": "", "message": "hello"} | given
    return guests.call(runtime, "log", *grants, times=times, **arguments).report


def test_a_message_is_in_the_servers_log_and_in_the_report(runtime: Runtime, written: io.StringIO) -> None:
    report = log(runtime, Logging(), context="here", message="Grüße 世界")
    assert report.log == (Logged("info", "here", "Grüße 世界"),)
    assert report.denials == ()
    assert written.getvalue() == "INFO mcp_wasm.guest: it_log (it): [here] Grüße 世界\n"


@pytest.mark.parametrize("least", LEVELS)
def test_what_is_below_the_granted_level_is_dropped(
    runtime: Runtime, written: io.StringIO, least: Any
) -> None:
    kept = [level for level in LEVELS if log(runtime, Logging(least), level=level).log]
    assert kept == list(LEVELS[LEVELS.index(least) :])
    assert len(written.getvalue().splitlines()) == len(kept)


def test_of_two_grants_the_first_holds(runtime: Runtime) -> None:
    assert log(runtime, Logging("debug"), Logging("error"), level="debug").log
    assert not log(runtime, Logging("error"), Logging("debug"), level="debug").log


def test_without_a_grant_messages_are_dropped_and_that_is_said_once(
    runtime: Runtime, written: io.StringIO
) -> None:
    report = log(runtime, level="critical", times=500)
    assert (report.log, report.log_dropped) == ((), 0)
    (denial,) = report.denials
    assert (denial.capability, denial.grant, denial.quiet, denial.count) == ("logging", Logging(), True, 500)
    assert written.getvalue() == ""


FORGERIES = [
    "hello\nCRITICAL mcp_wasm: all is lost",
    "hello\r\nERROR root: \x1b[2Jgone",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    'x\n{"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n',
    "a\u2028b\u2029c\x85d\x0be\x0cf",
    "\u202egnp.exe",
    "\0\0\0",
    "%s %d %(name)s {0}",
]


@pytest.mark.parametrize("text", FORGERIES, ids=ascii)
def test_no_message_makes_a_line_of_its_own(runtime: Runtime, written: io.StringIO, text: str) -> None:
    report = log(runtime, Logging(), context=text, message=text)
    (line,) = written.getvalue().splitlines()
    assert line.startswith("INFO mcp_wasm.guest: it_log (it): ")
    assert line.isprintable()
    assert report.log[0].message.isprintable()
    assert report.log[0].context.isprintable()


def test_a_long_message_is_cut(runtime: Runtime, written: io.StringIO) -> None:
    whole = log(runtime, Logging(), message="m" * logged.MESSAGE, context="c" * logged.CONTEXT).log[0]
    assert (len(whole.message), len(whole.context)) == (logged.MESSAGE, logged.CONTEXT)
    cut = log(runtime, Logging(), message="m" * 1_000_000, context="c" * 1_000_000).log[0]
    assert cut.message == "m" * logged.MESSAGE + "… (1,000,000 characters)"
    assert len(written.getvalue()) < 3 * (logged.MESSAGE + logged.CONTEXT)


def test_a_flood_is_cut_by_bytes(runtime: Runtime, written: io.StringIO) -> None:
    report = log(runtime, Logging(), message="m" * 1_000, times=10)
    assert (len(report.log), report.log_dropped) == (10, 0)
    report = log(runtime, Logging(), message="m" * 1_000, times=11)
    assert (len(report.log), report.log_dropped) == (10, 1)
    assert "further messages of this call are dropped" in written.getvalue()


def test_a_flood_is_cut_by_number(runtime: Runtime, written: io.StringIO) -> None:
    report = log(runtime, Logging(), message="", times=logged.LINES)
    assert (len(report.log), report.log_dropped) == (logged.LINES, 0)
    report = log(runtime, Logging(), message="", times=20_000)
    assert (len(report.log), report.log_dropped) == (logged.LINES, 20_000 - logged.LINES)
    assert len(written.getvalue().splitlines()) == 2 * logged.LINES + 1


def test_each_call_has_a_log_of_its_own(runtime: Runtime) -> None:
    log(runtime, Logging(), message="one")
    assert log(runtime, Logging(), message="two").log == (Logged("info", "", "two"),)


def test_a_version_that_is_no_draft_is_not_provided(home: Path) -> None:
    with pytest.raises(ComponentRefused, match=r"wasi:logging/logging@0\.9\.0 \(only"):
        guests.runtime(home, guests.logging("@0.9.0")).close()
