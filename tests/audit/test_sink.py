from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mcp_wasm.audit.file import CURRENT, AppendFile, files
from mcp_wasm.audit.reading import Damage, read
from mcp_wasm.audit.sink import AuditLog, AuditOptions, append, event

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
from mcp_wasm.audit.sink import AuditLog, AuditOptions, event
log = AuditLog(Path(sys.argv[1]), AuditOptions(max_bytes=int(sys.argv[3]), keep=1000, queue=10**6))
for number in range(int(sys.argv[2])):
    log.write(event("call", tool=sys.argv[4], count=number + 1, detail="x" * 300))
assert log.flush(15)
print("written", flush=True)
sys.stdin.read()
log.close()
"""


def writer(folder: Path, count: int, max_bytes: int, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(count), str(max_bytes), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )


def names(folder: Path) -> list[str]:
    return [record.tool for record in read(folder)]


def test_what_was_written_is_read_back_in_order(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    for number in range(100):
        log.write(event("call", tool=f"t{number}"))
    log.close()
    assert names(tmp_path / "audit") == [f"t{number}" for number in range(100)]
    assert log.lost == 0


def test_the_log_is_the_persons_own(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "audit"
    AuditLog(folder).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / CURRENT).stat().st_mode) == 0o600


def test_ids_are_unique() -> None:
    assert len({event("call").id for _ in range(1000)}) == 1000


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / CURRENT).symlink_to(target)
    with pytest.raises(OSError, match=r"symbolic|loop|Too many"):
        AuditLog(folder)
    assert target.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file", encoding="utf-8")
    with pytest.raises(OSError, match="audit"):
        AuditLog(tmp_path / "audit")


def test_a_full_file_makes_room_and_only_so_many_are_kept(tmp_path: Path) -> None:
    file = AppendFile(tmp_path, max_bytes=100, keep=2)
    for number in range(20):
        file.append(b'{"number":%02d,"%s":1}\n' % (number, b"x" * 30))
    file.close()
    assert len(files(tmp_path)) == 3
    kept = [json.loads(text)["number"] for path in files(tmp_path) for text in path.read_bytes().splitlines()]
    assert kept == sorted(kept)
    assert kept[-1] == 19
    assert all(path.stat().st_size <= 100 for path in files(tmp_path))


def test_a_record_larger_than_a_file_is_written_all_the_same(tmp_path: Path) -> None:
    file = AppendFile(tmp_path, max_bytes=10, keep=2)
    file.append(b"x" * 50 + b"\n")
    file.append(b"y" * 50 + b"\n")
    file.close()
    assert [path.stat().st_size for path in files(tmp_path)] == [51, 51]


def test_a_torn_line_does_not_take_the_next_one_with_it(tmp_path: Path) -> None:
    append(tmp_path, [event("call", tool="before")])
    with (tmp_path / CURRENT).open("ab") as file:
        file.write(b'{"v":1,"time":"2025-11-2')
    append(tmp_path, [event("call", tool="after")])
    damage = Damage()
    assert [record.tool for record in read(tmp_path, damage)] == ["before", "after"]
    assert damage.lines == 1


def test_a_file_that_was_taken_away_comes_again(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.write(event("call", tool="one"))
    assert log.flush()
    (tmp_path / CURRENT).unlink()
    log.write(event("call", tool="two"))
    log.close()
    assert names(tmp_path) == ["two"]


def test_a_flood_costs_records_and_their_number_is_written(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, AuditOptions(queue=50))
    for _ in range(100_000):
        log.write(event("call"))
    log.close()
    found = list(read(tmp_path))
    lost = sum(record.count for record in found if record.event == "lost")
    assert lost == log.lost > 0
    assert sum(record.event == "call" for record in found) + lost == 100_000


def test_a_record_after_the_end_is_counted_as_lost(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.close()
    log.close()
    log.write(event("call"))
    assert log.lost == 1


def test_writers_in_many_threads_lose_nothing(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, AuditOptions(queue=100_000))

    def write() -> None:
        for _ in range(500):
            log.write(event("call"))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert len({record.id for record in read(tmp_path)}) == 4000


def test_a_disk_that_takes_nothing_is_told_once_and_later_records_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mcp_wasm.audit.sink._RETRY_S", 0.01)
    log = AuditLog(tmp_path / "audit")
    refused = threading.Event()
    whole = AppendFile.append

    def full(_file: AppendFile, _lines: bytes) -> None:
        if refused.is_set():
            monkeypatch.setattr(AppendFile, "append", whole)
        refused.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AppendFile, "append", full)
    log.write(event("call", tool="kept"))
    assert refused.wait(10)
    assert log.flush(10)
    log.close()
    assert names(tmp_path / "audit") == ["kept"]
    said = [each.message for each in caplog.records]
    assert len(said) == 2
    assert "No space left" in said[0]
    assert "again" in said[1]


def test_with_sync_every_batch_is_forced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[int] = []
    monkeypatch.setattr(os, "fsync", forced.append)
    for sync in (False, True):
        log = AuditLog(tmp_path / str(sync), AuditOptions(sync=sync))
        log.write(event("call"))
        log.close()
        assert bool(forced) is sync


def test_a_record_that_cannot_be_redacted_is_counted_not_written(tmp_path: Path) -> None:
    def broken(_text: str) -> str:
        raise RuntimeError("no redactor")

    log = AuditLog(tmp_path, redact=broken)
    log.write(event("call", tool="secret"))
    log.close()
    assert [record.event for record in read(tmp_path)] == ["lost"]
    assert b"secret" not in (tmp_path / CURRENT).read_bytes()


def test_processes_share_a_log_without_losing_or_mixing_a_line(tmp_path: Path) -> None:
    processes = [writer(tmp_path, 400, 20_000, f"p{number}") for number in range(3)]
    for process in processes:
        process.communicate(timeout=20)
        assert process.returncode == 0
    damage = Damage()
    found = list(read(tmp_path, damage))
    assert damage.lines == 0
    for number in range(3):
        assert sorted(r.count for r in found if r.tool == f"p{number}") == list(range(1, 401))
    assert len(files(tmp_path)) > 3


def test_a_kill_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    process = writer(tmp_path, 300, 10**9, "killed")
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    append(tmp_path, [event("server")])
    assert len(names(tmp_path)) == 301
