"""``mcp-wasm add``: checks components and copies them, with what lies beside them, into the home folder."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
from pathlib import Path

from mcp_wasm.cli import settings, terminal, wiring
from mcp_wasm.component import toml_text
from mcp_wasm.component.names import component_name
from mcp_wasm.errors import ComponentRefused, InvalidSettings
from mcp_wasm.registry import sources
from mcp_wasm.registry.tool import Component


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "path",
        metavar="FILE|FOLDER",
        type=Path,
        help="a component (.wasm or .wat), or a folder of components",
    )
    parser.add_argument("--name", help="name of the component (default: its manifest's, or the file's stem)")
    parser.add_argument("--json", action="store_true", help="print what was added as JSON")


def run(args: argparse.Namespace) -> int:
    """Check every component first, then copy them all."""
    config = settings.read(args)
    found = _found(args.path)
    if args.name is not None and len(found) > 1:
        raise InvalidSettings("--name", "one component to name", f"{len(found)} in {args.path}")
    with wiring.new_runtime(config) as runtime:
        checked = [(source, runtime.inspect(source.path, name=args.name)) for source in found]
    _all_different(checked)
    folder = wiring.added(config)
    folder.mkdir(parents=True, exist_ok=True)
    copied = [(component, copy(source, component.name, folder)) for source, component in checked]
    if args.json:
        terminal.print_json([_document(component, replaced) for component, replaced in copied])
        return 0
    for component, replaced in copied:
        tools = ", ".join(tool.name for tool in component.tools)
        print(terminal.line(f"{'replaced' if replaced else 'added'} {component.name}: {tools}"))
    return 0


def copy(source: sources.Source, name: str, folder: Path) -> bool:
    """Copy a component as ``name`` into ``folder``; whether one of that name was there.

    What lies beside it comes first and the component last, so that a server
    which watches the folder never sees it without its manifest.
    """
    old = files_of(name, folder)
    keep = {folder / f"{name}{source.path.suffix}"}
    if source.manifest is not None:
        keep.add(_write(folder / f"{name}.toml", _renamed(source.manifest, name).encode()))
    if source.wit is not None:
        keep.add(_copy_wit(source.wit, folder / f"{name}.wit"))
    _write(folder / f"{name}{source.path.suffix}", source.path.read_bytes())
    for path in old:
        if path not in keep:
            delete(path)
    return bool(old)


def files_of(name: str, folder: Path) -> list[Path]:
    """The files in ``folder`` that belong to the component ``name``, the component itself first."""
    paths = [folder / f"{name}{suffix}" for suffix in (*sources.SUFFIXES, ".toml", ".wit")]
    return [path for path in paths if path.exists()]


def delete(path: Path) -> None:
    """Remove a file, or a folder of WIT."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _found(path: Path) -> list[sources.Source]:
    if not path.is_dir():
        if path.suffix not in sources.SUFFIXES and path.is_file():
            raise ComponentRefused(str(path), f"a component file ends with {' or '.join(sources.SUFFIXES)}")
        return [sources.source(path)]
    found = list(sources.scan([path]).values())
    if not found:
        raise ComponentRefused(str(path), "there is no .wasm or .wat file in this folder")
    return found


def _all_different(checked: list[tuple[sources.Source, Component]]) -> None:
    seen: dict[str, Path] = {}
    for source, component in checked:
        other = seen.setdefault(component.name, source.path)
        if other != source.path:
            raise ComponentRefused(
                str(source.path),
                f"the name {component.name} is that of {other} too",
                "Add one of them with --name",
            )


def _renamed(manifest: Path, name: str) -> str:
    """The manifest's text, with its name, which would win over the file's, changed where it is another."""
    text = manifest.read_text(encoding="utf-8")
    document = toml_text.loads(text)
    if "name" not in document or component_name(str(document["name"])) == name:
        return text
    changed = re.sub(r"^name\s*=.*$", f'name = "{name}"', text, count=1, flags=re.MULTILINE)
    try:
        same = toml_text.loads(changed) == {**document, "name": name}
    except ValueError:
        same = False
    if not same:
        raise ComponentRefused(
            str(manifest), "its name cannot be changed by itself", f'Write name = "{name}" there'
        )
    return changed


def _copy_wit(source: Path, target: Path) -> Path:
    if source.is_file():
        return _write(target, source.read_bytes())
    delete(target)
    # Links inside could lead to anything of the person's; only real files are copied.
    shutil.copytree(source, target, symlinks=True, ignore=_links)
    return target


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_symlink()]


def _write(path: Path, content: bytes) -> Path:
    """Write a file so that a reader sees the old or the new, never a part."""
    if path.is_dir():
        delete(path)
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
    return path


def _document(component: Component, replaced: bool) -> dict[str, object]:
    return {
        "component": component.name,
        "digest": component.digest,
        "tools": [tool.name for tool in component.tools],
        "replaced": replaced,
    }
