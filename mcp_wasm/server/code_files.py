"""Files that code made, for a client: images to look at, small texts to read, the rest behind links.

What a file is, is told from its bytes and never believed of its name alone: one
image that a model's API cannot read spoils a whole conversation.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mcp_wasm.code.contract import Produced
from mcp_wasm.server.content import RESULTS, Wire
from mcp_wasm.server.results import ResultStore
from mcp_wasm.server.text import visible

TEXT_INLINE, TEXTS_INLINE = 4 * 1024, 16 * 1024
"""Bytes of one file, and of all, whose text stands in the result."""

IMAGES_INLINE = 5 * 1024 * 1024
"""Bytes of base64 of all images; model APIs refuse larger ones."""

_PATH = 200
_TEXT_TYPES = {
    ".csv": "text/csv",
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".svg": "image/svg+xml",
    ".xml": "application/xml",
}


@dataclass(slots=True)
class Files:
    """Files as a result shows them: ``listed`` in its JSON, ``blocks`` beside it, ``left_out`` in words."""

    listed: list[Wire] = field(default_factory=list)
    blocks: list[Wire] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def shown(files: Sequence[Produced], store: ResultStore, owner: str) -> Files:
    """``files``, each kept in ``store`` for ``owner``."""
    found, text_room, image_room = Files(), TEXTS_INLINE, IMAGES_INLINE
    for file in files:
        text, path = _text(file.content), visible(file.path, _PATH)
        mime_type = _mime_type(file, text)
        about: Wire = {"path": path, "bytes": len(file.content), "mimeType": mime_type}
        stored = store.put(file.content, mime_type, owner, text=text is not None)
        if stored is not None:
            about["uri"] = RESULTS + stored.id
        encoded = 4 * len(file.content) // 3
        if image(file.content) and encoded <= image_room:
            image_room -= encoded
            data = base64.b64encode(file.content).decode()
            found.blocks.append({"type": "image", "data": data, "mimeType": mime_type})
        elif text is not None and len(file.content) <= min(TEXT_INLINE, text_room):
            text_room -= len(file.content)
            about["text"] = text
        elif stored is not None:
            link = {"type": "resource_link", "uri": about["uri"], "name": path, "mimeType": mime_type}
            found.blocks.append({**link, "size": len(file.content)})
        else:
            found.left_out.append(f"the file {path} was too large to keep")
        found.listed.append(about)
    return found


def image(content: bytes) -> str:
    """The type of an image that model APIs take, by how it begins; ``""`` for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return ""


def _mime_type(file: Produced, text: str | None) -> str:
    suffix = PurePosixPath(file.path).suffix.lower()
    if text is not None:
        return _TEXT_TYPES.get(suffix, "text/plain")
    return image(file.content) or ("application/pdf" if file.content.startswith(b"%PDF-") else _UNKNOWN)


_UNKNOWN = "application/octet-stream"


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
