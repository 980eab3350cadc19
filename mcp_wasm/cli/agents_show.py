"""Trees of agents for people: lists, the tree, and the live view in a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mcp_wasm.cli import terminal
from mcp_wasm.errors import HostError

if TYPE_CHECKING:
    from mcp_wasm.agents.control_client import Client

View = Mapping[str, Any]
"""One agent or supervisor, as ``control`` gives it."""

_HEAD = ("AGENT", "STATE", "RESTARTS", "WAITING", "MSG/S", "HANDLED", "FAILED", "DROPPED", "LAST ERROR")
_RATE = _HEAD.index("MSG/S")
_BEGIN, _END = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The terminal's other screen without a cursor, and back."""
_ERROR = 60


def listed(trees: Sequence[tuple[Mapping[str, Any], Sequence[View]]]) -> list[tuple[str, ...]]:
    """A row for each agent of each tree, with a heading."""
    rows: list[tuple[str, ...]] = [
        ("TREE", "NODE", "PID", "AGENT", "STATE", "RESTARTS", "WAITING", "HANDLED")
    ]
    for about, views in trees:
        rows += [
            (
                str(about["tree"]),
                str(about["node"]),
                str(about["pid"]),
                view["path"],
                view["phase"],
                f"{view['restarts']:,}",
                waiting(view["depths"]),
                f"{view['handled']:,}",
            )
            for view in views
            if view["type"] == "agent"
        ]
    return rows


def tree(
    about: Mapping[str, Any], views: Sequence[View], rates: Mapping[str, float] | None = None
) -> list[str]:
    """A heading and one line for each agent and supervisor, indented as they stand in the tree.

    ``rates`` are messages in a second by path; without them that column is left out.
    """
    rows = [_HEAD, *(_row(view, (rates or {}).get(view["path"])) for view in views)]
    if rates is None:
        rows = [(*row[:_RATE], *row[_RATE + 1 :]) for row in rows]
    agents = sum(view["type"] == "agent" for view in views)
    since = time.strftime("%H:%M:%S", time.localtime(about["started"] / 1000))
    head = f"{about['tree']} on {about['node']}: {agents:,} agents, process {about['pid']}, since {since}"
    return [head, "", *terminal.table(rows).splitlines()]


def waiting(depths: Sequence[int]) -> str:
    """How many messages wait, and of which urgency where any are more or less urgent than normal."""
    critical, high, _, low = depths
    parts = [f"{number:,} {name}" for name, number in
             (("critical", critical), ("high", high), ("low", low)) if number]  # fmt: skip
    urgent = f" ({', '.join(parts)})" if parts else ""
    return f"{sum(depths):,}{urgent}"


def event(found: Mapping[str, Any]) -> str:
    """An event on one line."""
    at = datetime.fromtimestamp(found["at_ms"] / 1000).astimezone().strftime("%H:%M:%S.%f")[:-3]
    detail = f": {found['detail']}" if found["detail"] else ""
    return terminal.line(f"{at} {found['path'] or 'the tree'} {found['what']}{detail}")


def live(client: Client, interval: float) -> int:
    """Draw the tree again and again until a person interrupts, or the tree ends."""
    before: dict[str, int] = {}
    looked = time.monotonic()
    sys.stdout.write(_BEGIN)
    try:
        while True:
            about, views = client.call("about"), client.call("views")
            now = time.monotonic()
            rates = rated(before, views, now - looked)
            before, looked = {view["path"]: view["handled"] for view in views}, now
            sys.stdout.write(drawn(tree(about, views, rates), shutil.get_terminal_size()))
            sys.stdout.flush()
            time.sleep(interval)
    except KeyboardInterrupt:
        return 0
    except HostError as error:
        ended = str(error)
    finally:
        sys.stdout.write(_END)
        sys.stdout.flush()
    terminal.note(ended)
    return 0


def rated(before: Mapping[str, int], views: Sequence[View], seconds: float) -> dict[str, float]:
    """Messages that each handled in a second since ``before``; of those that were there."""
    return {
        view["path"]: max(0, view["handled"] - before[view["path"]]) / max(seconds, 0.001)
        for view in views
        if view["path"] in before and view["type"] == "agent"
    }


def drawn(lines: Sequence[str], size: os.terminal_size) -> str:
    """What redraws the screen with as much of ``lines`` as it holds."""
    shown = [terminal.safe(line).replace("\t", " ")[: size.columns] for line in lines]
    if len(shown) > size.lines:
        shown = [*shown[: size.lines - 1], f"... {len(lines) - size.lines + 1:,} more lines"[: size.columns]]
    return "\x1b[H" + "\n".join(f"{line}\x1b[K" for line in shown) + "\x1b[J"


def _row(view: View, rate: float | None) -> tuple[str, ...]:
    path = view["path"]
    name = "  " * path.count("/") + path.rpartition("/")[2] if path else "(root)"
    indent = "  " if path else ""
    if view["type"] == "supervisor":
        return (f"{indent}{name}/" if path else name, view["phase"], f"{view['restarts']:,}", *[""] * 6)
    return (
        indent + name,
        view["phase"],
        f"{view['restarts']:,}",
        waiting(view["depths"]),
        "" if rate is None else f"{rate:,.0f}",
        f"{view['handled']:,}",
        f"{view['failed']:,}",
        f"{view['dropped']:,}",
        terminal.line(view["last_error"])[:_ERROR],
    )
