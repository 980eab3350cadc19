"""The filter of system calls, read by a small interpreter; what the kernel makes of it is in test_confine."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from mcp_wasm.build import confine_filter as filters
from mcp_wasm.build.confine_filter import AARCH64, X86_64, Architecture

EPERM, ENOSYS = filters.ERRNO | 1, filters.ERRNO | 38
each = pytest.mark.parametrize("architecture", [X86_64, AARCH64], ids=["x86_64", "aarch64"])


def decided(program: bytes, audit: int, number: int, first: int = 0) -> int:
    """What the filter says to a system call, as the kernel would read it."""
    data = struct.pack("<iIQ6Q", number, audit, 0, first, 0, 0, 0, 0, 0)
    steps = list(struct.iter_unpack("<HBBI", program))
    at = word = 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        match code:
            case filters.LOAD:
                (word,) = struct.unpack_from("<I", data, value)
            case filters.RETURN:
                return int(value)
            case filters.EQUAL:
                at += then if word == value else otherwise
            case filters.AT_LEAST:
                at += then if word >= value else otherwise
            case filters.ANY_BIT:
                at += then if word & value else otherwise
            case _:
                raise AssertionError(code)


def program(architecture: Architecture, **asked: Any) -> bytes:
    return filters.program(architecture, **{"children": False, "signals": True} | asked)


@each
def test_what_is_on_the_list_is_refused(architecture: Architecture) -> None:
    made = program(architecture)
    for name, number in architecture.refused.items():
        assert decided(made, architecture.audit, number) == EPERM, name


@each
def test_what_is_idle_does_nothing_and_succeeds(architecture: Architecture) -> None:
    made = program(architecture)
    for name, number in architecture.idle.items():
        assert decided(made, architecture.audit, number) == filters.ERRNO, name


@each
def test_what_is_not_on_the_list_passes(architecture: Architecture) -> None:
    made = program(architecture, children=True)
    special = {architecture.clone, architecture.clone3, architecture.prlimit, *architecture.forks.values()}
    listed = {*architecture.refused.values(), *architecture.idle.values()}
    for number in set(range(450)) - listed - special:
        assert decided(made, architecture.audit, number) == filters.ALLOW, number


@each
def test_calls_of_another_architecture_end_the_program(architecture: Architecture) -> None:
    i386 = 0x40000003
    assert decided(program(architecture), i386, 1) == filters.KILL


def test_numbers_of_the_x32_abi_are_no_way_around() -> None:
    assert decided(program(X86_64), X86_64.audit, 0x4000_0000 + 41) == EPERM


@each
def test_threads_pass_and_processes_only_where_they_are_allowed(architecture: Architecture) -> None:
    thread, fork, new_user = 0x003D_0F00, 0x0120_0011, 0x1000_0011
    for children, forked in ((False, EPERM), (True, filters.ALLOW)):
        made = program(architecture, children=children)
        assert decided(made, architecture.audit, architecture.clone, thread) == filters.ALLOW
        assert decided(made, architecture.audit, architecture.clone, fork) == forked
        assert decided(made, architecture.audit, architecture.clone, new_user) == EPERM
        assert decided(made, architecture.audit, architecture.clone, thread | new_user) == EPERM
        assert decided(made, architecture.audit, architecture.clone3) == ENOSYS
        for number in architecture.forks.values():
            assert decided(made, architecture.audit, number) == forked


@each
def test_limits_are_looked_at_only_of_oneself(architecture: Architecture) -> None:
    made = program(architecture)
    assert decided(made, architecture.audit, architecture.prlimit, 0) == filters.ALLOW
    assert decided(made, architecture.audit, architecture.prlimit, 1) == EPERM


@each
def test_signals_to_threads_pass_only_where_nobody_else_is_in_reach(architecture: Architecture) -> None:
    for signals, expected in ((True, filters.ALLOW), (False, EPERM)):
        made = program(architecture, signals=signals)
        assert decided(made, architecture.audit, architecture.tgkill) == expected


@each
def test_no_number_stands_twice(architecture: Architecture) -> None:
    numbers = [*architecture.refused.values(), *architecture.forks.values()]
    assert len(numbers) == len(set(numbers))
