"""A web page that talks to an agent: NATS over WebSocket, straight from the browser.

    pip install 'mcp-wasm[mesh]'
    python examples/09_browser.py            # and open the address that it prints
    python examples/09_browser.py --check    # tries it in a Chromium without a window

Runs ``agents/browser/browser.toml`` with ``mcp-wasm agents run``: an agent that was exposed, one that was
not, and the NATS server, to which pages of one origin may connect. The page is a user of that server with
the rights that the tree file gives it: ask one agent, hear what is published under ``greetings``. What it is
refused the server refuses. The page's client of NATS is ``agents/browser/nats.js``, with no library.
"""

from __future__ import annotations

import argparse
import asyncio
import http.server
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agents.browser import chrome
from printing import heading

from mcp_wasm.mesh.server import running

HERE = Path(__file__).parent
BROWSER = HERE / "agents" / "browser"
FILES = {"/": "index.html", "/page.js": "page.js", "/nats.js": "nats.js"}
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
NO_BROWSER = 3
"""The exit code where there is no browser to check with."""


class Site(http.server.ThreadingHTTPServer):
    """Serves the page, and to the page how to reach NATS; on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.access: dict[str, str] = {}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer while the block lasts."""
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class Answers(http.server.BaseHTTPRequestHandler):
    """The page's three files and ``access.json``."""

    server: Site

    def do_GET(self) -> None:
        """Answer one request."""
        # Another site's name may lead to this address: its pages are not to read the password.
        if self.headers.get("Host") != self.server.origin.removeprefix("http://"):
            self.send_error(421)
        elif self.path == "/access.json":
            self._send(json.dumps(self.server.access).encode(), "application/json")
        elif self.path in FILES:
            file = BROWSER / FILES[self.path]
            self._send(file.read_bytes(), TYPES[file.suffix])
        else:
            self.send_error(404)

    def _send(self, body: bytes, type_: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        nats = self.server.access.get("url", "")
        self.send_header(
            "Content-Security-Policy", f"default-src 'self'; img-src data:; connect-src 'self' {nats}"
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the library has
        """Print nothing."""


def main() -> int:
    """Run the example; the exit code."""
    parser = argparse.ArgumentParser(description="A web page that talks to an agent.")
    parser.add_argument(
        "--folder",
        type=Path,
        default=HERE.parent / "build-out" / "browser",
        help="where everything is put (default: %(default)s)",
    )
    parser.add_argument("--check", action="store_true", help="try the page in a browser without a window")
    args = parser.parse_args()
    browser = chrome.program()
    if args.check and browser is None:
        print(f"There is no browser here: looked for {', '.join(chrome.PROGRAMS)}.")
        return NO_BROWSER
    site = Site()
    heading("1. The agents, and a NATS server that pages may connect to")
    with tree(args.folder.resolve(), site), site.serving():
        print(f"   NATS for pages of {site.origin}: {site.access['url']}")
        if args.check:
            assert browser is not None
            return asyncio.run(check(browser, site))
        print(f"   Open {site.origin}/ in a browser. Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)
    return 0


@contextmanager
def tree(folder: Path, site: Site) -> Iterator[None]:
    """The tree of agents runs while the block does; ``site`` is told where its NATS is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("browser.toml", "greeter.js"):
        # The site took a free port; in the file it is 8000.
        text = (BROWSER / name).read_text(encoding="utf-8").replace("8000", str(site.server_port))
        (folder / name).write_text(text, encoding="utf-8")
        # It says what agents may do: one that others can write is refused.
        (folder / name).chmod(0o644)
    home, password = folder / "home", secrets.token_hex(24)
    words = ("agents", "run", str(folder / "browser.toml"), "--home", str(home))
    print(f"   $ mcp-wasm agents run {folder.name}/browser.toml", flush=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_wasm", *words],
        stderr=subprocess.PIPE,
        env=os.environ | {"PAGE_PASSWORD": password},
        text=True,
    )
    assert process.stderr is not None
    reader: threading.Thread | None = None
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if " runs." in line:
                break
        found = running(home / "mesh" / "nats")
        if found is None or found.websocket is None:
            raise SystemExit("".join(said))
        site.access = {"url": found.websocket, "mesh": "pages", "user": "page", "password": password}
        reader = threading.Thread(target=process.stderr.read)
        reader.start()
        yield
    finally:
        process.terminate()
        process.wait(30)
        if reader is not None:
            reader.join()
        process.stderr.close()


async def check(program: str, site: Site) -> int:
    """What a person would do and see; 1 if something was not as it should be."""
    heading(f"2. The page in {Path(program).name}")
    async with chrome.browser(program) as socket:
        page = await chrome.opened(socket, f"{site.origin}/", 1)
        state = await settled(page)
        print(f"   State: {state}")
        await page.click("#form button")
        answer = await page.text("answer")
        print(f"   Answer: {answer}")
        heard = await page.text("heard")
        print(f"   Published: {heard}")
        await page.click("#other button")
        refused = await page.text("refused")
        print(f"   Refused: {refused}")
        tried = await page.value(TRIES)
        for subject, found in tried.items():
            print(f"   {subject}: {found}")
        sizes = await page.value(SIZES)
        print(f"   a name of 20,000 letters: {sizes[0]}; one of 40,000: {sizes[1]}")
        heading("3. The same page at another origin, with the same password")
        other = Site()
        other.access = site.access
        with other.serving():
            stranger = await chrome.opened(socket, f"{other.origin}/", 10)
            said = await settled(stranger)
        print(f"   State: {said}")
    good = {
        "it is connected": state == "connected",
        "the agent answers": answer.startswith("Hello, Ada! You are number "),
        "the agent knows who asked": answer.endswith("client:web.page@desk."),
        "what the agent publishes arrives": heard.startswith('greetings.new: {"name":"Ada"'),
        "the agent that was not granted is refused": "Permissions Violation for Publish" in refused,
        "and so is everything else": all("Permissions Violation" in each for each in tried.values()),
        "long names are greeted, too long ones refused": sizes == ["greeted", "refused"],
        "a page of another origin is refused": "closed" in said,
    }
    heading("4. As it should be?")
    for name, is_so in good.items():
        print(f"   {'yes' if is_so else 'NO '}  {name}")
    print("Everything came out as it should." if all(good.values()) else "That is not as it should be.")
    return 0 if all(good.values()) else 1


async def settled(page: chrome.Page) -> str:
    """What the page says of its connection in the end."""
    return await page.text("state", "connecting")


TRIES = """
(async () => {
  const found = {};
  for (const [what, subject] of [
    ["ask in another's name", "mw.pages.web.other.to.greeter"],
    ["publish as a node", "mw.pages.pub.greetings.new"],
    ["speak to a node", "mw.pages.node.desk"],
    ["read what is stored", "$JS.API.STREAM.NAMES"],
  ]) {
    try { found[what] = JSON.stringify(await nats.ask(subject, 1, 10000)); }
    catch (error) { found[what] = error.message; }
  }
  const refused = new Promise((resolve) => { nats.onRefused = (error) => resolve(error.message); });
  nats.subscribe(">", () => {});
  found["hear everything"] = await refused;
  return found;
})()
"""
"""What a page may try that was taken over by somebody else; the server's answers."""

SIZES = """
(async () => {
  const to = "mw.pages.web.page.to.greeter", [some, many] = [20000, 40000].map((size) => "é".repeat(size));
  const { ok } = await nats.ask(to, { name: some });
  const { code } = await nats.ask(to, { name: many });
  return [ok.text.startsWith(`Hello, ${some}!`) ? "greeted" : "cut", code];
})()
"""
"""Names of 40 KB and of 80 KB, of which the door takes the first."""

if __name__ == "__main__":
    raise SystemExit(main())
