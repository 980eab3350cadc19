from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command


def filled(command: Command, folder: Path) -> None:
    assert (
        command("call", "tiny_add", "--args", "a=1", "b=2", "--components", folder, "--no-bundled").code == 0
    )


def test_the_size_is_what_the_folder_holds(command: Command, folder: Path, home: Path) -> None:
    filled(command, folder)
    document = json.loads(command("cache", "size", "--json").out)
    files = [path for path in (home / "cache").iterdir() if path.name != "key"]
    assert document["entries"] == len(files) > 0
    assert document["bytes"] == sum(path.stat().st_size for path in files)
    assert str(home / "cache") in command("cache", "size").out


def test_pruning_to_nothing_empties_it_and_the_next_call_works(command: Command, folder: Path) -> None:
    filled(command, folder)
    before = json.loads(command("cache", "size", "--json").out)["bytes"]
    document = json.loads(command("cache", "prune", "--to", "0", "--json").out)
    assert (document["freed"], document["entries"], document["bytes"]) == (before, 0, 0)
    filled(command, folder)


def test_pruning_keeps_what_is_within_the_limit(command: Command, folder: Path) -> None:
    filled(command, folder)
    assert json.loads(command("cache", "prune", "--json").out)["freed"] == 0
