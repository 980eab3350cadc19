"""Becomes the NATS server, which then ends with the process that started it, however that ends.

Run as a file of its own by ``server``: a function that runs between fork and exec is not safe in a
process with threads, and costs more the larger that process is. Source: prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import sys

SET_PDEATHSIG, SIGKILL = 1, 9


def main() -> None:
    """``argv`` is the starting process's id, then the program and its arguments."""
    owner, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0:
            sys.exit("the server could not be bound to the process that starts it")
        if os.getppid() != owner:  # it was gone before it could be bound to
            sys.exit("the process that starts the server has ended")
    os.execv(program[0], program)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
