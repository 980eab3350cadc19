"""``wasi:http/types``: its parts put together. Source: WASI 0.2."""

from __future__ import annotations

from typing import Any

from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host import http_bodies, http_fields, http_requests, http_responses, http_serving
from mcp_wasm.sandbox.host.http_poll import Pollable
from mcp_wasm.sandbox.host.http_state import prepare
from mcp_wasm.sandbox.host.interface import NATIVE, Interface


def _error_code(_call: Call, _error: object) -> Any:
    return None  # the streams are files, whose errors come from no request


RESOURCES: dict[str, type] = {
    "fields": http_fields.Fields,
    "outgoing-request": http_requests.OutgoingRequest,
    "request-options": http_requests.RequestOptions,
    "outgoing-body": http_bodies.OutgoingBody,
    "incoming-body": http_bodies.IncomingBody,
    "future-trailers": http_bodies.FutureTrailers,
    "future-incoming-response": http_responses.FutureIncomingResponse,
    "incoming-response": http_responses.IncomingResponse,
    "incoming-request": http_serving.IncomingRequest,
    "outgoing-response": http_serving.OutgoingResponse,
    "response-outparam": http_serving.ResponseOutparam,
}

INTERFACES = (
    Interface(
        "wasi:http/types",
        (NATIVE,),
        {
            "http-error-code": _error_code,
            **http_fields.FUNCTIONS,
            **http_requests.FUNCTIONS,
            **http_bodies.FUNCTIONS,
            **http_responses.FUNCTIONS,
            **http_serving.FUNCTIONS,
        },
        resources=RESOURCES,
        uses={"pollable": Pollable},
        prepare=prepare,
    ),
)
