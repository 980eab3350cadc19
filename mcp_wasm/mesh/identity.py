"""Who is who in a mesh: the mesh's key, the node's own, the cards that tie names to keys.

Two secrets, both in files that only their owner reads. The *mesh key* is the same on every node
of a mesh: a card made with it says "this name has this key and belongs to us". The *node key*
(Ed25519, kept as a NATS nkey seed) is one home's own: what a node says to all is signed with it.
The first card seen for a name is kept, as ssh keeps host keys; another key for the same name is
refused until a person forgets the old one. Whoever has the mesh key may join under a new name,
and under no other's.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mcp_wasm.agents import address
from mcp_wasm.errors import InvalidSettings, StateUnavailable
from mcp_wasm.mesh.envelope import EnvelopeRefused

KEY_FILE, SEED_FILE, KNOWN_FILE = "mesh.key", "node.seed", "known_nodes"
_KEY_PREFIX = "mwk1-"
_KNOWN = 100_000
"""Names of nodes that are remembered at most."""


@dataclass(frozen=True, slots=True)
class Card:
    """A node's name and public key (32 bytes), and the mark by which the mesh knows them."""

    node: str
    key: bytes
    mark: bytes


def bytes_in(text: str, length: int) -> bytes:
    """Bytes that stand as base64 in JSON.

    Raises:
        EnvelopeRefused: they do not.
    """
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != length:
        raise EnvelopeRefused(f"a key or mark of {length} bytes is none")
    return found


def text_of(value: bytes) -> str:
    """Bytes as base64."""
    return _text(value)


class Identity:
    """The node ``node`` with its keys; ``known`` are the cards of the others.

    ``folder`` has the files (see ``keep_mesh_key`` and ``_seed``). One of it serves every node of one home.
    """

    def __init__(self, node: str, folder: Path, mesh_key: bytes) -> None:
        from nacl.signing import SigningKey  # an extra, and only with a mesh

        self.node = address.check_part(node, "a node")
        self._mesh_key = mesh_key
        self._signing = SigningKey(_seed(folder / SEED_FILE))
        self._known = _Known(folder / KNOWN_FILE)
        key = bytes(self._signing.verify_key)
        self.card = Card(self.node, key, self._mark(self.node, key))
        self._known.learn(self.node, key)

    def sign(self, data: bytes) -> bytes:
        """The signature (64 bytes) of this node under ``data``."""
        return bytes(self._signing.sign(data).signature)

    def verify(self, card: Card, data: bytes, signature: bytes) -> None:
        """Take ``data`` for something that the node of ``card`` said.

        Raises:
            EnvelopeRefused: the card or the signature is not believed.
        """
        from nacl.exceptions import BadSignatureError
        from nacl.signing import VerifyKey

        self.admit(card)
        try:
            VerifyKey(card.key).verify(data, signature)
        except BadSignatureError:
            raise EnvelopeRefused(f"it is not signed by {card.node}") from None

    def admit(self, card: Card) -> None:
        """Believe a card, and remember its key for its name.

        Raises:
            EnvelopeRefused: it was not made with this mesh's key, or its name belongs to another key.
        """
        if not hmac.compare_digest(card.mark, self._mark(card.node, card.key)):
            raise EnvelopeRefused(f"the card of {card.node} was not made with the key of this mesh")
        if self._known.learn(card.node, card.key) != card.key:
            raise EnvelopeRefused(
                f"{card.node} comes with another key than before. If that node was set up anew: "
                f"mcp-wasm mesh forget {card.node}"
            )

    def derived(self, purpose: bytes, data: bytes) -> bytes:
        """32 bytes that follow from ``data`` for whoever has the mesh key, and for nobody else."""
        return hashlib.blake2b(data, key=self._mesh_key, digest_size=32, person=purpose).digest()

    def _mark(self, node: str, key: bytes) -> bytes:
        return self.derived(b"card", node.encode() + b"\0" + key)


class _Known:
    """The key of each name, in a file that is only ever added to: the first line for a name holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, bytes] = {}
        if path.is_file():
            for line in path.read_text(encoding="ascii", errors="replace").splitlines():
                name, _, key = line.partition(" ")
                with contextlib.suppress(EnvelopeRefused):
                    self._keys.setdefault(name, bytes_in(key, 32))

    def learn(self, node: str, key: bytes) -> bytes:
        """The key of ``node``, which is ``key`` if none was known."""
        known = self._keys.get(node)
        if known is None:
            if len(self._keys) >= _KNOWN:
                raise EnvelopeRefused(f"{_KNOWN:,} nodes are known, and no further one is taken in")
            self._keys[node] = known = key
            with _private(self._path, os.O_WRONLY | os.O_APPEND) as file:
                file.write(f"{node} {_text(key)}\n")
        return known


def forget(folder: Path, node: str) -> bool:
    """Forget the key of ``node``, so that it may come with another; whether it was known."""
    path = folder / KNOWN_FILE
    lines = path.read_text(encoding="ascii").splitlines(keepends=True) if path.is_file() else []
    kept = [line for line in lines if line.partition(" ")[0] != node]
    if len(kept) < len(lines):
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        with _private(fresh, os.O_WRONLY | os.O_EXCL) as file:
            file.writelines(kept)
        fresh.replace(path)
    return len(kept) < len(lines)


def new_mesh_key() -> str:
    """A key for a new mesh, as people carry it from node to node."""
    return _KEY_PREFIX + secrets.token_hex(32)


def mesh_key(text: str, where: str) -> bytes:
    """The bytes of a mesh key that stands in ``where``.

    Raises:
        InvalidSettings: it is none; what it says is not told.
    """
    try:
        if not text.strip().startswith(_KEY_PREFIX):
            raise ValueError
        found = bytes.fromhex(text.strip().removeprefix(_KEY_PREFIX))
        if len(found) != 32:
            raise ValueError
    except ValueError:
        expected = f"the key of a mesh: {_KEY_PREFIX} and 64 hexadecimal digits, as `mcp-wasm mesh key` shows"
        raise InvalidSettings(where, expected, "something else") from None
    return found


def keep_mesh_key(folder: Path, text: str | None = None) -> bytes:
    """The mesh key of ``folder``: ``text`` if given, else the one that is there, else a new one; kept there.

    Raises:
        InvalidSettings: what is there, or ``text``, is none.
    """
    path = folder / KEY_FILE
    if text is not None:
        found = mesh_key(text, "the key of the mesh")
        _keep(folder, path, text.strip() + "\n", replace=True)
        return found
    return mesh_key(_keep(folder, path, new_mesh_key() + "\n"), str(path))


@contextlib.contextmanager
def taken_name(folder: Path, wanted: str = "") -> Iterator[str]:
    """A name for this process among those of its home: ``wanted``, else the machine's name.

    While it lives no other process of the home has that name; the next one gets ``NAME-2`` and so on,
    save where the name was ``wanted``.

    Raises:
        InvalidSettings: the wanted name is taken.
    """
    import fcntl  # POSIX only; a node's settings are read elsewhere too

    base = address.check_part(wanted, "the node") if wanted else _machine()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(1, 1000):
        name = base if number == 1 else f"{base[:58]}-{number}"
        with _private(folder / f"node-{name}.lock", os.O_WRONLY) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if wanted:
                    raise InvalidSettings("--node", "a name that no process here has", wanted) from None
                continue
            yield name
            return
    raise InvalidSettings("--node", "a name that no process here has", base)


def _machine() -> str:
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in socket.gethostname().lower())
    name = name.partition(".")[0].strip("-")[:58]
    return name or "node"


def _seed(path: Path) -> bytes:
    """The node's secret (32 bytes), made where there is none; the file has it as a NATS nkey seed."""
    import nkeys  # an extra, and only with a mesh

    fresh = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode().rstrip("=")
    kept = _keep(path.parent, path, fresh + "\n")
    try:
        _, raw = nkeys.decode_seed(kept.strip().encode())
    except (nkeys.NkeysError, ValueError):
        expected = "the seed of a node (remove the file for a new one)"
        raise InvalidSettings(str(path), expected, "no seed") from None
    return bytes(raw[:32])


def _keep(folder: Path, path: Path, text: str, *, replace: bool = False) -> str:
    """What ``path`` has, or ``text`` put there for the first time; of two processes one wins."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not replace and path.is_file():
        return _secret(path)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with _private(fresh, os.O_WRONLY | os.O_EXCL) as file:
        file.write(text)
    try:
        if replace:
            fresh.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    return _secret(path)


def _secret(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        hint = f"Type: chmod 600 {path}"
        raise StateUnavailable(path.name, "others than its owner may read it, so it is no secret", hint)
    try:
        return path.read_text(encoding="ascii")[:4096]
    except UnicodeDecodeError:
        return ""


def _private(path: Path, flags: int) -> TextIO:
    """A text file for its owner alone, made if it is not there."""
    return os.fdopen(os.open(path, flags | os.O_CREAT, 0o600), "w", encoding="ascii")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
