"""Which mechanism is taken, and what happens where one fails, is old, or none is there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.build import confine
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed, NotConfined
from tests.build.test_confine import AVAILABLE, PYTHON, TIGHT, each_mechanism, on_linux, run, victim


def test_where_there_is_no_confinement_it_is_refused_with_the_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    confine.why_not.cache_clear()
    monkeypatch.setattr("sys.platform", "plan9")
    try:
        assert confine.where_possible() is None
        with pytest.raises(
            NotConfined, match=r"bubblewrap: it is a part of Linux.*apt-get install bubblewrap"
        ):
            confine.require()
    finally:
        confine.why_not.cache_clear()


@on_linux
def test_a_mechanism_that_lets_something_through_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe looks for itself: were sockets not refused, the mechanism would not be taken."""
    monkeypatch.setattr("mcp_wasm.build.confine._filter", lambda *_: b"\x06\x00\x00\x00\x00\x00\xff\x7f")
    monkeypatch.setattr("mcp_wasm.build.confine._landlock_abi", lambda: 2)
    if "landlock" in AVAILABLE:
        assert confine.why_not.__wrapped__("landlock") == "a socket could be made"


@on_linux
def test_an_older_landlock_holds_as_well_and_the_oldest_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What later versions add is made up for by the filter: signals, sockets, cutting files."""
    if "landlock" not in AVAILABLE:
        pytest.skip("no Landlock here")
    monkeypatch.setattr("mcp_wasm.build.confine._landlock_abi", lambda: 2)
    with victim(tmp_path) as asked:
        said = json.loads(run(Confinement("landlock", **TIGHT), asked))
    assert [attack for attack, outcome in said.items() if outcome == "done"] == []
    monkeypatch.setattr("mcp_wasm.build.confine._landlock_abi", lambda: 1)
    assert confine.why_not.__wrapped__("landlock") == "the kernel has none, or one before Linux 5.19"


@on_linux
def test_a_program_is_not_run_where_its_confinement_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A filter that the kernel does not take."""
    if "landlock" not in AVAILABLE:
        pytest.skip("no Landlock here")
    monkeypatch.setattr("mcp_wasm.build.confine._filter", lambda *_: b"\xff" * 8)
    code = f"open({str(tmp_path / 'made')!r}, 'w')"
    refused = pytest.raises(BuildFailed, match="the program could not be confined")
    with Workspace("x", confined=Confinement("landlock")) as space, refused:
        space.run([*PYTHON, "-c", code], reads=[*confine.interpreter(), tmp_path])
    assert not (tmp_path / "made").exists()


@on_linux
@each_mechanism
def test_limits_that_are_too_tight_for_anything_are_an_error_of_the_build(mechanism: Any) -> None:
    confined = replace(Confinement(mechanism), memory=1)
    with Workspace("x", confined=confined) as space, pytest.raises(BuildFailed):
        space.run([*PYTHON, "-c", "pass"], reads=confine.interpreter())
