"""A collector: fetches one page at a time, tries again as often as it was told, and reads what it got.

It cannot reach the network. It asks for calls of the tool `fetch_page`, which is
all that it was granted, and each result comes as a message of its own. What it has
to know until then it keeps in its memory, so it may crash at any time.
"""

from __future__ import annotations

import json
import re
from typing import Any

Value = dict[str, Any]


def handle(context: Value, message: Value) -> list[Value]:
    """Handle a message; the effects are what is to be done about it."""
    job = json.loads(dict(context["memory"]).get("state", "{}"))
    payload = json.loads(message["payload"])
    if message["kind"] == "tool_result":
        return answered(job, payload) if message["re"] == job.get("tag") else []
    if "again" in payload:
        return fetch(job) if payload["again"] == job.get("tag") else []
    return fetch(payload | {"tries": 0, "tag": ""})


def fetch(job: Value) -> list[Value]:
    """Ask for the page once more."""
    job = job | {"tries": job["tries"] + 1}
    job["tag"] = f"{job['job']}/{job['turn']}/{job['tries']}"
    arguments = {"url": job["url"], "timeout-ms": job["timeout_ms"]}
    call = {"name": "fetch_page", "arguments": json.dumps(arguments), "tag": job["tag"]}
    return [keep(job), {"tag": "call-tool", "val": call}]


def answered(job: Value, result: Value) -> list[Value]:
    """Go on with what the tool gave."""
    page = result.get("ok")
    if page is not None and page["status"] == 200:
        # A page without a title is more than this collector was written for: it crashes, and
        # its supervisor starts it again.
        title = re.search("<title>(.*?)</title>", page["text"]).group(1)
        text = " ".join(re.sub("<[^>]*>", " ", page["text"].split("</head>")[1]).split())
        found = {"job": job["job"], "title": title, "text": text}
        return [send("summarizer", found, "llm_task"), told(job, {"what": "collected"})]
    why = result["err"] if page is None else f"status {page['status']}"
    if job["tries"] > job["retries"]:
        return [told(job, {"what": "failed", "why": why})]
    wait = job["backoff_ms"] * 2 ** (job["tries"] - 1)
    again = send(job["agent"], {"again": job["tag"]})["val"]
    return [{"tag": "schedule", "val": {"after-ms": wait, "message": again}}]


def keep(job: Value) -> Value:
    """Remember the job."""
    return {"tag": "store", "val": {"key": "state", "value": json.dumps(job)}}


def told(job: Value, news: Value) -> Value:
    """Tell the coordinator."""
    return send("coordinator", news | {"job": job["job"], "turn": job["turn"], "tries": job["tries"]})


def send(to: str, value: Value, kind: str = "state_update") -> Value:
    """Send a value to another agent."""
    return {
        "tag": "send",
        "val": {"to": to, "payload": json.dumps(value), "priority": "normal", "kind": kind},
    }
