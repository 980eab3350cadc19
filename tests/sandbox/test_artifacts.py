"""The compiled cache: private, authenticated, shared by processes, bounded, and never in the way."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.artifacts import Cache
from mcp_wasm.sandbox.engine import engine_key
from tests.sandbox.children import output, start

ADD = {"a": 1, "b": 2}
POSIX = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners and modes are POSIX's")


def add(home: Path) -> object:
    """Publish and call in a runtime of its own, as a program that starts anew does."""
    with Runtime(home=home) as runtime:
        runtime.add(Path(__file__).parent.parent / "programs" / "tiny.wat")
        return runtime.call_sync("tiny_add", ADD).value


def entry(home: Path, kind: str) -> Path:
    (found,) = (home / "cache").glob(f"{kind}-*")
    return found


def test_what_is_written_is_read_and_nothing_else(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.write("a", b"content")
    assert cache.read("a") == b"content"
    assert cache.read("b") is None
    assert Cache(tmp_path / "cache").read("a") == b"content"
    cache.write("a", b"other")
    assert cache.read("a") == b"other"
    cache.write("empty", b"")
    assert cache.usage().entries == 2


def last_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def middle_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit of its code": middle_bit,
    "a bit of its end": last_bit,
    "cut short": lambda content: content[:-7],
    "shorter than a code": lambda content: content[:5],
    "empty": lambda _: b"",
    "garbage": lambda _: b"\x7fELF" + os.urandom(5000),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("kind", ["component", "parts", "world"])
def test_a_damaged_entry_is_built_again(home: Path, kind: str, damage: Callable[[bytes], bytes]) -> None:
    add(home)
    path = entry(home, kind)
    content = path.read_bytes()
    path.unlink()  # an artifact is mapped into memory: it is replaced, never written in place
    path.write_bytes(damage(content))
    assert add(home) == 3
    assert len(path.read_bytes()) == len(content)


def test_an_entry_under_the_name_of_another_is_not_believed(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.write("a", b"harmless")
    (cache.folder / "a").rename(cache.folder / "b")
    assert cache.read("b") is None


def test_an_authentic_entry_that_the_engine_refuses_is_built_again(home: Path) -> None:
    add(home)
    name = entry(home, "component").name
    Cache(home / "cache").write(name, b"what another version of the engine wrote")
    assert add(home) == 3
    assert len(entry(home, "component").read_bytes()) > 1000


def test_entries_name_the_engine_and_its_configuration(home: Path) -> None:
    add(home)
    assert entry(home, "component").name.endswith(engine_key())


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_replaced_and_everything_built_again(home: Path, key: bytes) -> None:
    add(home)
    (home / "cache" / "key").write_bytes(key)
    assert add(home) == 3
    assert len((home / "cache" / "key").read_bytes()) == 32
    assert add(home) == 3


@POSIX
def test_the_folder_and_what_is_in_it_are_for_their_owner_alone(home: Path) -> None:
    add(home)
    folder = home / "cache"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@POSIX
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o703, 0o1777])
def test_a_folder_that_others_could_write_is_closed_and_nothing_in_it_believed(
    tmp_path: Path, mode: int
) -> None:
    folder = tmp_path / "cache"
    planted = Cache(folder)  # whoever could write the folder may know its key and have signed anything
    planted.write("component-x", b"native code of an attacker")
    folder.chmod(mode)
    cache = Cache(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert cache.read("component-x") is None


@POSIX
def test_a_folder_that_others_could_only_read_is_closed_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    Cache(folder).write("a", b"content")
    folder.chmod(0o755)
    assert Cache(folder).read("a") == b"content"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@POSIX
def test_a_key_that_others_could_write_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    Cache(folder).write("a", b"content")
    (folder / "key").chmod(0o666)
    assert Cache(folder).read("a") is None


@POSIX
def test_a_key_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    Cache(folder).write("a", b"content")
    elsewhere = tmp_path / "known"
    (folder / "key").rename(elsewhere)
    (folder / "key").symlink_to(elsewhere)
    assert Cache(folder).read("a") is None
    assert not (folder / "key").is_symlink()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(InvalidSettings, match="belongs to you"):
        Cache(folder)


def test_a_home_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    with pytest.raises(InvalidSettings, match="a folder that can be made and written"):
        Runtime(home=tmp_path / "home")


@POSIX
def test_a_home_that_is_read_only_is_a_clear_error(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    tmp_path.chmod(0o755)
    printed = output(
        home,
        """
        import os
        if os.getuid() == 0:
            os.setuid(65534)  # nobody: root may write everywhere
        try:
            Runtime(home=home)
        except InvalidSettings as error:
            print(error)
        except OSError as error:
            print("not reached:", error)
        """,
    )
    if os.getuid() == 0 and "Permission" not in printed:
        pytest.skip("the folders above are closed to nobody")
    assert "a folder that can be made and written" in printed


def test_a_cache_that_cannot_be_written_any_more_is_done_without(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Runtime(home=home) as runtime:
        runtime.add(Path(__file__).parent.parent / "programs" / "tiny.wat")
        for path in (home / "cache").iterdir():
            path.unlink()
        (home / "cache").rmdir()
        assert runtime.call_sync("tiny_add", ADD).value == 3
    assert "is not kept" in caplog.text


def test_the_oldest_entries_go_and_the_newest_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit=350)
    now = time.time()
    for age, name in enumerate(["d", "c", "b", "a"]):
        cache.write(name, b"x" * 68)  # 100 bytes with its code
        os.utime(cache.folder / name, (now - 100 + age, now - 100 + age))
    assert {path.name for path in cache.folder.iterdir()} == {"key", "c", "b", "a"}
    assert cache.read("c") is not None  # used now, so it outlives the others
    cache.write("e", b"x" * 68)
    assert {path.name for path in cache.folder.iterdir()} == {"key", "c", "a", "e"}
    assert cache.prune(0) == 300
    assert cache.usage().size == 0
    cache.write("f", b"x" * 1000)  # larger than the whole cache may be: the newest is kept all the same
    assert cache.read("f") is not None


def test_a_cache_too_small_for_its_newest_entries_still_runs_them(home: Path) -> None:
    with Runtime(home=home, cache_bytes=1) as runtime:
        runtime.add(Path(__file__).parent.parent / "programs" / "tiny.wat")
        assert runtime.call_sync("tiny_add", ADD).value == 3


def test_what_a_killed_process_left_behind_is_pruned(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit=100)
    (cache.folder / ".new-abc").write_bytes(b"x" * 5000)
    os.utime(cache.folder / ".new-abc", (1, 1))
    cache.write("a", b"content")
    assert {path.name for path in cache.folder.iterdir()} == {"key", "a"}


def test_processes_share_one_home(home: Path) -> None:
    code = """
        sys.stdin.readline()  # so that both begin at once
        for name in ("tiny", "hostile", "wasi"):
            with Runtime(home=home) as runtime:
                runtime.add(programs / f"{name}.wat")
                runtime.add(programs / "tiny.wat")
                assert runtime.call_sync("tiny_add", {"a": 1, "b": 2}).value == 3
                if name == "hostile":
                    (home / "cache" / "key").touch()
        print("done")
    """
    children = [start(home, code) for _ in range(3)]
    try:
        for child in children:
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.flush()
        for child in children:
            printed, errors = child.communicate()
            assert (printed, child.returncode) == ("done\n", 0), errors
            assert "Traceback" not in errors
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert not list((home / "cache").glob(".new-*"))
