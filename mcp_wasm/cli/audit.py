"""``mcp-wasm audit``: who called what, under which grants, with what end and at what cost."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

from mcp_wasm.audit.file import CURRENT
from mcp_wasm.audit.reading import Damage, Summary, Wanted, last, moment, read, summary
from mcp_wasm.audit.record import Record, document, parse, timestamp
from mcp_wasm.audit.sink import folder_of
from mcp_wasm.cli import settings, terminal, wiring

_USUALLY = 50
_TOP = 10
_WIDEST, _WIDEST_LAST = 60, 200
_SHOWN = 3
"""Grants of a change that are shown; ``--json`` has all."""
_CHANGES = frozenset({"grant", "revoke", "approval"})
_LOOK_S = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--tool", default="", help="only calls of this tool")
    parser.add_argument("--component", default="", help="only what this component did")
    parser.add_argument("--client", default="", help="only calls of this client, such as 'token ci' or local")
    parser.add_argument("--event", default="", help="only these events, such as call, load or grant")
    parser.add_argument(
        "--outcome", default="", help="only calls that ended so: ok, tool error, trap, limit, limit:fuel, …"
    )
    parser.add_argument("--denied", action="store_true", help="only what was denied, wholly or in part")
    parser.add_argument(
        "--since", type=_moment, default=0.0, metavar="WHEN", help="only later: 30m, 2h, 7d or a date in UTC"
    )
    parser.add_argument(
        "-n", "--number", type=_number, default=_USUALLY, help="records to show, the last ones"
    )
    parser.add_argument("--summary", action="store_true", help="show sums instead of records")
    parser.add_argument("--follow", action="store_true", help="go on and show what comes, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print JSON: one line for each record")


def run(args: argparse.Namespace) -> int:
    """Show the log; what of it could not be read goes to stderr."""
    folder = folder_of(wiring.home(settings.read(args)))
    wanted = Wanted(
        tool=args.tool,
        component=args.component,
        client=args.client,
        event=args.event,
        outcome=args.outcome,
        since=args.since,
        denied=args.denied,
    )
    damage = Damage()
    if args.summary:
        _show_summary(summary(read(folder, damage), wanted), as_json=args.json)
    else:
        end = _end(folder)
        found = last(read(folder, damage), wanted, args.number)
        if args.json:
            for record in found:
                terminal.print_json_line(document(record))
        elif found or args.follow:
            print(terminal.table([_HEADINGS, *map(_row, found)]))
        else:
            terminal.note(f"There are no such records in {folder}.")
        sys.stdout.flush()
        if args.follow:
            _follow(folder, wanted, end, as_json=args.json)
    if damage.lines:
        terminal.note(f"{damage.lines} lines could not be read and are left out.")
    return 0


_HEADINGS = ("TIME", "EVENT", "CLIENT", "TOOL", "DIGEST", "OUTCOME", "FUEL", "MS", "DETAILS")


def _row(record: Record) -> tuple[str, ...]:
    """A record for people: whatever a guest or a client put in is made safe and cut."""
    cells = (
        timestamp(record.at)[:19].replace("T", " "),
        record.event,
        record.client,
        record.tool or record.component,
        record.digest[:12],
        record.outcome or (f"{record.count} records" if record.event == "lost" else record.detail),
        f"{record.fuel:,}" if record.fuel else "",
        f"{record.ms:.1f}" if record.ms else "",
    )
    last = _changed(record) if record.event in _CHANGES else _denied(record)
    return (*map(_cell, cells), _cell(last, _WIDEST_LAST))


def _denied(record: Record) -> str:
    return "; ".join(f"{each.capability}: {each.asked}" for each in record.denials[:3])


def _changed(record: Record) -> str:
    """What was granted, revoked or approved."""
    more = f"; and {len(record.grants) - _SHOWN} more" if len(record.grants) > _SHOWN else ""
    return "; ".join(each[:_WIDEST] for each in record.grants[:_SHOWN]) + more


def _cell(text: str, widest: int = _WIDEST) -> str:
    shown = terminal.safe(text.replace("\n", " ").replace("\t", " "))
    return shown if len(shown) <= widest else f"{shown[: widest - 1]}…"


def _show_summary(found: Summary, *, as_json: bool) -> None:
    if as_json:
        denials = [
            {"component": component, "capability": capability, "count": count}
            for (component, capability), count in found.denials.most_common()
        ]
        sums = {field.name: getattr(found, field.name) for field in fields(found)}
        terminal.print_json_line(sums | {"denials": denials})
        return
    share = f" ({100 * found.failures / found.calls:.1f} %)" if found.calls else ""
    rows = [
        ("calls", f"{found.calls:,}"),
        ("failures", f"{found.failures:,}{share}"),
        ("fuel", f"{found.fuel:,}"),
        ("seconds", f"{found.ms / 1000:,.1f}"),
        ("records lost", f"{found.lost:,}"),
    ]
    print(terminal.table(rows))
    for title, counter in (("OUTCOME", found.outcomes), ("TOOL", found.tools), ("CLIENT", found.clients)):
        _show_counts(title, counter)
    if found.denials:
        counted = found.denials.most_common(_TOP)
        rows_of = [(_cell(component), _cell(kind), f"{count:,}") for (component, kind), count in counted]
        print("\n" + terminal.table([("COMPONENT", "DENIED", "TIMES"), *rows_of]))


def _show_counts(title: str, counter: Counter[str]) -> None:
    if counter:
        rows = [(_cell(name), f"{count:,}") for name, count in counter.most_common(_TOP)]
        print("\n" + terminal.table([(title, "CALLS"), *rows]))


def _follow(folder: Path, wanted: Wanted, end: int, *, as_json: bool) -> None:
    for record in following(folder, end, lambda: time.sleep(_LOOK_S)):
        if wanted.matches(record):
            if as_json:
                terminal.print_json_line(document(record))
            else:
                print("  ".join(_row(record)).rstrip())
            sys.stdout.flush()


def following(folder: Path, end: int, wait: Callable[[], object]) -> Iterator[Record]:
    """The records written from byte ``end`` of the current file on, for ever; ``wait`` is between looks."""
    path, rest = folder / CURRENT, b""
    number = None
    while True:
        try:
            with path.open("rb") as file:
                found = path.stat().st_ino
                if (
                    number is not None and found != number
                ):  # it was rotated: the new one is read from its start
                    end, rest = 0, b""
                number = found
                file.seek(end)
                data = file.read(_MOST_AT_ONCE)
        except FileNotFoundError:
            data = b""
        end += len(data)
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[-_MOST_AT_ONCE:]
        yield from (record for record in map(parse, lines) if record is not None)
        if not data:
            wait()


_MOST_AT_ONCE = 1024 * 1024


def _end(folder: Path) -> int:
    try:
        return (folder / CURRENT).stat().st_size
    except FileNotFoundError:
        return 0


def _moment(text: str) -> float:
    found = moment(text, time.time())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a span such as 2h nor a date such as 2026-11-21"
        )
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of records")
    return int(text)
