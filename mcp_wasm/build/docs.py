"""Puts the docs of a WIT text into a component, which no toolchain does by itself.

The section is ``package-docs`` as wasm-tools writes it: one version byte, then
JSON. Readers look for the world under the name ``root``, and some refuse a
section that documents named interfaces, so those are left out: their docs are
read from the WIT file that is kept beside the binary.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mcp_wasm.build import wasm_tools
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.workspace import Workspace

SECTION = b"package-docs"


def attach(component: bytes, wit: str, world: str, confined: Confinement | None = None) -> bytes:
    """``component`` with the docs that ``wit`` gives for ``world`` and what is declared in it.

    Raises:
        BuildFailed: the WIT text is wrong.
    """
    with Workspace(f"the docs of {world}", confined=confined) as space:
        packaged = wasm_tools.package(space, wit)
    found = [body for name, body in _custom_sections(packaged) if name == SECTION]
    if not found:
        return component
    version, document = found[0][:1], json.loads(found[0][1:])
    own = document.get("worlds", {}).get(world)
    if own is None:
        return component
    payload = {key: value for key, value in document.items() if key != "interfaces"} | {
        "worlds": {"root": own}
    }
    return component + _custom(SECTION, version + json.dumps(payload, ensure_ascii=False).encode())


def _custom(name: bytes, content: bytes) -> bytes:
    body = _leb(len(name)) + name + content
    return b"\0" + _leb(len(body)) + body


def _custom_sections(binary: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each custom section at the top level of a binary."""
    position = 8
    while position < len(binary):
        kind = binary[position]
        size, start = _read_leb(binary, position + 1)
        position = start + size
        if kind == 0:
            length, begin = _read_leb(binary, start)
            yield binary[begin : begin + length], binary[begin + length : position]


def _leb(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def _read_leb(binary: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = binary[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
