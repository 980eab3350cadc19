"""What calls share: parts made once, denials counted and logged once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Denial, KeyValue, Network
from mcp_wasm.sandbox import services as module
from mcp_wasm.sandbox.call import About, Call, Permit
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.redact import Redactor
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path)


def denial(asked: str, *, component: str = "fetch", quiet: bool = False) -> Denial:
    return Denial("network", asked, "no grant of network", component, "0" * 64, quiet=quiet)


def test_a_denial_is_counted_each_time_and_logged_once(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    for asked in ("GET a", "GET a", "GET b"):
        services.denied(denial(asked))
    services.denied(denial("GET a", component="other"))
    assert services.denials == {("fetch", "network"): 3, ("other", "network"): 1}
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3


def test_what_is_tried_in_passing_is_counted_and_not_logged(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    services.denied(denial("open /etc/x", quiet=True))
    assert services.denials == {("fetch", "network"): 1}
    assert caplog.records == []


def test_a_guest_cannot_flood_the_log_or_forge_a_line_of_it(
    services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOGGED", 3)
    for number in range(5):
        services.denied(denial(f"{number}\nWARNING: all is well\x1b[2J\u202e"))
    assert services.denials == {("fetch", "network"): 5}
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 4
    assert said[-1] == "3 different denials were logged; further ones are only counted"
    assert all(line.isascii() and line.isprintable() for line in said)


@pytest.mark.parametrize("secret", ["hunter2-hunter2", "it's a 'secret'"])
def test_neither_a_grant_nor_its_command_gives_a_secret_away(services: Services, secret: str) -> None:
    call = Call(Permit(About("fetch_get", "fetch", "0" * 64), Limits(), services), Stop())
    call.redactor = Redactor()
    call.redactor.add("KEY", secret)
    call.deny(KeyValue(secret), f"open {secret}", "no grant")
    call.deny(Network((f"{secret}.example.com",)), f"GET https://{secret}.example.com", "no grant")
    call.deny(KeyValue("notes"), "open notes", "no grant")
    call.close()
    assert [denial.grant for denial in call.denials] == [None, None, KeyValue("notes")]
    assert [bool(denial.command) for denial in call.denials] == [False, False, True]
    assert secret not in str(call.denials)


def test_what_a_called_tool_was_denied_gives_no_secret_of_its_caller_away(services: Services) -> None:
    """It knows nothing of the caller's secrets, and the caller may have handed one on."""
    secret = "hunter2-hunter2"
    permit = Permit(About("fetch_get", "fetch", "0" * 64), Limits(), services)
    outer, inner = Call(permit, Stop()), Call(permit, Stop())
    outer.redactor = Redactor()
    outer.redactor.add("KEY", secret)
    inner.deny(KeyValue(secret), f"open {secret}", f"no grant of {secret}")
    inner.deny(KeyValue("notes"), "open notes", "no grant")
    outer.pass_on(inner.denials)
    inner.close()
    outer.close()
    assert secret not in str(outer.denials)
    assert [denial.grant for denial in outer.denials] == [None, KeyValue("notes")]
    assert [bool(denial.command) for denial in outer.denials] == [False, True]
