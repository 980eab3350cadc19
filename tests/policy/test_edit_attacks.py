"""The policy file against broken files, links, odd names, two writers and a full disk."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.capability.grant import ConfigValue, Environment, Grant, KeyValue
from mcp_wasm.capability.policy import Entry
from mcp_wasm.errors import CallerError, InvalidSettings
from mcp_wasm.policy import edit, replacing
from mcp_wasm.policy.file import LARGEST, read

OLD, NEW = "a" * 64, "b" * 64
A, B, C = Environment("A"), Environment("B"), KeyValue("c", write=True)
WISHES = frozenset({"wasi:keyvalue/store"})


def entry(home: Path, name: str = "fetch") -> Entry:
    policy = read(home / "grants.toml")
    assert not policy.problem
    return policy.entries[name]


def write(home: Path, text: str) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    (home / "grants.toml").write_text(text, encoding="utf-8")
    (home / "grants.toml").chmod(0o600)
    return home / "grants.toml"


PERSONS = f"""\
# What my tools may do.

[grants.fetch]  # for work
digest = "{OLD}"
# the API
[[grants.fetch.environment]]
name = "A"  # why not

[[grants.fetch.environment]]
name = "B"

# the notes
[grants.notes]
trust = "name"
[grants.notes.storage]  # one table
folder = "~/notes"
guest = "/notes"
"""


@pytest.mark.parametrize("text", ["[", "[other]\n", f'[grants.fetch]\ndigest = "{OLD}"\nnetwork = 5\n'])
def test_a_broken_file_is_not_edited(home: Path, text: str) -> None:
    path = write(home, text)
    with pytest.raises(InvalidSettings):
        edit.add(home, "fetch", OLD, (), [A])
    assert path.read_text() == text


def test_a_file_that_others_can_write_is_not_edited(home: Path) -> None:
    write(home, PERSONS).chmod(0o666)
    with pytest.raises(InvalidSettings, match="chmod go-w"):
        edit.add(home, "fetch", OLD, (), [B])


def test_a_link_stays_and_what_it_leads_to_is_changed(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    target = tmp_path / "mine.toml"
    target.write_text(PERSONS, encoding="utf-8")
    target.chmod(0o600)
    (home / "grants.toml").symlink_to(target)
    edit.add(home, "fetch", OLD, (), [C])
    assert (home / "grants.toml").is_symlink()
    assert C in read(target).entries["fetch"].grants


def test_a_planted_link_in_place_of_the_lock_is_not_followed(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / ".grants.toml.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        edit.add(home, "fetch", OLD, (), [A])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["Fetch", "../fetch", "fetch]\n[x", "", "a" * 49, "fetch\x1b"])
def test_a_name_that_no_component_has_never_reaches_the_file(home: Path, name: str) -> None:
    with pytest.raises(InvalidSettings):
        edit.add(home, name, OLD, (), [A])
    with pytest.raises(InvalidSettings):
        edit.revoke(home, name)
    assert not (home / "grants.toml").exists()


@pytest.mark.parametrize("digest", [OLD.upper(), OLD[1:], f"{OLD}\n", 'x"\n'])
def test_what_is_no_digest_never_reaches_the_file(home: Path, digest: str) -> None:
    with pytest.raises(InvalidSettings):
        edit.add(home, "fetch", digest, (), [A])


def test_wishes_that_could_not_be_read_back_are_refused(home: Path) -> None:
    edit.add(home, "fetch", OLD, (), [A])
    before = (home / "grants.toml").read_bytes()
    for wishes in (["a\x1b[2J"], ["x" * 2000], [""], [str(number) for number in range(1001)]):
        with pytest.raises(InvalidSettings, match="left as it is"):
            edit.approve(home, "fetch", NEW, wishes)
    edit.approve(home, "fetch", NEW, [str(number) for number in range(1000)])
    assert (home / "grants.toml").read_bytes() != before


def test_a_policy_does_not_outgrow_what_is_read(home: Path) -> None:
    big = [ConfigValue(f"k{number}", "x" * 60_000) for number in range(5)]
    edit.add(home, "fetch", OLD, (), big[:4])
    with pytest.raises(InvalidSettings, match=f"{LARGEST:,} bytes after the change"):
        edit.add(home, "fetch", OLD, (), big[4:])
    assert entry(home).grants == tuple(big[:4])


TEXTS = st.text(max_size=30).filter(
    lambda text: ("\0" not in text and text.isprintable()) or text in "\n\t\r\x7f"
)


@given(st.lists(TEXTS, max_size=3, unique=True))
def test_any_value_is_written_and_read_back(values: list[str]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        grants = [ConfigValue(f"k{at}", value) for at, value in enumerate(values)]
        edit.add(Path(folder), "fetch", OLD, (), grants)
        edit.add(Path(folder), "fetch", OLD, (), [A])
        assert entry(Path(folder)).grants == (*grants, A)


def _add(home: str, number: int) -> None:
    for each in range(5):
        edit.add(Path(home), f"c{number % 2}", OLD, (), [Environment(f"V{number}_{each}")])


def test_writers_at_once_lose_nothing(home: Path) -> None:
    home.mkdir()
    context = multiprocessing.get_context("spawn")
    workers: list[threading.Thread | multiprocessing.process.BaseProcess] = [
        context.Process(target=_add, args=(str(home), 0)),
        context.Process(target=_add, args=(str(home), 1)),
        threading.Thread(target=_add, args=(str(home), 2)),
        threading.Thread(target=_add, args=(str(home), 3)),
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    names = {
        grant.name
        for each in ("c0", "c1")
        for grant in entry(home, each).grants
        if isinstance(grant, Environment)
    }
    assert names == {f"V{number}_{each}" for number in range(4) for each in range(5)}


def test_a_reader_never_sees_a_part(home: Path) -> None:
    edit.add(home, "fetch", OLD, (), [A])
    seen: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(read(home / "grants.toml").problem)

    reader = threading.Thread(target=look)
    reader.start()
    grants: list[Grant] = [Environment(f"V{number}", "x" * 2000) for number in range(20)]
    for each in grants:
        edit.add(home, "fetch", OLD, (), [each])
    done.set()
    reader.join()
    assert set(seen) == {""}


def test_a_writer_that_does_not_end_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing, "_PATIENCE_S", 0.0)
    home.mkdir()
    with replacing.locked(home / "grants.toml"), pytest.raises(CallerError, match="has been changing"):
        edit.add(home, "fetch", OLD, (), [A])
    edit.add(home, "fetch", OLD, (), [A])


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit.add(home, "fetch", OLD, (), [A])
    before = sorted(home.iterdir()), (home / "grants.toml").read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        edit.add(home, "fetch", OLD, (), [B])
    assert (sorted(home.iterdir()), (home / "grants.toml").read_bytes()) == before


def test_what_a_killed_writer_left_is_taken_away_and_never_followed(home: Path, tmp_path: Path) -> None:
    edit.add(home, "fetch", OLD, (), [A])
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (home / ".grants.toml.new").symlink_to(precious)
    edit.add(home, "fetch", OLD, (), [B])
    assert entry(home).grants == (A, B)
    assert precious.read_text() == "mine"
    assert not (home / ".grants.toml.new").exists()


WRITER = """
import sys
from pathlib import Path
from mcp_wasm.capability.grant import Environment
from mcp_wasm.policy import edit
for number in range(1000):
    edit.add(Path(sys.argv[1]), "fetch", "a" * 64, (), [Environment(f"V{sys.argv[2]}_{number}")])
    print(f"V{sys.argv[2]}_{number}", flush=True)
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(home: Path) -> None:
    acknowledged: set[str] = set()
    for kill in range(10):
        words = [sys.executable, "-c", WRITER, str(home), str(kill)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged |= {writer.stdout.readline().strip() for _ in range(1 + kill % 4)}
            writer.kill()
        names = {grant.name for grant in entry(home).grants if isinstance(grant, Environment)}
        assert acknowledged <= names
