"""Why a request failed, in the words of ``wasi:http`` (``error-code``). Pure."""

from __future__ import annotations

from typing import Any

UNSENT = frozenset(
    {
        "connection-refused",
        "connection-timeout",
        "DNS-timeout",
        "destination-IP-unroutable",
        "destination-unavailable",
    }
)
"""Failures after which the server has seen nothing of the request."""

BROKEN = frozenset(
    {
        "connection-read-timeout",
        "connection-terminated",
        "connection-write-timeout",
        "HTTP-response-incomplete",
        "HTTP-response-timeout",
    }
)
"""Failures after which the server may have carried it out."""


class Failure(Exception):
    """``code`` is the case of ``error-code``, ``payload`` its value; ``reason`` is for people.

    ``refused`` says that this host did not let the guest connect, rather than that something went wrong,
    and ``private`` that a grant of private addresses would.
    """

    def __init__(
        self,
        code: str,
        payload: Any = None,
        *,
        reason: str = "",
        refused: bool = False,
        private: bool = False,
    ) -> None:
        super().__init__(reason or code)
        self.code, self.payload, self.reason = code, payload, reason
        self.refused, self.private = refused, private

    def value(self) -> dict[str, Any]:
        """The ``error-code`` as a value."""
        return error(self.code, self.payload)


_OPTIONAL = frozenset(
    {
        "HTTP-request-body-size",
        "HTTP-request-header-section-size",
        "HTTP-request-header-size",
        "HTTP-response-header-section-size",
        "HTTP-response-body-size",
        "internal-error",
    }
)


def error(code: str, payload: Any = None) -> dict[str, Any]:
    """An ``error-code`` as a value; a payload that is an option may be left out."""
    return {"tag": code, "val": payload} if payload is not None or code in _OPTIONAL else {"tag": code}
