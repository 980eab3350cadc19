"""Hosts and patterns over them, by a table from both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.capability import hosts

CANONICAL = [
    ("example.com", "example.com"),
    ("EXAMPLE.Com", "example.com"),
    ("example.com.", "example.com"),
    ("localhost", "localhost"),
    ("my_service", "my_service"),
    ("a-b.example", "a-b.example"),
    ("r3---sn-x.example", "r3---sn-x.example"),
    ("1password.com", "1password.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("BÜCHER.example", "xn--bcher-kva.example"),
    ("bu\u0308cher.example", "xn--bcher-kva.example"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ("faß.example", "xn--fa-hia.example"),
    ("ｅxample.com", "example.com"),
    ("example。com", "example.com"),
    ("a\u00adb.example", "ab.example"),
    ("127.0.0.1", "127.0.0.1"),
    ("::1", "::1"),
    ("[::1]", "::1"),
    ("2001:DB8:0:0::1", "2001:db8::1"),
    ("a" * 63 + ".example", "a" * 63 + ".example"),
    ("a" * 64 + ".example", None),
    (".".join(["a" * 49] * 5), ".".join(["a" * 49] * 5)),
    (".".join(["a" * 49] * 5) + ".aaaaa", None),
    ("", None),
    (".", None),
    ("..", None),
    ("example..com", None),
    (".example.com", None),
    ("example.com..", None),
    ("-a.example", None),
    ("a-.example", None),
    ("exam ple.com", None),
    ("example.com\n", None),
    ("example.com\0", None),
    ("example.com:80", None),
    ("user@example.com", None),
    ("example.com/path", None),
    ("example.com?", None),
    ("example.com#", None),
    ("example.com\\", None),
    ("%65xample.com", None),
    ("*.example.com", None),
    ("*", None),
    ("127.1", None),
    ("0177.0.0.1", None),
    ("0x7f000001", None),
    ("0x7f.0.0.1", None),
    ("0x", None),
    ("2130706433", None),
    ("127.0.0.1.", None),
    ("127.0.0.256", None),
    ("1.2.3.4.5", None),
    ("example.1", None),
    ("１２７.0.0.1", None),
    ("127。0。0。1", None),
    ("①27.0.0.1", None),
    ("fe80::1%25eth0", None),
    ("[::1]:80", None),
    ("[127.0.0.1]", None),
    ("[example.com]", None),
    ("a\u200bb\u2060.\u200d", None),
    ("\ud800.example", None),
    ("\u202eexample.com", None),
    ("x" * 2000, None),
    ("ex℀mple.com", None),
    ("example.com／path", None),
    ("example.com＠evil.org", None),
    ("a" + "\u0301" * 900, None),
]


@pytest.mark.parametrize(("text", "form"), CANONICAL, ids=lambda value: ascii(value)[:30])
def test_a_host_has_one_form_or_is_none(text: str, form: str | None) -> None:
    assert hosts.canonical(text) == form


MATCHES = [
    ("example.com", "example.com", True),
    ("example.com", "EXAMPLE.COM.", True),
    ("example.com", "www.example.com", False),
    ("example.com", "example.com.evil.org", False),
    ("example.com", "notexample.com", False),
    ("*.example.com", "www.example.com", True),
    ("*.example.com", "a.b.example.com", True),
    ("*.example.com", "WWW.Example.com.", True),
    ("*.example.com", "example.com", False),
    ("*.example.com", ".example.com", False),
    ("*.example.com", "notexample.com", False),
    ("*.example.com", "example.com.evil.org", False),
    ("*.com", "example.com", True),
    ("*.bücher.example", "www.xn--bcher-kva.example", True),
    ("bücher.example", "BÜCHER.example", True),
    ("paypal.com", "pаypal.com", False),  # a Cyrillic letter
    ("*", "example.com", True),
    ("*", "127.0.0.1", True),
    ("*", "::1", True),
    ("*", "127.1", False),
    ("*", "", False),
    ("*.", "example.com", False),
    ("*.", "", False),
    ("", "", False),
    ("**", "example.com", False),
    ("*.*", "example.com", False),
    ("*.*.com", "a.b.com", False),
    ("www.*", "www.example.com", False),
    ("*example.com", "notexample.com", False),
    ("w*.example.com", "www.example.com", False),
    ("127.0.0.1", "127.0.0.1", True),
    ("127.0.0.1", "127.1", False),
    ("127.0.0.1", "2130706433", False),
    ("127.0.0.1", "0x7f.0.0.1", False),
    ("127.0.0.1", "::ffff:127.0.0.1", False),
    ("*.0.0.1", "127.0.0.1", False),
    ("*.1", "127.0.0.1", False),
    ("::1", "[::1]", True),
    ("[::1]", "0:0::1", True),
    ("::1", "::2", False),
    ("*.::1", "::1", False),
]


@pytest.mark.parametrize(("pattern", "host", "fits"), MATCHES)
def test_a_host_fits_its_patterns_alone(pattern: str, host: str, fits: bool) -> None:
    assert hosts.matches(pattern, host) is fits


@given(st.text(max_size=40))
def test_a_form_is_its_own_form_and_plain_text(text: str) -> None:
    form = hosts.canonical(text)
    if form is not None:
        assert hosts.canonical(form) == form
        assert form.isascii()
        assert form.isprintable()
        assert not set(form) & set("/@?#\\ %*[]")


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_pattern_below_a_name_never_fits_anything_outside_it(suffix: str, host: str) -> None:
    if hosts.matches(f"*.{suffix}", host):
        found = hosts.canonical(host)
        assert found is not None
        assert found.endswith(f".{hosts.canonical(suffix)}")
