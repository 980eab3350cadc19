"""``wasi:sockets``: no guest has sockets, and one that asks for them is told so.

The engine denies them as well; it would not say so to the person who runs the
tool. What a guest may reach over the network goes through ``wasi:http``, where
hosts and methods can be granted. Source: WASI 0.2, ``wasi:sockets``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import NATIVE, Interface

_RULE = (
    "no guest has sockets; components make requests through wasi:http, to hosts that a person granted, "
    "and code has no network: it calls a tool that a person granted to it"
)
_DENIED = {"err": "access-denied"}


def _create(protocol: str) -> Callable[[Call, str], Any]:
    def create(call: Call, _family: str) -> Any:
        call.deny(None, f"a {protocol} socket", _RULE, kind="network")
        return _DENIED

    return create


def _resolve(call: Call, _network: object, name: str) -> Any:
    call.deny(None, f"the addresses of {name!a}", _RULE, kind="network")
    return _DENIED


def _always(_grants: object) -> bool:
    return True


INTERFACES = (
    Interface(
        "wasi:sockets/tcp-create-socket", (NATIVE,), {"create-tcp-socket": _create("TCP")}, shadow=_always
    ),
    Interface(
        "wasi:sockets/udp-create-socket", (NATIVE,), {"create-udp-socket": _create("UDP")}, shadow=_always
    ),
    Interface("wasi:sockets/ip-name-lookup", (NATIVE,), {"resolve-addresses": _resolve}, shadow=_always),
)
