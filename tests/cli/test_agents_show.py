from __future__ import annotations

import os
import re
from typing import Any

from mcp_wasm.cli import agents_show


def view(path: str, type_: str = "agent", **values: Any) -> dict[str, Any]:
    return {
        "path": path, "type": type_, "phase": "running", "restarts": 0, "depths": [0, 0, 0, 0], "handled": 0,
        "failed": 0, "dropped": 0, "last_error": "",
    } | values  # fmt: skip


def test_what_waits_is_shown_by_its_urgency() -> None:
    cases = [
        ((0, 0, 0, 0), "0"),
        ((0, 0, 1200, 0), "1,200"),
        ((1, 2, 3, 4), "10 (1 critical, 2 high, 4 low)"),
    ]
    assert [agents_show.waiting(depths) for depths, _ in cases] == [told for _, told in cases]


def test_rates_are_of_agents_that_were_there_before_and_never_below_zero() -> None:
    views = [view("", "supervisor"), view("a", handled=30), view("b", handled=5), view("new", handled=9)]
    assert agents_show.rated({"": 0, "a": 10, "b": 7}, views, 2.0) == {"a": 10.0, "b": 0.0}


def test_a_screen_shows_what_fits_and_says_how_much_does_not() -> None:
    lines = [f"line {number} " + "x" * 50 for number in range(10)]
    drawn = agents_show.drawn(lines, os.terminal_size((20, 4)))
    shown = re.sub(r"\x1b\[[A-Z]", "", drawn).splitlines()
    assert [len(line) <= 20 for line in shown] == [True] * 4
    assert shown[-1] == "... 7 more lines"
    assert len(agents_show.drawn(lines, os.terminal_size((80, 10))).splitlines()) == 10


def test_what_an_agent_wrote_cannot_move_the_cursor() -> None:
    views = [view("a", last_error="\x1b[2J\nsecond line\u202e")]
    about = {"tree": "t", "node": "n", "pid": 1, "started": 0}
    drawn = agents_show.drawn(agents_show.tree(about, views), os.terminal_size((200, 50)))
    assert "\x1b[2J" not in drawn
    assert "\u202e" not in drawn
    assert "\\x1b[2J" in drawn
    event = agents_show.event({"at_ms": 0, "path": "a", "what": "exited", "detail": "\x1b[2J\nforged: ok"})
    assert event.endswith("a exited: \\x1b[2J")
