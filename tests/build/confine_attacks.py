"""What a build program that turned hostile would try, as one program that tries all of it.

Run by itself: its argument is JSON (``secret``, a file; ``folder``, one to write
to; ``port`` and ``socket``, where somebody listens; ``server``, a process), and
it prints as JSON, for each attack, "done" or why not.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ASKED = json.loads(sys.argv[1]) if __name__ == "__main__" else {}
LIBC = ctypes.CDLL(None, use_errno=True)


def read_a_file_of_the_person() -> None:
    assert Path(ASKED["secret"]).read_text(encoding="utf-8") == "secret"


def read_the_users_of_the_machine() -> None:
    assert "root" in Path("/etc/passwd").read_text(encoding="utf-8")


def list_a_folder_of_the_person() -> None:
    assert Path(ASKED["secret"]).name in os.listdir(ASKED["folder"])  # noqa: PTH208 (what a guest does)


def make_a_file_elsewhere() -> None:
    Path(ASKED["folder"], "made").write_text("x", encoding="utf-8")


def change_a_file_elsewhere() -> None:
    with Path(ASKED["secret"]).open("a", encoding="utf-8") as file:
        file.write("")


def cut_a_file_elsewhere() -> None:
    os.truncate(ASKED["secret"], 6)


def change_the_mode_of_a_file_elsewhere() -> None:
    Path(ASKED["secret"]).chmod(0o640)
    assert Path(ASKED["secret"]).stat().st_mode & 0o777 == 0o640


def change_the_times_of_a_file_elsewhere() -> None:
    os.utime(ASKED["secret"], (1, 1))
    assert Path(ASKED["secret"]).stat().st_mtime == 1


def change_the_mode_of_what_it_may_read() -> None:
    mode = Path(sys.executable).stat().st_mode & 0o777
    with Path(sys.executable).open("rb") as file:
        os.fchmod(file.fileno(), mode | 0o2000)
        changed = os.fstat(file.fileno()).st_mode & 0o2000
        os.fchmod(file.fileno(), mode)
    assert changed


def remove_a_folder_elsewhere() -> None:
    Path(ASKED["folder"], "empty").rmdir()


def read_the_environment_of_the_server() -> None:
    assert b"PATH" in Path(f"/proc/{ASKED['server']}/environ").read_bytes()


def read_the_memory_map_of_the_server() -> None:
    assert Path(f"/proc/{ASKED['server']}/maps").read_text(encoding="utf-8")


def run_a_shell() -> None:
    subprocess.run(["/bin/sh", "-c", "true"], check=True)


def start_a_process() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def connect_to_loopback() -> None:
    with socket.create_connection(("127.0.0.1", ASKED["port"]), timeout=5) as connection:
        assert connection.recv(5) == b"hello"


def send_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", ASKED["port"]))


def listen() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        pass


def connect_to_a_socket_in_the_file_system() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(ASKED["socket"])


def connect_to_a_socket_without_a_file() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + ASKED["socket"])


def signal_the_server() -> None:
    os.kill(ASKED["server"], 0)


def look_at_the_limits_of_the_server() -> None:
    resource.prlimit(ASKED["server"], resource.RLIMIT_NOFILE)


def leave_the_session() -> None:
    if os.getpid() == os.getsid(0):
        os.setpgid(0, 0)  # who leads the session may not
    os.setsid()


def make_a_symbolic_link() -> None:
    Path("link").symlink_to("/etc/passwd")


def make_a_hard_link() -> None:
    Path("file").write_text("x", encoding="utf-8")
    Path("hard").hardlink_to("file")


def make_a_pipe() -> None:
    os.mkfifo("pipe")


def make_a_namespace() -> None:
    new_user = 0x1000_0000
    if LIBC.unshare(new_user) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def share_memory_that_stays() -> None:
    create = 0o1000
    place = LIBC.shmget(0, 4096, create | 0o600)
    if place < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    LIBC.shmctl(place, 0, None)


def take_much_memory() -> None:
    assert len(bytearray(300 << 20)) == 300 << 20


def write_a_large_file() -> None:
    try:
        with Path("large").open("wb") as file:
            file.writelines(bytes(1 << 20) for _ in range(24))
    finally:
        Path("large").unlink()


def gain_privileges() -> None:
    get_no_new_privs = 39
    assert LIBC.prctl(get_no_new_privs, 0, 0, 0, 0) == 0, "no new privileges"


QUICK: tuple[Callable[[], None], ...] = (
    read_a_file_of_the_person, read_the_users_of_the_machine, list_a_folder_of_the_person,
    make_a_file_elsewhere, change_a_file_elsewhere, cut_a_file_elsewhere, remove_a_folder_elsewhere,
    change_the_mode_of_a_file_elsewhere, change_the_times_of_a_file_elsewhere,
    change_the_mode_of_what_it_may_read,
    read_the_environment_of_the_server, read_the_memory_map_of_the_server,
    run_a_shell, start_a_process,
    connect_to_loopback, send_a_datagram, listen,
    connect_to_a_socket_in_the_file_system, connect_to_a_socket_without_a_file,
    signal_the_server, look_at_the_limits_of_the_server,
    make_a_symbolic_link, make_a_hard_link, make_a_pipe, make_a_namespace, share_memory_that_stays,
    take_much_memory, write_a_large_file, gain_privileges,
)  # fmt: skip
"""Each returns when it was done and raises when it was not; what only root may is among them for root."""


def fork_many() -> None:
    """Sixty processes that wait; with ``hold`` the first waits for them."""
    read, write = os.pipe()
    children = []
    for _ in range(60):
        child = os.fork()
        if child == 0:
            os.close(write)
            os.read(read, 1)
            os._exit(0)
        children.append(child)
    if not ASKED["hold"]:
        os.close(write)
    for child in children:
        os.waitpid(child, 0)


def leave_the_group() -> None:
    """A child that the end of the group would not reach."""
    if os.fork() == 0:
        os.setsid()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0, "setsid"


def fill_the_disk() -> None:
    """Two dozen files of a MiB; with ``hold`` for ever."""
    count = 0
    while ASKED["hold"] or count < 24:
        Path(f"file{count}").write_bytes(bytes(1 << 20))
        count += 1


def share_much_memory() -> None:
    """Memory that no limit on a process's own data counts."""
    flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    kept = [mmap.mmap(-1, 32 << 20, flags) for _ in range(9)]
    assert len(kept) == 9
    if ASKED["hold"]:
        os.read(os.pipe()[0], 1)


def compute_for_ever() -> None:
    while ASKED["hold"]:
        pass


def print_much() -> None:
    for _ in range(100):
        os.write(1, b"x" * (1 << 20))


def _main() -> None:
    if "attack" in ASKED:
        globals()[ASKED["attack"]]()
        sys.stdout.write("done\n")
        return
    said = {}
    for attack in QUICK:
        try:
            attack()
        except BaseException as error:  # noqa: BLE001 (the outcome of an attack is what is asked for)
            said[attack.__name__] = f"{type(error).__name__}: {error}"
        else:
            said[attack.__name__] = "done"
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    _main()
