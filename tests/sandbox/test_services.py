"""What calls share: parts made once, denials counted and logged once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Denial
from mcp_wasm.sandbox import services as module
from mcp_wasm.sandbox.services import Services


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
