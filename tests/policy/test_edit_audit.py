"""Changes to the policy file are in the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.audit import reading
from mcp_wasm.audit.sink import folder_of
from mcp_wasm.capability.grant import Environment, Network
from mcp_wasm.policy import edit

OLD = "a" * 64


def test_changes_are_in_the_audit_log_without_the_values_that_they_give(home: Path) -> None:
    secret = Environment("KEY", "hunter2hunter2")
    edit.add(home, "fetch", OLD, [], [Network(("example.org",)), secret])
    edit.add(home, "fetch", OLD, [], [secret])
    edit.approve(home, "fetch", OLD, [], trust="name")
    edit.revoke(home, "fetch", kind="environment")
    found = [(each.event, each.component, each.digest, each.grants) for each in reading.read(folder_of(home))]
    assert found == [
        ("grant", "fetch", OLD, ("network: example.org", "environment: KEY")),
        ("grant", "fetch", OLD, ()),
        ("revoke", "fetch", OLD, ("environment: KEY",)),
    ]
    assert b"hunter2" not in (folder_of(home) / "audit.jsonl").read_bytes()


def test_a_change_holds_where_the_audit_log_cannot_be_written(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "audit").write_text("a file", encoding="utf-8")
    assert edit.add(home, "fetch", OLD, [], [Network(("example.org",))])
    assert "audit log" in caplog.text
