"""A scraper made of agents: a tree under supervisors, in two languages, asked through an MCP client.

    pip install 'mcp-wasm[build]'
    python examples/07_agents.py

Six collectors in Python fetch the pages of a site that this example serves itself, by a
tool that was granted that site and nothing else. A summarizer, in JavaScript, asks a language
model, or the fallback where there is none. The coordinator, in JavaScript too, hands the
pages out: by priority, five at once, with timeouts and retries. The writer, in Python, writes a
report into the one folder that it may use. One page always fails, one fails twice, one stalls,
and one takes its collector down, which its supervisor starts again.

``agents/scraper/scraper.toml`` is the tree. It runs inside ``mcp-wasm serve --agents``. The first run
builds the tool and the runner of Python, about a minute; later ones take seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.scraper.site import Site
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from printing import heading, text_of

from mcp_wasm import Runtime
from mcp_wasm.code.contract import Run

HERE = Path(__file__).parent
SCRAPER = HERE / "agents" / "scraper"
COPIED = ("scraper.toml", "mcp-wasm.toml", "collector.py", "writer.py", "summarizer.js", "coordinator.js")
AT_ONCE, RETRIES = 5, 3
EXPECTED = {"/market/closed": RETRIES + 1, "/news/flaky": 3, "/weather/slow": 2, "/science/torn": 2}
"""Requests for the pages that have a bad day; each other page is asked for once."""


def main() -> int:
    """Run the example; the exit code."""
    parser = argparse.ArgumentParser(description="A scraper made of agents, on a site of its own.")
    parser.add_argument(
        "--folder",
        type=Path,
        default=HERE.parent / "build-out" / "agents",
        help="where everything is put (default: %(default)s)",
    )
    folder = parser.parse_args().folder.resolve()
    site = Site()
    heading("1. What is built and compiled once")
    place = prepare(folder, site.port)
    heading("2. A person says what the tool may reach")
    scraper = Scraper(place, folder / "home")
    scraper.type("grants", "revoke", "fetch", "--all", check=False)  # of the last time
    granted = ("127.0.0.1", "schemes=http", f"ports={site.port}", "methods=GET", "private=true")
    scraper.type("grants", "add", "fetch", "network", *granted, show=True)
    with site.serving():
        return asyncio.run(show(scraper, site))


def prepare(folder: Path, port: int) -> Path:
    """The folder of the scraper as a person would set it up, for a site at ``port``."""
    place = folder / "scraper"
    for each in ("tools", "reports"):
        (place / each).mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        # The site took a free port; in the files it is 8000.
        text = (SCRAPER / name).read_text(encoding="utf-8").replace("8000", str(port))
        (place / name).write_text(text, encoding="utf-8")
        # It says what agents may do: one that others can write is refused.
        (place / name).chmod(0o644)
    tool = folder / "fetch.wasm"  # where 04_http.py puts it
    sources = (HERE / "fetch" / "app.py", HERE / "fetch" / "world.wit")
    if not tool.exists() or tool.stat().st_mtime < max(each.stat().st_mtime for each in sources):
        tool.write_bytes(importlib.import_module("04_http").build())
    (place / "tools" / "fetch.wasm").write_bytes(tool.read_bytes())
    with Runtime(home=folder / "home") as runtime:
        print("the runner of Python, and the tool …", flush=True)
        runtime.run_code_sync(Run("python", "0"))
        runtime.prepare(runtime.add(tool).tools[0].name).result()
    return place


@dataclass(frozen=True)
class Scraper:
    """The scraper in its folder, and the home of ``mcp-wasm``."""

    place: Path
    home: Path

    def command(self, *words: str) -> list[str]:
        """A command of ``mcp-wasm`` with the scraper's settings."""
        settings = ["--config", str(self.place / "mcp-wasm.toml"), "--home", str(self.home)]
        return [sys.executable, "-m", "mcp_wasm", *words, *settings]

    def type(self, *words: str, show: bool = False, check: bool = True) -> str:
        """Type a command, as a person does; what it prints."""
        if show:
            print(f"   $ mcp-wasm {' '.join(words)}", flush=True)
        done = subprocess.run(self.command(*words), check=check, capture_output=True, text=True)
        return done.stdout


async def show(scraper: Scraper, site: Site) -> int:
    """Run the scraper once, tell what happened, and check it; 1 if something was not as configured."""
    place = scraper.place
    program, *words = scraper.command("serve", "--agents", str(place / "scraper.toml"), "--no-bundled")
    server = StdioServerParameters(command=program, args=words)
    with (place / "server.log").open("w", encoding="utf-8") as log:
        async with Client(stdio_client(server, errlog=log)) as client:
            heading("3. What a client is shown: the agents that were exposed")
            print(f"   {text_of(await client.call_tool('list_agents', {}))}")
            heading("4. The client asks the coordinator; what the site sees")
            asked = {"agent": "coordinator", "payload": {"what": "scrape"}, "seconds": 120}
            answer = await client.call_tool("ask_agent", asked)
            if answer.is_error:
                print(f"The coordinator failed: {text_of(answer)}")
                return 1
            heading("5. $ mcp-wasm agents tree; mcp-wasm agents events collectors/science")
            tree = await asyncio.to_thread(scraper.type, "agents", "tree")
            events = await asyncio.to_thread(scraper.type, "agents", "events", "collectors/science")
            print("\n".join(f"   {line}" for line in [*tree.splitlines(), "", *events.splitlines()]))
    reply = (answer.structured_content or {})["result"]["reply"]
    report = (place / "reports" / reply["report"]).read_text(encoding="utf-8")
    heading(f"6. {place / 'reports' / reply['report']}")
    print("\n".join(f"   {line}" for line in report.splitlines()))
    return checked(reply, report, site, tree)


def checked(reply: dict[str, Any], report: str, site: Site, tree: str) -> int:
    """Compare what happened with what was configured."""
    heading("7. As configured?")
    counts = {page: times for page, times in site.seen.items() if times != 1}
    restarted = {row[0]: row[2] for line in tree.splitlines() if len(row := line.split()) > 2}
    checks = {
        f"at most {AT_ONCE} requests at once: the site counted {site.most}": site.most <= AT_ONCE,
        f"{RETRIES} retries, and none too many: {counts}": counts == EXPECTED,
        "every page was asked for": len(site.seen) == len(reply["pages"]) == 12,
        "the page that always fails is in the report, as failed": (
            f"- `/market/closed`: status 503, {RETRIES + 1} requests" in report
        ),
        "the eleven others are there too": "11 of 12 pages were read." in report,
        "the report says that no language model was asked": "There was no language model" in report,
        "the collector that crashed was started again, and no other": (
            [crash["path"] for crash in reply["crashes"]] == ["collectors/science"]
            and restarted["science"] == "1"
            and restarted["news"] == restarted["coordinator"] == "0"
        ),
    }
    for what, holds in checks.items():
        print(f"   {'yes  ' if holds else 'WRONG'} {what}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
