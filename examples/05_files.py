"""A tool that keeps files: plain Python, in a folder that a person granted.

    pip install 'mcp-wasm[build]'
    python examples/05_files.py

Builds ``notes/app.py`` with componentize-py and calls it: without a grant, with
a folder that it may read, with one that it may write, with paths that lead out
of it, and with more than its quota.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from mcp_wasm import Runtime
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.capability.grant import Storage
from mcp_wasm.errors import McpWasmError

HERE = Path(__file__).parent / "notes"


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, help="where everything is put (default: a temporary folder)")
    folder = parser.parse_args().folder
    if folder is not None:
        show(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        show(Path(temporary))


def show(folder: Path) -> None:
    """Build the component in ``folder``, and call it with more and more grants."""
    notes = folder.resolve() / "notes"
    notes.mkdir(parents=True, exist_ok=True)
    (notes / "shopping").write_text("bread, salt", encoding="utf-8")
    component = folder / "notes.wasm"
    component.write_bytes(build())
    with Runtime(home=folder / "home") as runtime:
        runtime.add(component)
        print("without a grant")
        call(runtime, None, "notes_recall", name="shopping")
        call(runtime, None, "notes_keep", name="idea", text="a boat")
        reads = Storage(notes, "/notes")
        print("with a folder that it may read")
        call(runtime, reads, "notes_names")
        call(runtime, reads, "notes_recall", name="shopping")
        call(runtime, reads, "notes_keep", name="idea", text="a boat")
        writes = Storage(notes, "/notes", write=True, quota=100_000)
        print("with a folder that it may write")
        call(runtime, writes, "notes_keep", name="idea", text="a boat")
        call(runtime, writes, "notes_keep", name="../idea", text="a boat")
        call(runtime, writes, "notes_recall", name="/etc/passwd")
        call(runtime, writes, "notes_keep", name="all", text="x" * 200_000)
    print(f"in the folder: {', '.join(sorted(path.name for path in notes.iterdir()))}")


def build() -> bytes:
    """The component."""
    wit = (HERE / "world.wit").read_text(encoding="utf-8")
    source = Source("notes", HERE, "app.py", wit, "notes")
    return compile_component(
        "python", source, trusted=True, progress=lambda step: print(f"{step} …", flush=True)
    )


def call(runtime: Runtime, grant: Storage | None, tool: str, **arguments: Any) -> None:
    """Call a tool, and print what came back and what was denied."""
    # What a person would write into the policy; here it is given with the call.
    approved = [] if grant is None else [grant]
    try:
        outcome = runtime.call_sync(tool, arguments, approved=approved)
    except McpWasmError as error:
        print(f"  {tool}: {error}")
        denials = error.report.denials if error.report else ()
    else:
        print(f"  {tool}: {outcome.text}")
        denials = outcome.report.denials
    for denial in denials:
        print(f"    {denial}")


if __name__ == "__main__":
    main()
