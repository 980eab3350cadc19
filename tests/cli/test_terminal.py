from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import pytest

from mcp_wasm.cli import terminal

SAFE = [
    ("plain é 漢 🙂\n\tx", "plain é 漢 🙂\n\tx"),
    ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
    ("a\rb", r"a\rb"),
    ("\u202eabc\u2066", r"\u202eabc\u2066"),
    ("\x9b31m", r"\x9b31m"),
    ("\u2028", r"\u2028"),
    ("\ud800", r"\ud800"),
    ("\0", r"\x00"),
]


@pytest.mark.parametrize(("text", "shown"), SAFE, ids=[shown for _, shown in SAFE])
def test_a_text_of_a_guest_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert terminal.safe(text) == shown


SENTENCES = [
    ("One two. Three.", "One two."),
    ("One\ntwo\nthree", "One two three"),
    ("Version 1.2 of it. More", "Version 1.2 of it."),
    ("One\n\nTwo", "One"),
    ("x" * 200, "x" * 109 + "…"),
    ("\x1b[2J", r"\x1b[2J"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "first"), SENTENCES, ids=[first[:20] for _, first in SENTENCES])
def test_a_description_is_shown_by_its_first_sentence(text: str, first: str) -> None:
    assert terminal.sentence(text) == first


def test_columns_line_up() -> None:
    assert terminal.table([("A", "B"), ("long", "x")]) == "A     B\nlong  x"
    assert terminal.table([]) == ""


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1536, "1.5 KiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2**50, "1024.0 TiB"),
    ],
)
def test_sizes_are_shown_for_people(number: int, shown: str) -> None:
    assert terminal.size(number) == shown


def test_progress_off_a_terminal_is_plain_lines_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.Progress(2) as progress:
        progress.part(0, "one")
        progress.step("one")
        progress.part(1, "two \x1b[2J")
        progress.say("done")
    assert capsys.readouterr().err == "1/2 one\n2/2 two \\x1b[2J\ndone\n"


def test_heartbeats_off_a_terminal_become_fewer(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.Progress() as progress:
        for second in range(1, 20):
            progress.wait(f"compiling, {second} s")
    assert capsys.readouterr().err == "".join(f"compiling, {n} s\n" for n in (1, 2, 4, 8, 16))


def test_progress_on_a_terminal_is_one_line_that_goes_away() -> None:
    """The child goes on only when the parent has seen the bar: the parent closes its standard input then."""
    code = (
        "import sys\nfrom mcp_wasm.cli.terminal import Progress\n"
        "with Progress(4) as p:\n p.part(2, 'third')\n sys.stdin.read()\nsys.stderr.write('end')"
    )
    ours, theirs = pty.openpty()
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    while b"third" not in seen:
        assert select.select([ours], [], [], 10)[0], seen
        seen += os.read(ours, 4096)
    assert b"[##########..........] 3/4 third, 0 s" in seen
    assert child.stdin is not None
    child.stdin.close()
    while not seen.endswith(b"\r\x1b[Kend"):
        assert select.select([ours], [], [], 10)[0], seen
        seen += os.read(ours, 4096)
    assert child.wait(10) == 0
    os.close(ours)
