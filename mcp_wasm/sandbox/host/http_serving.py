"""The half of ``wasi:http/types`` that is for components which serve HTTP, and which this host does not run.

It is there so that components link whose bindings import all of the interface.
An ``outgoing-response`` can be made and goes nowhere; of the other two resources
no guest ever has a handle. Source: WASI 0.2, ``wasi:http/types``.
"""

from __future__ import annotations

from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.http_fields import Fields
from mcp_wasm.sandbox.host.http_state import of
from mcp_wasm.sandbox.hostfunc import Run


class IncomingRequest:
    """Never made."""


class ResponseOutparam:
    """Never made."""


class OutgoingResponse:
    """An answer that nobody gets."""

    __slots__ = ("headers", "status")

    def __init__(self, headers: Fields) -> None:
        headers.freeze()
        self.headers, self.status = headers, 200

    def close(self) -> None:
        """Forget its headers."""
        self.headers.close()


def _unreachable(_call: Call, *_arguments: object) -> Any:
    raise AssertionError("no guest has a handle to such a resource")


def _new(_call: Call, headers: Fields) -> OutgoingResponse:
    return OutgoingResponse(headers)


def _status(_call: Call, response: OutgoingResponse) -> int:
    return response.status


def _set_status(_call: Call, response: OutgoingResponse, status: int) -> dict[str, Any]:
    if not 100 <= status <= 999:
        return {"err": None}
    response.status = status
    return {"ok": None}


def _headers(call: Call, response: OutgoingResponse) -> Fields:
    return Fields(of(call), response.headers.entries, immutable=True)


def _body(_call: Call, _response: OutgoingResponse) -> dict[str, Any]:
    return {"err": None}


FUNCTIONS: dict[str, Run] = {
    **{
        f"[method]incoming-request.{name}": _unreachable
        for name in ("method", "path-with-query", "scheme", "authority", "headers", "consume")
    },
    "[static]response-outparam.set": _unreachable,
    "[constructor]outgoing-response": _new,
    "[method]outgoing-response.status-code": _status,
    "[method]outgoing-response.set-status-code": _set_status,
    "[method]outgoing-response.headers": _headers,
    "[method]outgoing-response.body": _body,
}
