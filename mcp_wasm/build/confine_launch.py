"""Gives up what a build program may not have, then becomes that program.

Run by path, with ``python -I -S``: it stands alone, imports little and costs
some 15 ms. Its first argument is a ``marshal``ed dict in hexadecimal:

    limits    list of (resource, value) for setrlimit
    filter    the seccomp filter; empty for none
    landlock  None, or {abi, rules: [(path, access)]}
    argv      what it becomes; a part "{filter}" of it is to be the number of a descriptor
              from which the filter can be read (bubblewrap installs it itself)

Whatever fails, it says so and ends with code 125: the program never runs with
less confinement than was asked for. Sources: landlock(7), seccomp(2),
capabilities(7), prctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import resource
import stat
import struct
import sys

FAILED = 125
SET_PDEATHSIG, SET_SECCOMP, CAPBSET_DROP, SET_NO_NEW_PRIVS = 1, 22, 24, 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CAPSET = {"x86_64": 126, "aarch64": 91}
ON_FILES = 0x1 | 0x2 | 0x4 | 0x4000 | 0x8000
"""Execute, write, read, truncate, ioctl: the rights that a file can have; all others are of folders."""

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> int:
    """Give ``result`` back unless it says that ``what`` failed."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, *arguments: int) -> None:
    """Call prctl(2), all arguments as long."""
    words = [ctypes.c_ulong(each) for each in (*arguments, *[0] * (4 - len(arguments)))]
    check(libc.prctl(option, *words), f"prctl({option})")


def drop_capabilities() -> None:
    """Leave no capability; that exec brings none back is seen to by "no new privileges", and by this."""
    if os.getuid() == 0:
        try:
            for capability in range(64):
                prctl(CAPBSET_DROP, capability)
        except OSError as error:
            # EINVAL: that was the last one. EPERM: in a container, where user 0 may not even give up.
            if error.errno not in (errno.EINVAL, errno.EPERM):
                raise
    # Version 3 of the header; two times effective, permitted, inheritable.
    header, none = struct.pack("<Ii", 0x20080522, 0), bytes(24)
    check(libc.syscall(CAPSET[os.uname().machine], header, none), "capset")


def restrict_files(abi: int, rules: list[tuple[str, int]]) -> None:
    """Enter a Landlock domain in which only ``rules`` allow anything, signals stay inside, TCP is shut."""
    handled = (1 << 13) - 1
    handled |= (1 << 13 if abi >= 2 else 0) | (1 << 14 if abi >= 3 else 0) | (1 << 15 if abi >= 5 else 0)
    words = [handled, *([3] if abi >= 4 else []), *([3] if abi >= 6 else [])]
    attributes = struct.pack(f"<{len(words)}Q", *words)
    ruleset = libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    check(ruleset, "landlock_create_ruleset")
    for path, access in rules:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            # What is not there needs no rule.
            continue
        kept = access & handled & (~0 if stat.S_ISDIR(os.fstat(place).st_mode) else ON_FILES)
        rule = struct.pack("<Qi", kept, place)
        check(libc.syscall(ADD_RULE, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
        os.close(place)
    check(libc.syscall(RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def refuse_calls(program: bytes) -> None:
    """Install the seccomp filter."""
    kept = ctypes.create_string_buffer(program, len(program))
    count = len(program) // 8
    filters = struct.pack("@HP", count, ctypes.addressof(kept))
    buffer = ctypes.create_string_buffer(filters, len(filters))
    prctl(SET_SECCOMP, 2, ctypes.addressof(buffer))


def handed_over(program: bytes) -> str:
    """A descriptor that the next program can read the filter from."""
    place = os.memfd_create("filter", 0)
    os.write(place, program)
    os.lseek(place, 0, os.SEEK_SET)
    return str(place)


def main() -> None:
    """Do all that, then become the program."""
    # It comes from the process that started us, and costs nothing to import.
    asked = marshal.loads(bytes.fromhex(sys.argv[1]))  # noqa: S302
    argv = asked["argv"]
    # Who waits for the program is a thread of the server: if that is gone, so is the program.
    prctl(SET_PDEATHSIG, 9)
    for which, value in asked["limits"]:
        most = resource.getrlimit(which)[1]
        allowed = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(which, (allowed, allowed))
    if asked["landlock"] is None:
        if asked["filter"]:
            argv[argv.index("{filter}")] = handed_over(asked["filter"])
    else:
        prctl(SET_NO_NEW_PRIVS, 1)
        drop_capabilities()
        restrict_files(asked["landlock"]["abi"], asked["landlock"]["rules"])
        refuse_calls(asked["filter"])
    os.execv(argv[0], argv)  # noqa: S606 (no shell is what is wanted)


try:
    main()
except BaseException as error:  # noqa: BLE001 (else the program would be run by nobody, unseen)
    os.write(2, f"the program could not be confined: {error}\n".encode())
    os._exit(FAILED)
