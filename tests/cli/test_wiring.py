from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from mcp_wasm.cli import wiring
from mcp_wasm.config.model import Config


def test_a_server_without_patience_is_given_the_rest_while_it_serves(folder: Path, home: Path) -> None:
    config = Config(components=(folder,), home=home, bundled=False)
    published = threading.Event()
    with wiring.open_runtime(config, patience=0) as runtime:
        runtime.subscribe(published.set)
        assert runtime.tools or published.wait(10)
        assert [component.name for component in runtime.components] == ["tiny"]


def test_ending_at_once_ends_the_publishing_too(
    folder: Path, home: Path, program: Callable[[str], Path]
) -> None:
    for number in range(30):
        (folder / f"c{number}.wat").write_bytes(program("tiny").read_bytes() + b";;" + b"x" * number)
    with wiring.open_runtime(Config(components=(folder,), home=home, bundled=False), patience=0):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mcp-wasm")]
