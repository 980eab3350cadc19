"""The writer: writes the report into the one folder that it was granted.

The report's name is the time of the message, so one that is handled twice is one report.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

Value = dict[str, Any]

FOLDER = Path("/reports")


def handle(context: Value, message: Value) -> list[Value]:  # noqa: ARG001 - as the world has it
    """Write the report of a run, and tell who sent it what it is called."""
    at = time.gmtime(message["timestamp"] / 1000)
    path = FOLDER / f"report-{time.strftime('%Y%m%dT%H%M%SZ', at)}.md"
    text = report(json.loads(message["payload"]), time.strftime("%Y-%m-%d %H:%M:%S UTC", at))
    path.write_text(text, encoding="utf-8")
    told = {"what": "written", "report": path.name}
    sent = {"to": message["from"], "payload": json.dumps(told), "priority": "normal", "kind": "state_update"}
    return [{"tag": "send", "val": sent}]


def report(run: Value, at: str) -> str:
    """The report as Markdown."""
    pages = run["pages"]
    done = [page for page in pages if page["state"] == "done"]
    lines = [f"# What the pages say, {at}", "", f"{len(done)} of {len(pages)} pages were read.", ""]
    if any(page["status"] == "completed_fallback" for page in done):
        lines += ["There was no language model: these summaries are sentences taken from the pages.", ""]
    for page in done:
        lines += [f"## {page['title']}", "", f"`{page['page']}`, {attempts(page)}", "", page["text"], ""]
    failed = [page for page in pages if page["state"] == "failed"]
    if failed:
        lines += [
            "## Failed",
            "",
            *(f"- `{page['page']}`: {page['why']}, {attempts(page)}" for page in failed),
            "",
        ]
    if run["crashes"]:
        lines += [
            "## Crashes",
            "",
            *(f"- {crash['path']} was started again: {first(crash)}" for crash in run["crashes"]),
        ]
    return "\n".join(lines) + "\n"


def attempts(page: Value) -> str:
    """How much it took, in words."""
    times = f"{page['tries']} requests" if page["tries"] != 1 else "1 request"
    return times if page["turns"] == 1 else f"{times} in the last of {page['turns']} turns"


def first(crash: Value) -> str:
    """The last line of what a crash says."""
    return str(crash["reason"]).strip().splitlines()[-1]
