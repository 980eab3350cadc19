"""The tools that come with the package: which there are, and their components, built or copied when wanted.

Sources are in ``tools/`` of a checkout and in ``_tools/`` of an installed
package. Small components are shipped in ``bundled/`` with a lock that names the
sources they were built from; the others are built on the person's machine. This
module takes every path from its caller.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp_wasm.build import javascript
from mcp_wasm.build.languages import TOOLCHAINS, compile_component
from mcp_wasm.build.manifest import FILE, Manifest, read_manifest
from mcp_wasm.build.toolchain import Progress, Source, Toolchain, silent

PACKAGE = Path(__file__).parents[1]
SHIPPED = PACKAGE / "bundled"
LOCK = "lock.json"
NOT_SOURCES = frozenset({FILE, "README.md"})
"""Files of a tool's folder that do not decide its component's bytes."""

State = Literal["ready", "buildable", "toolchain missing"]


@dataclass(frozen=True, slots=True)
class BundledTool:
    """A tool that comes with the package.

    ``folder`` holds its sources; ``shipped`` is its component in the package,
    or None where it has to be built (or the shipped one is not of these sources).
    """

    name: str
    language: str
    folder: Path
    shipped: Path | None
    manifest: Manifest

    @property
    def toolchain(self) -> Toolchain:
        """What builds it."""
        return TOOLCHAINS[self.language]

    @property
    def wit(self) -> Path:
        """Its WIT file, docs and all."""
        return self.folder / "wit" / "world.wit"

    def source(self) -> Source:
        """What its toolchain is given."""
        made, wit = self.manifest, self.wit.read_text(encoding="utf-8")
        return Source(self.name, self.folder, made.entry, wit, made.world, made.packages)


def sources() -> Path:
    """The folder of all tools' sources."""
    installed = PACKAGE / "_tools"
    return installed if installed.is_dir() else PACKAGE.parent / "tools"


def list_bundled() -> tuple[BundledTool, ...]:
    """All tools that come with the package, sorted by name."""
    lock = read_lock()
    return tuple(_tool(path.parent, lock) for path in sorted(sources().glob(f"*/{FILE}")))


def _tool(folder: Path, lock: dict[str, Any]) -> BundledTool:
    manifest = read_manifest(folder / FILE)
    tool = BundledTool(manifest.name, manifest.language, folder, None, manifest)
    shipped = SHIPPED / f"{manifest.name}.wasm"
    known = lock.get(manifest.name, {}).get("sources")
    if known != source_digest(tool) or not shipped.is_file():
        return tool
    return BundledTool(manifest.name, manifest.language, folder, shipped, manifest)


def read_lock() -> dict[str, Any]:
    """What was shipped: by name the digests of sources and component, and the toolchain's versions."""
    path = SHIPPED / LOCK
    if not path.is_file():
        return {}
    lock: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return lock


def source_digest(tool: BundledTool) -> str:
    """The SHA-256 (hex) of everything of ours that decides the bytes of the tool's component."""
    made = tool.manifest
    digest = hashlib.sha256(json.dumps([made.language, made.entry, made.world, made.packages]).encode())
    for folder in (tool.folder, *_shared_folders(tool)):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in NOT_SOURCES and "__pycache__" not in path.parts:
                digest.update(f"\n{name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _shared_folders(tool: BundledTool) -> tuple[Path, ...]:
    return (javascript.PROGRAMS,) if tool.language in ("javascript", "typescript") else ()


def state(tool: BundledTool, out_dir: Path) -> State:
    """Whether the tool can be served from ``out_dir`` now, after a build, or not without a toolchain."""
    if is_current(tool, out_dir):
        return "ready"
    if tool.shipped is not None or tool.toolchain.available() is None:
        return "buildable"
    return "toolchain missing"


def is_current(tool: BundledTool, out_dir: Path) -> bool:
    """Whether ``out_dir`` holds the component of these very sources."""
    if not (out_dir / f"{tool.name}.wasm").is_file():
        return False
    try:
        # Read at once, not looked for first: another process that builds takes the note away in between.
        note = json.loads(_note(tool, out_dir).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        # No note, or half of one, is the note of no build: build again.
        return False
    return bool(note.get("sources") == source_digest(tool))


def build_bundled(
    tool: BundledTool, out_dir: Path, *, cache: Path | None = None, progress: Progress | None = None
) -> Path:
    """Put ``NAME.wasm``, ``NAME.wit`` and ``NAME.toml`` (the manifest) into ``out_dir`` if need be.

    Copies the shipped component where there is one, else compiles. ``cache`` is
    a folder for downloads and compiler caches (``.toolchains`` in ``out_dir``
    unless given); ``progress`` is told each step. Files are replaced whole, the
    component last, and two processes that build at once wait for each other.

    Returns:
        The path of ``NAME.wasm``.

    Raises:
        BuildFailed: the build ended with an error.
        ToolchainMissing: it has to be compiled and its toolchain is not installed.
    """
    say = progress or silent
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"{tool.name}.wasm"
    if is_current(tool, out_dir):
        return path
    with alone(out_dir / f".{tool.name}.building", tool.name, say):
        if not is_current(tool, out_dir):
            _build(tool, path, cache or out_dir / ".toolchains", say)
    return path


def _build(tool: BundledTool, path: Path, cache: Path, progress: Progress) -> None:
    digest = source_digest(tool)
    if tool.shipped is not None:
        component = tool.shipped.read_bytes()
    else:
        component = compile_component(
            tool.language, tool.source(), trusted=True, cache=cache, progress=progress
        )
    note = {"sources": digest, "component": hashlib.sha256(component).hexdigest()}
    # Without its note a component is not current, so what happens between these lines does no harm.
    _note(tool, path.parent).unlink(missing_ok=True)
    replace(path.with_suffix(".wit"), tool.wit.read_bytes())
    replace(path.with_suffix(".toml"), (tool.folder / FILE).read_bytes())
    replace(path, component)
    replace(_note(tool, path.parent), json.dumps(note).encode())


def _note(tool: BundledTool, out_dir: Path) -> Path:
    return out_dir / f".{tool.name}.built.json"


def replace(path: Path, content: bytes) -> None:
    """Give the file ``path`` new content so that a reader sees the old or the new, never a part."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def alone(path: Path, name: str, progress: Progress) -> Iterator[None]:
    """Hold the file lock ``path``, waiting for its holder; where the system has none, go on without."""
    try:
        import fcntl  # not on Windows, where two builds at once merely do the work twice
    except ImportError:
        yield
        return
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that builds {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
