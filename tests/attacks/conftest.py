"""One attacked server for all attacks of a module, with every hostile guest in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.attacked import Attacked, attacked
from tests.attacks.guests import HOSTILE, PROGRAMS, componentized


@pytest.fixture(scope="session")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every guest that the attacks call, and the honest ones."""
    folder = tmp_path_factory.mktemp("components")
    for name in ("tiny", "hostile", "wasi"):
        shutil.copy(PROGRAMS / f"{name}.wat", folder)
    for path in HOSTILE.glob("*.wat"):
        if not path.with_suffix(".wit").exists():
            shutil.copy(path, folder)
    for name, stem in (("hoarder", "wasi_hoarder"), ("forger", "forger")):
        (folder / f"{name}.wasm").write_bytes(componentized(stem, tmp_path_factory.mktemp(name)))
    return folder


@pytest.fixture(scope="module")
def server(hostile_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A real stdio server; what each attack left in it is checked after each."""
    with attacked(hostile_folder, tmp_path_factory.mktemp("server")) as running:
        yield running
