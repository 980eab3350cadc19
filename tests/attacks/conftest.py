"""One attacked server for all attacks, with every hostile guest in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.attacked import Attacked, attacked
from tests.attacks.guests import everyone


@pytest.fixture(scope="session")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every guest that the attacks call, and the honest ones."""
    folder = tmp_path_factory.mktemp("components")
    everyone(folder, tmp_path_factory.mktemp("built"))
    return folder


@pytest.fixture(scope="session")
def server(hostile_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A real stdio server for all attacks; what each left in it is checked after each."""
    with attacked(hostile_folder, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def server_apart(hostile_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A server of a module's own, for attacks that leave more than others may find."""
    with attacked(hostile_folder, tmp_path_factory.mktemp("server")) as running:
        yield running
