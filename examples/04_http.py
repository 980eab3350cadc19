"""A tool that makes HTTP requests: an unmodified ``wasi:http`` component, and what a person allows it.

    pip install 'mcp-wasm[build]'
    python examples/04_http.py

Builds ``fetch/app.py`` with componentize-py, starts a server on this machine and
calls the component: without a grant, with one, with several requests at once,
and with a redirect to an address that no public server should lead to.
"""

from __future__ import annotations

import argparse
import http.server
import tempfile
import threading
from pathlib import Path
from typing import Any

from mcp_wasm import Runtime
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.capability.grant import Network

HERE = Path(__file__).parent / "fetch"
WIT = Path(__file__).parent.parent / "wit"
PACKAGES = ("io", "clocks", "random", "filesystem", "sockets", "cli", "http")


class Answers(http.server.BaseHTTPRequestHandler):
    """Says which path it was asked for; ``/moved`` leads to the metadata service of a cloud."""

    def do_GET(self) -> None:
        """Answer one request."""
        moved = self.path == "/moved"
        text = f"this is {self.path}".encode()
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library has
        """Print nothing."""


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
    """Build the component in ``folder``, and call it against a server of our own."""
    folder.mkdir(parents=True, exist_ok=True)
    component = folder / "fetch.wasm"
    component.write_bytes(build())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever).start()
    try:
        with Runtime(home=folder / "home") as runtime:
            runtime.add(component)
            calls(runtime, server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def calls(runtime: Runtime, port: int) -> None:
    """What the component can do with a grant and without."""
    here = f"http://127.0.0.1:{port}"
    print("without a grant")
    call(runtime, (), f"{here}/secret?key=not-shown")
    # What a person would write into the policy; here it is given with each call. This machine's own
    # addresses are not public, so that `private` is needed: for a public host a name is enough.
    grant = Network(("127.0.0.1",), schemes=("http",), ports=(port,), private=True)
    print("with one")
    call(runtime, (grant,), f"{here}/hello")
    print("three at once")
    call(runtime, (grant,), *(f"{here}/{number}" for number in range(3)))
    print("redirected")
    call(runtime, (grant,), f"{here}/moved")


def call(runtime: Runtime, grants: tuple[Network, ...], *urls: str) -> None:
    """Call the tool, and print what it gave and what was denied to it."""
    outcome = runtime.call_sync("fetch_texts", {"urls": list(urls)}, approved=grants)
    print(f"  {outcome.text}")
    for denial in outcome.report.denials:
        print(f"  {denial}")


def build() -> bytes:
    """The component; the WIT of WASI goes into the file of its world as nested packages."""
    world = (HERE / "world.wit").read_text(encoding="utf-8")
    for name in PACKAGES:
        text = (WIT / f"wasi-{name}-0.2.12" / "package.wit").read_text(encoding="utf-8")
        declaration = f"package wasi:{name}@0.2.12"
        world += text.replace(f"{declaration};", f"{declaration} {{") + "}\n"
    source = Source("fetch", HERE, "app.py", world, "fetch")
    return compile_component(
        "python", source, trusted=True, progress=lambda step: print(f"{step} …", flush=True)
    )


if __name__ == "__main__":
    main()
