"""Confinement: a build program that sees its scratch folder, named read-only paths, and nothing else.

Two mechanisms, either of which is enough. bubblewrap makes an empty root out of
namespaces. Landlock, which needs no package and no privilege, refuses every
file by rule; a seccomp filter beside it refuses sockets and other processes.
Both run below the same resource limits and the same filter. What Landlock
leaves: a program can learn that a file exists and how large it is.

No network, no capability, no way to make links or devices, no descriptor but
the three of its output. Where neither mechanism works, untrusted sources are
not built; ``mechanisms`` says why. Sources: bwrap(1), landlock(7), seccomp(2).
"""

from __future__ import annotations

import ctypes
import functools
import marshal
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mcp_wasm.build import confine_filter
from mcp_wasm.errors import NotConfined

Mechanism = Literal["bubblewrap", "landlock"]

MECHANISMS: tuple[Mechanism, ...] = ("bubblewrap", "landlock")
"""The better one first: an empty root tells nothing of what is outside of it."""

LAUNCHER = Path(__file__).with_name("confine_launch.py")
FAILED = 125
"""The code that the launcher ends with when it could not confine the program."""

MIB = 1024 * 1024
SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
"""Where shared libraries are; no program for people is in there, no shell, no settings, no secret."""
STORES = ("/nix/store", "/gnu/store")
"""Where libraries and programs of some systems are, all of them readable by everybody."""
DEVICES = ("/dev/null", "/dev/urandom")

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
READ = EXECUTE | READ_FILE | READ_DIR
SCRATCH = (
    READ_FILE | READ_DIR | WRITE_FILE
    | 1 << 4 | 1 << 5      # remove folders, files
    | 1 << 7 | 1 << 8      # make folders, files; no devices, sockets, pipes, links
    | 1 << 13 | 1 << 14    # rename between folders, truncate
)  # fmt: skip

PROBE = """
import os, sys
try:
    os.listdir("/")
    open(sys.argv[1]).read()
except OSError:
    pass
else:
    sys.exit("a file outside could be read")
import _socket
try:
    _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
except OSError:
    pass
else:
    sys.exit("a socket could be made")
"""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How programs are confined, and what they may take together.

    ``memory`` is in bytes, of each process's own data and of what all processes
    of a run have resident; ``disk`` is bytes in the scratch folder, in one file
    and together; ``tasks`` is the number of processes and threads; ``seconds``
    is how long one of them may run.
    """

    mechanism: Mechanism
    memory: int = 4096 * MIB
    disk: int = 512 * MIB
    tasks: int = 512
    seconds: float = 120.0

    def command(
        self,
        argv: Sequence[str],
        *,
        scratch: Path,
        cwd: Path,
        reads: Iterable[str | Path],
        children: bool,
        seconds: float,
    ) -> list[str]:
        """What to run so that ``argv`` runs confined.

        ``argv[0]`` is a path. ``scratch`` is the only folder that it can write
        to, ``reads`` are files and folders it can read and run (with what
        they are links to); ``children`` lets it start processes.
        """
        program = os.path.realpath(argv[0])
        readable = _with_targets([*SYSTEM, *STORES, argv[0], program, *reads])
        asked: dict[str, Any] = {
            "limits": self._limits(seconds),
            # With numbers of its own, or in a Landlock domain that keeps signals in, it finds nobody else.
            "filter": _filter(children, self.mechanism == "bubblewrap" or _landlock_abi() >= 6),
            "landlock": None,
            "argv": list(argv),
        }
        if self.mechanism == "landlock":
            rules = [(path, READ) for path in readable] + [(path, READ_FILE | WRITE_FILE) for path in DEVICES]
            asked["landlock"] = {"abi": _landlock_abi(), "rules": [*rules, (str(scratch), SCRATCH)]}
        else:
            asked["argv"] = [*_bubblewrap(readable, scratch, cwd), *argv]
        return [_interpreter(), "-I", "-S", str(LAUNCHER), marshal.dumps(asked).hex()]

    def _limits(self, seconds: float) -> list[tuple[int, int]]:
        import resource  # not on Windows, where there is no confinement either

        return [
            (resource.RLIMIT_DATA, self.memory),
            (resource.RLIMIT_FSIZE, self.disk),
            # Of all its threads together. Who waits for it ends it earlier; this is for when nobody waits.
            (resource.RLIMIT_CPU, int(seconds * (os.cpu_count() or 1)) + 1),
            (resource.RLIMIT_NOFILE, 1024),
            (resource.RLIMIT_CORE, 0),
        ]


def require() -> Confinement:
    """The confinement for sources that nobody vouches for.

    Raises:
        NotConfined: there is none on this machine.
    """
    found = where_possible()
    if found is None:
        raise NotConfined({name: reason or "" for name, reason in mechanisms().items()})
    return found


def where_possible() -> Confinement | None:
    """The confinement that this machine has, the better one first, or None."""
    return next((Confinement(name) for name in MECHANISMS if why_not(name) is None), None)


def mechanisms() -> dict[Mechanism, str | None]:
    """For each mechanism, the better one first, None where it was seen to work, or why it does not."""
    return {name: why_not(name) for name in MECHANISMS}


def interpreter() -> tuple[Path, ...]:
    """What our own interpreter needs to be readable: its standard library, no package of the environment."""
    base = {"platbase": sys.base_exec_prefix}
    library = sysconfig.get_config_var("INSTSONAME") or ""
    libraries = {
        Path(sysconfig.get_config_var("LIBDIR") or "", library),
        Path(sys.base_prefix, "lib", library),
    }
    return (
        Path(sys.prefix, "pyvenv.cfg"),
        Path(sys.executable),
        Path(sysconfig.get_path("stdlib")),
        Path(sysconfig.get_path("platstdlib", vars=base)),
        *(path for path in libraries if path.is_file()),
    )


@functools.cache
def why_not(mechanism: Mechanism) -> str | None:
    """None where a program that tried was held back by the mechanism, or why it cannot be used.

    It is tried once in a process, which takes some 50 ms.
    """
    missing = _missing(mechanism)
    if missing is not None:
        return missing
    # Small, so that it also tells whether the limits are too tight for anything.
    confinement = replace(Confinement(mechanism), memory=512 * MIB)
    with (
        tempfile.TemporaryDirectory(prefix="mcp-wasm-probe-") as name,
        tempfile.NamedTemporaryFile() as outside,
    ):
        scratch = Path(name)
        argv = [_interpreter(), "-I", "-S", "-c", PROBE, outside.name]
        command = confinement.command(
            argv, scratch=scratch, cwd=scratch, reads=interpreter(), children=False, seconds=30
        )
        try:
            ran = subprocess.run(
                command, cwd=scratch, env={}, capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    return None if ran.returncode == 0 else ran.stderr.strip() or f"it ended with code {ran.returncode}"


def _missing(mechanism: Mechanism) -> str | None:
    if sys.platform != "linux":
        return f"it is a part of Linux, and this is {sys.platform}"
    if mechanism == "bubblewrap":
        return None if shutil.which("bwrap") else "the program bwrap is not installed"
    if platform.machine() not in confine_filter.ARCHITECTURES:
        return f"there is no filter of system calls for {platform.machine()}"
    # The first version refuses to move files between folders, which compilers do.
    return None if _landlock_abi() >= 2 else "the kernel has none, or one before Linux 5.19"


@functools.cache
def _landlock_abi() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    create_ruleset, ask_for_version = 444, 1
    return int(libc.syscall(create_ruleset, None, ctypes.c_size_t(0), ask_for_version))


@functools.cache
def _filter(children: bool, signals: bool) -> bytes:
    architecture = confine_filter.ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return b""
    return confine_filter.program(architecture, children=children, signals=signals)


def _bubblewrap(readable: Iterable[str], scratch: Path, cwd: Path) -> list[str]:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise NotConfined({"bubblewrap": "the program bwrap is not installed"})
    said = [bwrap, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"]
    if platform.machine() in confine_filter.ARCHITECTURES:
        said += ["--seccomp", "{filter}"]
    said += ["--proc", "/proc", "--dev", "/dev"]
    for path in readable:
        said += ["--ro-bind-try", path, path]
    said += ["--bind", str(scratch), str(scratch), "--remount-ro", "/", "--remount-ro", "/dev"]
    return [*said, "--chdir", str(cwd), "--"]


def _with_targets(paths: Iterable[str | Path]) -> list[str]:
    """The paths and what they are links to, folders before what is in them, each once."""
    named = {os.fspath(path) for path in paths}
    return sorted(named | {os.path.realpath(path) for path in named})


def _interpreter() -> str:
    """The interpreter of which ours is a virtual environment: it starts sooner, and needs less."""
    return getattr(sys, "_base_executable", None) or sys.executable
