from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from mcp_wasm.errors import GuestError
from tests.tools.conftest import Call

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def markdown(tool: Callable[[str], Call]) -> Call:
    return tool("markdown")


def value(call: Call, function: str, **arguments: object) -> str:
    outcome = call(function, **arguments)
    assert not outcome.failed, outcome.value
    assert isinstance(outcome.value, str)
    return outcome.value


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("", ""),
        (" \n\t\n", ""),
        ("a\nb", "<p>a\nb</p>\n"),
        ("~~no~~ **yes**", "<p><s>no</s> <strong>yes</strong></p>\n"),
        ("# é 𝄞 \U0001f469\u200d\U0001f680", "<h1>é 𝄞 \U0001f469\u200d\U0001f680</h1>\n"),
        ("a\0b", "<p>a\ufffdb</p>\n"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>\n"),
        (
            "https://x.org/?a=1&b=2",
            '<p><a href="https://x.org/?a=1&amp;b=2">https://x.org/?a=1&amp;b=2</a></p>\n',
        ),
        ("[a]: <b>\n\n[a]", '<p><a href="b">a</a></p>\n'),
    ],
)
def test_markdown_becomes_html(markdown: Call, source: str, html: str) -> None:
    assert value(markdown, "to-html", markdown=source) == html


def test_only_a_mark_of_a_task_becomes_a_box(markdown: Call) -> None:
    made = value(markdown, "to-html", markdown="- [ ] a\n- [x](y) b\n- \\[x] c\n- [x]d\n\n[x] e")
    assert made.count("<input") == 1


class Tags(HTMLParser):
    """The tags and attributes that a reader of the page would find."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes += attrs


ATTACKS = [
    "<script>alert(1)</script>",
    "a <img src=x onerror=alert(1)> b",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java&#115;cript:alert(1))",
    "[a](<java\tscript:alert(1)>)",
    "[a](&#x6A;avascript:alert(1))",
    "[a](vbscript:x)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "![a](data:image/svg+xml;base64,PHN2Zz4=)",
    "[a]: javascript:alert(1)\n\n[a]",
    "<javascript:alert(1)>",
    '[a](b "onmouseover=\\"alert(1)")',
    '[a](b"onmouseover=alert(1))',
    '```" onmouseover=alert(1) x="\n```',
    '!["onerror=alert(1)](x)',
    "<!-- --><script>alert(1)</script>",
    "<div>\n<script>alert(1)</script>\n</div>",
    '# a" onclick="alert(1)',
    "- [x] <b onclick=alert(1)>",
]


@pytest.mark.parametrize("raw", ["escape", "drop"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_html_of_a_stranger_s_markdown_runs_nothing(markdown: Call, attack: str, raw: str) -> None:
    made = value(markdown, "to-html", markdown=attack, options={"raw-html": raw, "heading-ids": True}).lower()
    parser = Tags()
    parser.feed(made)
    assert not parser.found & {"script", "svg", "iframe"}
    assert not [name for name, _ in parser.attributes if name.startswith("on")]
    addresses = [text or "" for name, text in parser.attributes if name in ("href", "src")]
    schemes = ("javascript:", "vbscript:", "data:")
    assert not [text for text in addresses if "".join(text.split()).startswith(schemes)]


def test_tags_pass_where_the_caller_trusts_the_text(markdown: Call) -> None:
    assert (
        value(markdown, "to-html", markdown="<b>x</b>", options={"raw-html": "keep"}) == "<p><b>x</b></p>\n"
    )


def test_ids_of_headings_are_all_different(markdown: Call) -> None:
    source = "# a\n# a\n# a-1\n# a\n#\n# ***\n"
    found: Any = markdown("headings", markdown=source).value
    ids = [heading["id"] for heading in found]
    assert len(set(ids)) == len(ids) == 6


PAGES = [
    ("", "", ""),
    ("plain", "plain", "plain"),
    ("<p>a<p>b", "a\n\nb", "a\n\nb"),
    ("a<br>b", "a\nb", "a\\\nb"),
    ("a <b> b </b> c", "a b c", "a **b** c"),
    ("<b></b>x<i> </i>y", "x y", "x y"),
    ("<ol start=9><li>a<li>b</ol>", "9. a\n10. b", "9. a\n10. b"),
    ("<ul><li>a<ul><li>b</ul></ul>", "- a\n  - b", "- a\n  - b"),
    ("<blockquote>a<blockquote>b", "> a\n>\n> > b", "> a\n>\n> > b"),
    ("<h2>a<br>b</h2>c", "a b\n\nc", "## a b\n\nc"),
    ("&lt;b&gt; &#42;", "<b> *", "\\<b> \\*"),
    ("<pre>\n a\n  ```\n</pre>", " a\n  ```", "````\n a\n  ```\n````"),
    ("<script>x</script><style>y</style>z", "z", "z"),
    ("<p style='x:y; DISPLAY : none'>a</p><div hidden>b</div><p>c", "c", "c"),
    ("<a href='javascript:x'>a</a> <a href=' JAVA\tSCRIPT:x'>b</a>", "a b", "a b"),
    ("<a href='&#106;avascript:x'>a</a>", "a", "a"),
    ("<a href='/x y)'>a</a>", "a (/x%20y%29)", "[a](/x%20y%29)"),
    ("<img alt='a]b' src='data:x'>", "[a]b]", "a\\]b"),
    ("a&nbsp;b&shy;c", "a bc", "a bc"),
    ("<table><tr><td>a<td>b|<tr><td>c</table>", "a  b|\nc", "| a | b\\| |\n| --- | --- |\n| c |  |"),
    ("<p>1. a<p># b<p>- c<p>===", "1. a\n\n# b\n\n- c\n\n===", "1\\. a\n\n\\# b\n\n\\- c\n\n\\==="),
    ("snake_case _x_", "snake_case _x_", "snake_case \\_x\\_"),
    ("</p></div>x</table></td>", "x", "x"),
    ("<li>x</li><td>y</td>", "- x\ny", "- x\ny"),
    ("<svg><text>a</text></svg>b", "b", "b"),
]


@pytest.mark.parametrize(("html", "text", "source"), PAGES)
def test_html_becomes_text_and_markdown(markdown: Call, html: str, text: str, source: str) -> None:
    assert value(markdown, "html-to-text", html=html) == text
    assert value(markdown, "html-to-markdown", html=html) == source


def test_text_of_a_page_keeps_its_meaning_through_markdown_and_back(markdown: Call) -> None:
    text = r"*a* _b_ `c` [d](e) <f> &amp; #g ~~h~~ ![i] \j 1. k"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    source = value(markdown, "html-to-markdown", html=f"<p>{escaped}</p>")
    back = value(markdown, "html-to-text", html=value(markdown, "to-html", markdown=source))
    assert back == text


def test_lines_are_broken_at_the_width(markdown: Call) -> None:
    html = "<ul><li>" + "word " * 50 + "</ul><p>" + "x" * 30
    lines = value(markdown, "html-to-text", html=html, options={"width": 20}).split("\n")
    assert max(len(line) for line in lines if "x" not in line) <= 20
    assert lines[-1] == "x" * 30


HOSTILE_HTML = {
    "div": "<div>" * 10_000 + "x",
    "quote": "<blockquote>" * 10_000 + "x",
    "list": "<ul><li>" * 10_000 + "x",
    "bold": "<b>" * 10_000 + "x",
    "table": "<table><tr><td>" * 10_000 + "x",
    "closing": "</b>" * 10_000,
    "comments": "<!--" * 10_000,
    "entities": "&" * 100_000,
    "breaks": "a" + "<br>" * 20_000 + "b",
    "attributes": "<p " + "a=b " * 10_000 + ">",
    "open": "<" * 100_000,
    "lone": "<p>" * 10_000,
}
HOSTILE_MARKDOWN = {
    "quote": ">" * 10_000 + "x",
    "list": "- " * 10_000 + "x",
    "brackets": "[" * 10_000,
    "links": "[a](" * 10_000,
    "emphasis": "*a **b " * 10_000,
    "images": "![[" * 10_000,
    "ticks": "`a``" * 10_000,
    "table": "|" * 10_000 + "\n" + "|-" * 10_000,
    "tags": "<a " * 10_000,
    "references": "[a]: b\n" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE_HTML)
def test_hostile_pages_end_within_their_fuel(markdown: Call, name: str) -> None:
    ends(markdown, "html-to-text", html=HOSTILE_HTML[name])
    ends(markdown, "html-to-markdown", html=HOSTILE_HTML[name])


@pytest.mark.parametrize("name", HOSTILE_MARKDOWN)
def test_hostile_markdown_ends_within_its_fuel(markdown: Call, name: str) -> None:
    ends(markdown, "to-html", markdown=HOSTILE_MARKDOWN[name])


def ends(call: Call, function: str, **arguments: object) -> None:
    """A result or a limit, and after it a tool that still works."""
    try:
        outcome = call(function, limits={"fuel": 3_000_000_000}, **arguments)
        assert len(outcome.text) < 3_000_000
    except GuestError as error:
        assert error.report is not None  # noqa: PT017 - either way is right; both are looked at
    assert call("html-to-text", html="fine").value == "fine"


def test_a_long_plain_page_is_no_hostile_one(markdown: Call) -> None:
    html = "<p>" + "Some words of text. " * 10_000
    assert len(value(markdown, "html-to-text", html=html)) > 190_000
