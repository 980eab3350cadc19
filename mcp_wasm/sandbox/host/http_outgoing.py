"""``wasi:http/outgoing-handler``: whether a request may be made, and its beginning.

Whether host, port, scheme and method are granted is decided here; where the
host's name leads is decided by the network when it connects. What a person reads
of a refusal has the path and never the query, and no header. Source: WASI 0.2,
``wasi:http/outgoing-handler``.
"""

from __future__ import annotations

import time
from typing import Any

from mcp_wasm.capability import match
from mcp_wasm.capability.grant import Network
from mcp_wasm.sandbox import secrets
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.http_requests import OutgoingRequest, RequestOptions
from mcp_wasm.sandbox.host.http_responses import FutureIncomingResponse
from mcp_wasm.sandbox.host.http_state import Http, of
from mcp_wasm.sandbox.host.http_types import RESOURCES
from mcp_wasm.sandbox.host.interface import NATIVE, Interface
from mcp_wasm.sandbox.network.failure import Failure, error
from mcp_wasm.sandbox.network.message import (
    HEADER_BYTES,
    HEADER_COUNT,
    TARGET,
    Authority,
    Headers,
    Request,
    authority,
    declared_length,
    described,
    is_value,
)

_UNSUPPORTED = frozenset({"CONNECT", "TRACE"})
"""Methods that make a tunnel, or show what a proxy on the way has added."""


def _handle(call: Call, request: OutgoingRequest, options: RequestOptions | None) -> dict[str, Any]:
    try:
        return {"ok": _begin(call, of(call), request, options)}
    except Failure as failure:
        return {"err": failure.value()}
    finally:
        request.close()


def _begin(
    call: Call, http: Http, asked: OutgoingRequest, options: RequestOptions | None
) -> FutureIncomingResponse:
    where, target = _place(asked)
    method, scheme = asked.method_name(), asked.scheme_name()
    port = where.port or match.SCHEME_PORTS.get(scheme, 0)
    words = described(method, scheme, where, target)
    decision = match.network(call.grants, call.about.component, method, scheme, where.host, port)
    if decision.grant is None:
        call.deny(decision.wanted, words, decision.rule, kind="network")
        raise Failure("HTTP-request-denied")
    if method.upper() in _UNSUPPORTED:
        raise Failure("HTTP-request-method-invalid")
    grant = decision.grant
    if not http.count(grant):
        rule = f"{grant.rule or 'its grant'} allows {grant.requests:,} requests in a call"
        call.deny(None, words, rule, kind="network")
        raise Failure("HTTP-request-denied")
    if http.is_full(grant):
        raise Failure("connection-limit-reached")
    begun = Request(
        component=call.about.component,
        method=method,
        scheme=scheme,
        host=where.host,
        port=port,
        target=target,
        headers=_with_secrets(call, where.host, _headers(asked)),
        body=None,
        size=0,
        into=http.spool.new("answer"),
        grant=grant,
        deadline=min(time.monotonic() + grant.seconds, call.stop.deadline),
        connect=None if options is None else options.allowed("connect"),
        first_byte=None if options is None else options.allowed("first-byte"),
        between_bytes=None if options is None else options.allowed("between-bytes"),
    )
    return _sending(call, http, asked, begun)


def _place(asked: OutgoingRequest) -> tuple[Authority, str]:
    where = None if asked.authority is None else authority(asked.authority)
    if where is None:
        raise Failure("HTTP-request-URI-invalid")
    target = asked.path_with_query or "/"
    if len(target) > TARGET:
        raise Failure("HTTP-request-URI-too-long")
    return where, target if target.startswith("/") else f"/{target}"


def _headers(asked: OutgoingRequest) -> Headers:
    entries = asked.headers.entries
    size = sum(len(name) + len(value) for name, value in entries)
    if len(entries) > HEADER_COUNT or size > HEADER_BYTES:
        raise Failure("HTTP-request-header-section-size", HEADER_BYTES)
    try:
        declared = declared_length(entries)
    except ValueError:
        raise Failure("HTTP-protocol-error") from None
    if declared and asked.body is None:
        raise Failure("HTTP-request-body-size", 0)
    return entries


def _with_secrets(call: Call, host: str, headers: Headers) -> Headers:
    """The headers with the values of granted secrets in the place of their names; for this host only."""
    found = []
    for name, value in headers:
        given = value
        if b"{{secret:" in value:
            try:
                text = secrets.substitute(call, host, value.decode("utf-8", "surrogateescape"))
            except secrets.Withheld:
                raise Failure("HTTP-request-denied") from None
            given = text.encode("utf-8", "surrogateescape")
            if not is_value(given):
                raise Failure("HTTP-request-denied")
        found.append((name, given))
    return tuple(found)


def _sending(call: Call, http: Http, asked: OutgoingRequest, request: Request) -> FutureIncomingResponse:
    def refused(failure: Failure) -> None:
        call.deny(_wanted(request, failure), request.asked(), _rule(request.grant, failure), kind="network")

    future = FutureIncomingResponse(call, request.into, request.deadline, refused)
    body = asked.body

    def begin() -> None:
        if request.grant not in call.grants.network:
            # A body may be finished in a later call of a session, under other grants.
            call.deny(None, request.asked(), "what allowed it holds no more", kind="network")
            future.fail(error("HTTP-request-denied"))
        elif body is None:
            future.begin(http.session.start(request))
        elif body.broken is not None:
            future.fail(body.broken)
        elif body.size is not None:
            if body.size > request.grant.request_bytes:
                future.fail(error("HTTP-request-body-size", request.grant.request_bytes))
            else:
                future.begin(http.session.start(request.with_body(body.path, body.size)))

    if body is not None:
        body.then = begin
    begin()
    return future


def _wanted(request: Request, failure: Failure) -> Network | None:
    """What would have let the guest connect to an address that is not public."""
    if not failure.private or request.grant.private:
        return None
    ports = () if request.port == match.SCHEME_PORTS[request.scheme] else (request.port,)
    return Network((request.host,), (request.scheme,), ports, (request.method.upper(),), private=True)


def _rule(grant: Network, failure: Failure) -> str:
    return f"{grant.rule or 'what was allowed for now'} does not let it connect: {failure.reason}"


INTERFACES = (Interface("wasi:http/outgoing-handler", (NATIVE,), {"handle": _handle}, uses=RESOURCES),)
