"""What reading types keeps, whatever the language: how many parts a source has, and its enums."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from mcp_wasm.build.signature.names import Taken
from mcp_wasm.component.types import Enum
from mcp_wasm.errors import SignatureRefused

DEEPEST = 64
"""How deep types may nest."""
MOST = 5000
"""How many parts all types of a source may have, aliases written out."""

_Node = TypeVar("_Node")
_Refused = TypeVar("_Refused", contravariant=True)  # noqa: PLC0105 - as the other one, of the port


class Refusing(Protocol[_Refused]):
    """The port to a source, which knows the lines of its nodes."""

    def refused(self, node: _Refused, reason: str, hint: str = "") -> SignatureRefused:
        """The refusal of what ``node`` says."""


class Parts(Generic[_Node]):
    """Counts the parts of types and makes each enum once."""

    def __init__(self, source: Refusing[_Node], taken: Taken) -> None:
        self.taken = taken
        self._source = source
        self._enums: dict[tuple[str, ...], Enum] = {}
        self._open: list[str] = []
        self._parts = 0

    def count(self, node: _Node) -> None:
        """Count one more part of a type.

        Raises:
            SignatureRefused: there are more than ``MOST``.
        """
        self._parts += 1
        if self._parts > MOST:
            reason = f"the types of this source have more than {MOST} parts"
            raise self._source.refused(node, reason, "Make them smaller")

    def enum(self, cases: tuple[str, ...], name: str) -> Enum:
        """The enum of ``cases``, which is called ``name`` unless there is one already."""
        if cases not in self._enums:
            self._enums[cases] = Enum(cases, self.taken.free(name))
        return self._enums[cases]
