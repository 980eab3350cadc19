"""Grants in a settings file: read where the file is trusted, refused where it is not."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import jsonschema
import pytest

from mcp_wasm.capability.grant import Storage
from mcp_wasm.config.keys import json_schema
from mcp_wasm.config.read import load
from mcp_wasm.errors import InvalidSettings


def written(folder: Path, text: str) -> Path:
    path = folder / "mcp-wasm.toml"
    path.write_text(text, encoding="utf-8")
    return path


GRANTS = """
[grants.notes]
trust = "name"
[[grants.notes.storage]]
folder = "notes"
guest = "/notes"
"""


def test_settings_can_grant(tmp_path: Path) -> None:
    path = written(tmp_path, GRANTS)
    path.chmod(0o600)
    entry = load(path).grants.entries["notes"]
    assert (entry.trust, entry.where) == ("name", f"grants.notes of {path.name}")
    assert entry.grants == (Storage(tmp_path / "notes", "/notes"),)
    assert entry.grants[0].rule == f"grants.notes.storage[0] of {path.name}"
    jsonschema.validate(tomllib.loads(GRANTS), json_schema())


def test_a_settings_file_of_the_working_folder_grants_nothing(tmp_path: Path) -> None:
    for text in (GRANTS, "[grants]", "grants = 5"):
        with pytest.raises(InvalidSettings, match="no grants in a file that lies in the working folder"):
            load(written(tmp_path, text), trusted=False)


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize(("mode", "taken"), [(0o644, True), (0o664, False), (0o646, False)])
def test_settings_that_others_can_write_cannot_grant(tmp_path: Path, mode: int, taken: bool) -> None:
    path = written(tmp_path, GRANTS)
    path.chmod(mode)
    if taken:
        assert load(path).grants.entries
        return
    with pytest.raises(InvalidSettings, match="chmod go-w"):
        load(path)
    path.write_text("workers = 3", encoding="utf-8")
    assert load(path).workers == 3
