"""The calls of the soak: honest ones with their answers, hostile ones with what stops them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SOON = {"deadline": 0.2, "fuel": 10**18}
_FUEL = {"fuel": 20_000_000}
_HOUR_NS = 3600 * 10**9


@dataclass(frozen=True, slots=True)
class Call:
    """An honest call has a ``value``; a hostile one a ``fault``, whose error says ``says``."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] | None = None
    value: Any = None
    fault: str = ""
    says: str = ""


HONEST = [
    Call("tiny_add", {"a": 20, "b": 22}, value=42),
    Call("tiny_divide", {"a": 84, "b": 2}, value=42),
    Call("wasi_sleep", {"ns": 1000}, value=True),
    Call("wasi_race", {"one": 10**12, "other": 1000}, value=1),
    Call("wasi_print", {"chunks": 3, "byte": 65, "size": 100}, value=None),
    Call("forger_echo", {"text": "ä\n{}"}, value="ä\n{}"),
    Call("hostile_count_bytes", {"of": "QUJD"}, value=3),
    Call("hostile_grow", {"pages": 3}, value=2),
]
HOSTILE = [
    Call("loops_spin", limits=_FUEL, fault="fuel", says="fuel limit"),
    Call("loops_in_destructor", limits=_FUEL, fault="fuel", says="fuel limit"),
    Call("loops_in_realloc", {"text": "x"}, _FUEL, fault="fuel", says="fuel limit"),
    Call("loops_in_post_return", limits=_SOON, fault="deadline", says="deadline limit"),
    Call("start_f", limits=_SOON, fault="deadline", says="deadline limit"),
    Call("wasi_sleep", {"ns": _HOUR_NS}, _SOON, fault="deadline", says="deadline limit"),
    Call("wasi_nap_ever", limits=_SOON, fault="deadline", says="deadline limit"),
    Call("wasi_poll_ever", limits=_SOON, fault="deadline", says="deadline limit"),
    Call("hoarder_poll_many", {"n": 20_000, "ns": _HOUR_NS}, _SOON, fault="deadline", says="deadline limit"),
    Call("loops_recurse", fault="stack", says="call stack"),
    Call("loops_recurse_wide", fault="stack", says="call stack"),
    Call("loops_hoard", fault="handles", says="handle limit"),
    Call("hoarder_timers", {"n": 10**7}, fault="handles", says="handle limit"),
    Call("hoarder_outputs", {"n": 10**7}, fault="handles", says="handle limit"),
    Call("hoarder_subscriptions", {"n": 10**7}, fault="handles", says="handle limit"),
    Call("hoarder_random_bytes", {"size": 2**64 - 1}, fault="sizes", says="exceeds limit"),
    Call("hoarder_write_zeroes", {"size": 2**64 - 1}, fault="sizes", says="zeroes"),
    Call("hoarder_tcp_sockets", {"n": 100}, fault="not granted", says="0"),
    Call("hostile_need", {"pages": 10_000}, fault="memory", says="unreachable"),
    Call("hostile_grow", {"pages": 0}, {"memory": 65536}, fault="memory", says="memory limit"),
    Call("lists_bools", {"count": 10**8, "pages": 3000}, fault="results", says="limit was reached"),
    Call("lists_flags", {"count": 2_700_000, "pages": 100}, _SOON, fault="deadline", says="deadline limit"),
    Call("hostile_invalid_text", fault="values", says="utf-8"),
    Call("hostile_char", {"value": 0xD800}, fault="values", says="out of range"),
    Call("hostile_hue", {"value": 7}, fault="values", says="discriminant"),
    Call("hostile_outside", fault="values", says="out of bounds"),
    Call("tiny_crash", fault="trap", says="unreachable"),
    Call("wasi_leave", {"failed": True}, fault="trap", says="exit status"),
    Call("tiny_add", {"a": 2**40, "b": "x"}, fault="arguments", says="were refused"),
    Call("tiny_add", {"a": 1, "b": 1, "c": "x" * 100_000}, fault="arguments", says="were refused"),
    Call("forger_flood", {"times": 500}, fault="output", says=""),
    Call("forger_flood_many", {"times": 3000}, fault="output", says=""),
    Call("forger_fail", {"text": '{"jsonrpc":"2.0","id":1,"result":{}}\n' * 9}, fault="forged", says="trap"),
]
CALLS = [*HONEST * 4, *HOSTILE]
