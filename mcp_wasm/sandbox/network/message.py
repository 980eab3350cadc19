"""What a request and its answer are made of, and the forms that are refused before anything is sent.

Pure. Everything here comes from a guest: a line break in a method, a path, an
authority or a header would let it write a second request of its own, and a
length that is not the body's would let it hide one in the first. Source: RFC
9110, sections 5 and 7; RFC 9112, sections 3 and 6; RFC 3986, section 3.2.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mcp_wasm.capability import hosts
from mcp_wasm.capability.grant import Network
from mcp_wasm.capability.match import SCHEME_PORTS

Headers = tuple[tuple[str, bytes], ...]
"""Names as they were written, values as bytes, in order."""

HOP_BY_HOP = frozenset(
    {
        "connection",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""What belongs to a connection or is written by us: a guest neither sets nor sees it."""

TARGET = 8192
"""Characters of a path with its query."""
HEADER_COUNT, HEADER_BYTES = 200, 65_536
"""Headers of one message, and the bytes of their names and values together."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"[/?][!\"$-~]*|")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]{2,64}\]|[A-Za-z0-9._-]{1,254})(?::([0-9]{1,5}))?")
_NUMBER = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Authority:
    """Where a request goes: ``host`` in its one form (``hosts.canonical``), ``port`` if one was written."""

    host: str
    port: int | None

    def text(self, scheme: str) -> str:
        """As the ``Host`` header has it: without the port where it is the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port in {None, SCHEME_PORTS.get(scheme)} else f"{name}:{self.port}"


def authority(text: str) -> Authority | None:
    """What ``text`` names, or None: no user, no zone, no other writing of an address than the usual one."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    host, port = hosts.canonical(found[1]), found[2]
    if host is None or (port is not None and not 1 <= int(port) <= 65_535):
        return None
    return Authority(host, None if port is None else int(port))


def is_token(text: str) -> bool:
    """Whether ``text`` can be a method or the name of a header."""
    return _TOKEN.fullmatch(text) is not None


def is_value(value: bytes) -> bool:
    """Whether ``value`` can be the value of a header: no line break, no NUL, no other control character."""
    return _VALUE.fullmatch(value) is not None


def is_target(text: str) -> bool:
    """Whether ``text`` can be a path with a query: ASCII without spaces, control characters and fragment."""
    return _TARGET.fullmatch(text) is not None


def declared_length(headers: Iterable[tuple[str, bytes]]) -> int | None:
    """What ``content-length`` says, or None where there is none.

    Raises:
        ValueError: if it is no number, or says two things.
    """
    said = {value.strip(b" \t") for name, value in headers if name.lower() == "content-length"}
    if not said:
        return None
    value = said.pop()
    if said or not _NUMBER.fullmatch(value):
        raise ValueError("content-length is not one number")
    return int(value)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, all of it checked.

    ``target`` is the path with the query, ``headers`` have neither ``Host`` nor
    a length. ``body`` is a file of ``size`` bytes (None: no body), ``into`` the
    file that the answer's body is written to. ``deadline`` is in seconds of
    ``time.monotonic()``; ``connect``, ``first_byte`` and ``between_bytes`` are
    seconds that the guest allows for a part of it. ``component`` is who asks.
    """

    component: str
    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: Headers = field(repr=False)  # they may hold secrets
    body: Path | None
    size: int
    into: Path
    grant: Network
    deadline: float
    connect: float | None = None
    first_byte: float | None = None
    between_bytes: float | None = None

    def with_body(self, body: Path | None, size: int) -> Request:
        """The same with a body of ``size`` bytes; an empty one needs no file."""
        return replace(self, body=body or Path(os.devnull), size=size)

    def asked(self) -> str:
        """What is asked for, for people: without the query, which may hold secrets."""
        return described(self.method, self.scheme, Authority(self.host, self.port), self.target)


def described(method: str, scheme: str, where: Authority, target: str) -> str:
    """``GET https://host:port/path``, bounded and without the query."""
    return f"{method[:32]} {scheme}://{where.text(scheme)}{target.partition('?')[0][:200] or '/'}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the headers that are not the connection's, and the ``size`` of the body in the file."""

    status: int
    headers: Headers
    size: int
