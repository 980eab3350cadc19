"""The policy file: read anew when it changes, and obeyed only where nobody else can write it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Environment
from mcp_wasm.capability.policy import EMPTY
from mcp_wasm.policy.file import LARGEST, PolicyFile, read

DIGEST = "d" * 64
ONE = f'[grants.one]\ndigest = "{DIGEST}"\n[[grants.one.environment]]\nname = "A"\n'
TWO = ONE.replace("one", "two")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "grants.toml"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_no_file_is_an_empty_policy(path: Path) -> None:
    assert read(path) is EMPTY
    assert PolicyFile(path).policy() is EMPTY


def test_a_file_is_read(path: Path) -> None:
    entry = read(write(path, ONE)).entries["one"]
    assert (entry.digest, entry.grants) == (DIGEST, (Environment("A"),))


def test_every_change_holds_at_the_next_look(path: Path) -> None:
    file = PolicyFile(path)
    assert file.policy().entries == {}
    write(path, ONE)
    assert set(file.policy().entries) == {"one"}
    # The same size, and perhaps the same tick of the clock.
    write(path, TWO)
    assert set(file.policy().entries) == {"two"}
    other = write(path.with_name("other"), ONE)
    other.replace(path)
    assert set(file.policy().entries) == {"one"}
    path.unlink()
    assert file.policy() is EMPTY


def test_a_change_that_leaves_the_times_as_they_were_is_seen(path: Path) -> None:
    file = PolicyFile(write(path, ONE))
    about = path.stat()
    assert set(file.policy().entries) == {"one"}
    path.write_text(TWO, encoding="utf-8")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert set(file.policy().entries) == {"two"}


def test_what_did_not_change_stays_the_same_object(path: Path) -> None:
    file = PolicyFile(write(path, ONE))
    first = file.policy()
    assert file.policy() is first
    path.touch()
    assert file.policy() is first


BROKEN = [
    ("[grants.one", "a TOML document"),
    ("[grants.one]\ndigest = 5", "grants.one.digest"),
    ("[other]", "a key that exists"),
    (ONE + "[grants.two]\nnetwork = 5", "grants.two.network"),
    ("x = " + "[" * 5000, "a TOML document"),
    ("x = " + "9" * 5000, "a TOML document"),
    ("grants = 0x" + "f" * 5000, "a number of 20,000 bits"),
    ("a." * 31 + "b = 1", "a key that exists"),
    ("a." * 130_000 + "b = 1", "a key has more than 32 parts"),
    ("[grants." + "a." * 130_000 + "b]", "a key has more than 32 parts"),
    ("[grants." + "a." * 30 + "b]", "a kind of grant that exists"),
    ("# " + "x" * LARGEST, "at most 262,144 bytes"),
    ('x = "\\ud800"', "a TOML document"),
]


@pytest.mark.parametrize(("text", "told"), BROKEN, ids=lambda value: value[:20])
def test_a_broken_file_gives_nothing_and_says_why(path: Path, text: str, told: str) -> None:
    policy = read(write(path, text))
    assert policy.entries == {}
    assert told in policy.problem
    assert str(path) in policy.problem
    assert len(policy.problem) < 1000


def test_what_is_not_utf_8_gives_nothing(path: Path) -> None:
    path.write_bytes(ONE.encode() + b"# \xff\n")
    path.chmod(0o600)
    assert "UTF-8" in read(path).problem


def test_a_file_of_the_largest_size_is_read(path: Path) -> None:
    text = ONE + "#" * (LARGEST - len(ONE))
    assert read(write(path, text)).problem == ""


def test_a_broken_file_is_logged_once_and_works_when_mended(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = PolicyFile(write(path, "["))
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            assert file.policy().problem
    assert len(caplog.records) == 1
    write(path, ONE)
    assert not file.policy().problem
    assert set(file.policy().entries) == {"one"}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="POSIX permissions")
@pytest.mark.parametrize(
    ("mode", "obeyed"), [(0o600, True), (0o644, True), (0o400, True), (0o660, False), (0o602, False)]
)
def test_a_file_that_others_can_write_is_not_obeyed(path: Path, mode: int, obeyed: bool) -> None:
    write(path, ONE).chmod(mode)
    policy = read(path)
    assert bool(policy.entries) is obeyed
    assert ("chmod go-w" in policy.problem) is not obeyed


def test_a_change_of_permissions_alone_is_seen(path: Path) -> None:
    file = PolicyFile(write(path, ONE))
    assert file.policy().entries
    path.chmod(0o666)
    assert not file.policy().entries


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_obeyed(path: Path) -> None:
    write(path, ONE)
    os.chown(path, 12345, -1)
    # Root's own files are obeyed by everybody; of another's, root obeys none.
    assert "another user" in read(path).problem


def test_a_link_is_followed_to_a_file_that_may_be_obeyed(path: Path) -> None:
    target = write(path.with_name("real.toml"), ONE)
    path.symlink_to(target)
    assert read(path).entries
    target.chmod(0o666)
    assert "only you can write" in read(path).problem


def test_a_link_that_leads_nowhere_is_no_file(path: Path) -> None:
    path.symlink_to("nowhere")
    assert read(path) is EMPTY


def test_what_is_no_file_gives_nothing(path: Path) -> None:
    path.mkdir()
    assert read(path).problem
    path.rmdir()
    os.mkfifo(path)
    assert "expected a file" in read(path).problem
    path.unlink()
    path.symlink_to(path.name)
    assert "cannot be read" in read(path).problem
    assert PolicyFile(path).policy().problem
