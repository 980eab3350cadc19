"""``outgoing-request`` and ``request-options``: what a guest asks for, checked as it is said.

Source: WASI 0.2, ``wasi:http/types``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.http_bodies import OutgoingBody
from mcp_wasm.sandbox.host.http_fields import Fields
from mcp_wasm.sandbox.host.http_state import of
from mcp_wasm.sandbox.hostfunc import Run
from mcp_wasm.sandbox.network.message import TARGET, authority, is_target, is_token

_ERR: dict[str, Any] = {"err": None}
_OK: dict[str, Any] = {"ok": None}
_PARTS = ("connect", "first-byte", "between-bytes")


class OutgoingRequest:
    """A request before it is made: ``method`` and ``scheme`` are the interface's variants."""

    __slots__ = ("authority", "body", "headers", "method", "path_with_query", "scheme")

    def __init__(self, headers: Fields) -> None:
        headers.freeze()
        self.headers = headers
        self.method: dict[str, Any] = {"tag": "get"}
        self.path_with_query: str | None = None
        self.scheme: dict[str, Any] | None = None
        self.authority: str | None = None
        self.body: OutgoingBody | None = None

    def method_name(self) -> str:
        """``GET``, or as the guest wrote it."""
        name: str = self.method["val"] if self.method["tag"] == "other" else self.method["tag"].upper()
        return name

    def scheme_name(self) -> str:
        """``http`` or ``https``, or what the guest wrote; ``https`` where it wrote nothing."""
        if self.scheme is None:
            return "https"
        name: str = self.scheme["val"] if self.scheme["tag"] == "other" else self.scheme["tag"]
        return name.lower()

    def close(self) -> None:
        """Forget its headers."""
        self.headers.close()


class RequestOptions:
    """Seconds that a guest allows for a part of a request, by the part's name."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds: dict[str, int | None] = {}

    def allowed(self, part: str) -> float | None:
        """Seconds for ``connect``, ``first-byte`` or ``between-bytes``, or None."""
        nanoseconds = self.seconds.get(part)
        return None if nanoseconds is None else max(0.001, nanoseconds / 1e9)


def _new(_call: Call, headers: Fields) -> OutgoingRequest:
    return OutgoingRequest(headers)


def _body(call: Call, request: OutgoingRequest) -> dict[str, Any]:
    if request.body is not None:
        return _ERR
    request.body = OutgoingBody(of(call), request.headers.entries)
    return {"ok": request.body}


def _method(_call: Call, request: OutgoingRequest) -> dict[str, Any]:
    return request.method


def _set_method(_call: Call, request: OutgoingRequest, method: dict[str, Any]) -> dict[str, Any]:
    if method["tag"] == "other" and not is_token(method["val"]):
        return _ERR
    request.method = method
    return _OK


def _path_with_query(_call: Call, request: OutgoingRequest) -> str | None:
    return request.path_with_query


def _set_path_with_query(_call: Call, request: OutgoingRequest, text: str | None) -> dict[str, Any]:
    # One somewhat too long is told when the request is made; thousands of huge ones would fill the host.
    if text is not None and (len(text) > 2 * TARGET or not is_target(text)):
        return _ERR
    request.path_with_query = text
    return _OK


def _scheme(_call: Call, request: OutgoingRequest) -> dict[str, Any] | None:
    return request.scheme


def _set_scheme(_call: Call, request: OutgoingRequest, scheme: dict[str, Any] | None) -> dict[str, Any]:
    if scheme is not None and scheme["tag"] == "other" and not is_token(scheme["val"]):
        return _ERR
    request.scheme = scheme
    return _OK


def _authority(_call: Call, request: OutgoingRequest) -> str | None:
    return request.authority


def _set_authority(_call: Call, request: OutgoingRequest, text: str | None) -> dict[str, Any]:
    if text is not None and authority(text) is None:
        return _ERR
    request.authority = text
    return _OK


def _headers(call: Call, request: OutgoingRequest) -> Fields:
    return Fields(of(call), request.headers.entries, immutable=True)


def _new_options(_call: Call) -> RequestOptions:
    return RequestOptions()


def _getter(part: str) -> Callable[[Call, RequestOptions], int | None]:
    return lambda _call, options: options.seconds.get(part)


def _setter(part: str) -> Callable[[Call, RequestOptions, int | None], dict[str, Any]]:
    def set_(_call: Call, options: RequestOptions, nanoseconds: int | None) -> dict[str, Any]:
        options.seconds[part] = nanoseconds
        return _OK

    return set_


FUNCTIONS: dict[str, Run] = {
    "[constructor]outgoing-request": _new,
    "[method]outgoing-request.body": _body,
    "[method]outgoing-request.method": _method,
    "[method]outgoing-request.set-method": _set_method,
    "[method]outgoing-request.path-with-query": _path_with_query,
    "[method]outgoing-request.set-path-with-query": _set_path_with_query,
    "[method]outgoing-request.scheme": _scheme,
    "[method]outgoing-request.set-scheme": _set_scheme,
    "[method]outgoing-request.authority": _authority,
    "[method]outgoing-request.set-authority": _set_authority,
    "[method]outgoing-request.headers": _headers,
    "[constructor]request-options": _new_options,
    **{f"[method]request-options.{part}-timeout": _getter(part) for part in _PARTS},
    **{f"[method]request-options.set-{part}-timeout": _setter(part) for part in _PARTS},
}
