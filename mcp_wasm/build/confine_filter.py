"""The system calls that a confined program may not make, as a seccomp filter.

A list of what is refused, since compilers use much of the rest. Refused is what
reaches beyond the program itself and is no matter of files: sockets, other
processes, namespaces, keys, modules, clocks; links and devices, so that what a
program leaves behind is files and folders; and sessions and process groups, so
that all it started ends with it. Landlock has no rules for the modes, owners,
times and attributes of files, which a program could change wherever the person
can: those calls do nothing and say that they succeeded, since copying a file makes
them. ``clone3`` takes its flags through a pointer, which a filter cannot read: it is
"not implemented", and libraries use ``clone``.

The filter is the input of ``prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER)``: an
array of ``struct sock_filter``. Source: the kernel's
``Documentation/userspace-api/seccomp_filter.rst`` and its tables of numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Codes of the filter's instructions: load a word, three kinds of jump, return."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Offsets in ``struct seccomp_data``; of an argument the low word is looked at (little endian)."""

CLONE_THREAD = 0x0001_0000
CLONE_NEW = 0x7E02_0000
"""The flags that make namespaces (mount, cgroup, uts, ipc, user, pid, net)."""

SAME_EVERYWHERE = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    "setxattrat": 463, "removexattrat": 466, "file_setattr": 469,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Architecture:
    """How an architecture is called in filters, and the numbers of its system calls.

    ``refused`` are refused whatever their arguments; ``idle`` do nothing and succeed;
    ``forks`` make processes and nothing else.
    """

    audit: int
    refused: Mapping[str, int]
    idle: Mapping[str, int]
    clone: int
    clone3: int
    prlimit: int
    tgkill: int
    forks: Mapping[str, int] = field(default_factory=dict)
    other_numbers_from: int | None = None


X86_64 = Architecture(
    audit=0xC000003E,
    clone=56, clone3=435, prlimit=302, tgkill=234,
    forks={"fork": 57, "vfork": 58},
    idle={
        "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452,
        "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260,
        "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280,
    },
    # From here on numbers are those of the x32 ABI, which would be a way around the list.
    other_numbers_from=0x4000_0000,
    refused=SAME_EVERYWHERE | {
        "socket": 41, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "kill": 62, "tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
        "setpriority": 141, "ioprio_set": 251, "sched_setscheduler": 144, "sched_setparam": 142,
        "sched_setattr": 314, "setsid": 112, "setpgid": 109,
        "truncate": 76, "inotify_add_watch": 254,
        "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
        "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
        "symlink": 88, "symlinkat": 266, "link": 86, "linkat": 265, "mknod": 133, "mknodat": 259,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308,
        "name_to_handle_at": 303, "open_by_handle_at": 304, "fanotify_init": 300,
        "shmget": 29, "shmat": 30, "msgget": 68, "semget": 64, "mq_open": 240,
        "add_key": 248, "request_key": 249, "keyctl": 250,
        "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "personality": 135,
        "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313,
        "delete_module": 176, "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179,
        "syslog": 103, "sethostname": 170, "setdomainname": 171, "settimeofday": 164,
        "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305, "iopl": 172, "ioperm": 173,
    },
)  # fmt: skip

AARCH64 = Architecture(
    audit=0xC00000B7,
    clone=220, clone3=435, prlimit=261, tgkill=131,
    idle={"fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54, "utimensat": 88},
    refused=SAME_EVERYWHERE | {
        "socket": 198, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "kill": 129, "tkill": 130, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
        "setpriority": 140, "ioprio_set": 30, "sched_setscheduler": 119, "sched_setparam": 118,
        "sched_setattr": 274, "setsid": 157, "setpgid": 154,
        "truncate": 45, "inotify_add_watch": 27, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7,
        "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
        "symlinkat": 36, "linkat": 37, "mknodat": 33,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268,
        "name_to_handle_at": 264, "open_by_handle_at": 265, "fanotify_init": 262,
        "shmget": 194, "shmat": 196, "msgget": 186, "semget": 190, "mq_open": 180,
        "add_key": 217, "request_key": 218, "keyctl": 219,
        "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "personality": 92,
        "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273,
        "delete_module": 106, "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89, "quotactl": 60,
        "syslog": 116, "sethostname": 161, "setdomainname": 162, "settimeofday": 170,
        "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266,
    },
)  # fmt: skip

ARCHITECTURES = {"x86_64": X86_64, "aarch64": AARCH64}
"""By the name that ``platform.machine()`` has for them."""


def program(architecture: Architecture, *, children: bool, signals: bool) -> bytes:
    """The filter: what is refused fails with EPERM, what is idle does nothing, all else passes.

    ``children`` lets the program make processes, not only threads; ``signals``
    lets it send signals to threads by number, its own for one, which is right
    where something else keeps others out of its reach.
    """
    said = [
        _step(LOAD, ARCHITECTURE),
        *_unless(EQUAL, architecture.audit, KILL),
        _step(LOAD, NUMBER),
    ]
    if architecture.other_numbers_from is not None:
        said += _when(AT_LEAST, architecture.other_numbers_from, _refusal(EPERM))
    refused = list(architecture.refused.values())
    refused += [] if children else architecture.forks.values()
    refused += [] if signals else [architecture.tgkill]
    for number in refused:
        said += _when(EQUAL, number, _refusal(EPERM))
    for number in architecture.idle.values():
        said += _when(EQUAL, number, _refusal(0))
    said += _when(EQUAL, architecture.clone3, _refusal(ENOSYS))
    # The limits of another process of the same user can be set without any privilege: only pid 0, oneself.
    said += _call(architecture.prlimit, _unless(EQUAL, 0, _refusal(EPERM)))
    flags = _when(ANY_BIT, CLONE_NEW, _refusal(EPERM))
    flags += [] if children else _unless(ANY_BIT, CLONE_THREAD, _refusal(EPERM))
    said += _call(architecture.clone, flags)
    return b"".join([*said, _step(RETURN, ALLOW)])


def _refusal(errno: int) -> int:
    return ERRNO | errno


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value)


def _when(test: int, value: int, action: int) -> list[bytes]:
    return [_step(test, value, 0, 1), _step(RETURN, action)]


def _unless(test: int, value: int, action: int) -> list[bytes]:
    return [_step(test, value, 1, 0), _step(RETURN, action)]


def _call(number: int, about_first_argument: list[bytes]) -> list[bytes]:
    """What is decided for one system call by its first argument; else it passes."""
    inside = [_step(LOAD, FIRST_ARGUMENT), *about_first_argument, _step(RETURN, ALLOW)]
    return [_step(EQUAL, number, 0, len(inside)), *inside]
