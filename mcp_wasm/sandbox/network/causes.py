"""What an error of the HTTP client or of the system means in the words of ``wasi:http``."""

from __future__ import annotations

import errno
import socket
import ssl

import httpcore2

from mcp_wasm.sandbox.network.failure import Failure

_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (httpcore2.ConnectTimeout, "connection-timeout"),
    (httpcore2.ReadTimeout, "connection-read-timeout"),
    (httpcore2.WriteTimeout, "connection-write-timeout"),
    (httpcore2.PoolTimeout, "connection-limit-reached"),
    (httpcore2.ReadError, "connection-terminated"),
    (httpcore2.WriteError, "connection-terminated"),
    (httpcore2.LocalProtocolError, "HTTP-protocol-error"),
)


def from_error(raised: Exception) -> Failure:
    """The failure that an error of the client or of the system means."""
    if isinstance(raised, Failure):
        return raised
    for cause in _causes(raised):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure("TLS-certificate-error")
        if isinstance(cause, ssl.SSLError):
            return Failure("TLS-protocol-error")
        if isinstance(cause, socket.gaierror):
            return Failure("DNS-error", {"rcode": None, "info-code": None})
        if isinstance(cause, ConnectionRefusedError):
            return Failure("connection-refused")
        if isinstance(cause, OSError) and not isinstance(cause, TimeoutError) and cause.errno in _UNROUTABLE:
            return Failure("destination-IP-unroutable")
    if isinstance(raised, httpcore2.RemoteProtocolError):
        return _broken_rules(str(raised))
    for kind, code in _KINDS:
        if isinstance(raised, kind):
            return Failure(code)
    return Failure(
        "destination-unavailable"
        if isinstance(raised, (OSError, httpcore2.ConnectError))
        else "internal-error"
    )


_UNROUTABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


def _broken_rules(words: str) -> Failure:
    if "too long" in words:
        return Failure("HTTP-response-header-section-size")
    if "closed connection" in words or "disconnected" in words:
        return Failure("HTTP-response-incomplete")
    return Failure("HTTP-protocol-error")


def _causes(raised: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    todo: list[BaseException | None] = [raised]
    while todo and len(found) < 16:
        one = todo.pop()
        if one is None or one in found:
            continue
        found.append(one)
        todo += [one.__context__, one.__cause__]
        if isinstance(one, BaseExceptionGroup):
            todo += one.exceptions
    return found
