"""The forms that a request may have: tables from both sides, and properties over any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.sandbox.network.message import (
    Authority,
    authority,
    declared_length,
    described,
    is_target,
    is_token,
    is_value,
)


@pytest.mark.parametrize(
    ("text", "host", "port", "header"),
    [
        ("example.com", "example.com", None, "example.com"),
        ("EXAMPLE.com.", "example.com", None, "example.com"),
        ("example.com:8080", "example.com", 8080, "example.com:8080"),
        ("example.com:080", "example.com", 80, "example.com"),
        ("a_b.example", "a_b.example", None, "a_b.example"),
        ("127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:1"),
        ("[::1]", "::1", None, "[::1]"),
        ("[0:0::1]:65535", "::1", 65535, "[::1]:65535"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1", None, "[::ffff:127.0.0.1]"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None, "xn--bcher-kva.example"),
    ],
)
def test_an_authority_is_read_into_its_one_form(text: str, host: str, port: int | None, header: str) -> None:
    found = authority(text)
    assert found is not None
    assert (found.host.replace("::ffff:7f00:1", "::ffff:127.0.0.1"), found.port) == (host, port)
    assert found.text("http").replace("::ffff:7f00:1", "::ffff:127.0.0.1") == header


@given(st.text(max_size=40) | st.text(alphabet="[]:.%@/a1x-_ \r\n", max_size=20))
def test_whatever_is_taken_as_an_authority_names_one_host(text: str) -> None:
    found = authority(text)
    if found is not None:
        assert re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", found.host)
        assert authority(found.text("http")) == Authority(
            found.host, None if found.port == 80 else found.port
        )
        assert authority(found.text("https")) == Authority(
            found.host, None if found.port == 443 else found.port
        )


@given(st.text(max_size=30) | st.text(alphabet="\r\n\t\0 /?#%aZ~\x7f\x80", max_size=12))
def test_no_target_and_no_token_has_what_ends_a_line_or_a_word(text: str) -> None:
    if is_target(text) or is_token(text):
        assert text.isascii()
        assert not re.search(r"[\x00-\x20\x7f#]", text) or is_token(text)
        assert not re.search(r"[\x00-\x20\x7f]", text)


@given(st.binary(max_size=30))
def test_no_value_has_a_control_character_but_a_tab(value: bytes) -> None:
    assert is_value(value) == (not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value))


@pytest.mark.parametrize(
    ("text", "taken"),
    [("", True), ("/", True), ("?a", True), ("/a%20b", True), ("a", False), ("*", False), ("/#", False)],
)
def test_a_target_begins_as_a_path_or_a_query(text: str, taken: bool) -> None:
    assert is_target(text) == taken


@pytest.mark.parametrize(
    ("values", "length"), [((), None), ((b"0",), 0), ((b" 5\t",), 5), ((b"5", b"5"), 5), ((b"05", b"05"), 5)]
)
def test_a_length_may_be_said_twice_if_it_is_the_same(values: tuple[bytes, ...], length: int | None) -> None:
    assert declared_length([("Content-Length", value) for value in values]) == length


@pytest.mark.parametrize(
    "values", [(b"",), (b"-1",), (b"1_0",), (b"0x1",), (b"1,1",), (b"5", b"05"), (b"9" * 19,)]
)
def test_any_other_length_is_none(values: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="content-length"):
        declared_length([("content-length", value) for value in values])


def test_what_people_read_of_a_request_is_bounded_and_has_no_query() -> None:
    said = described("G" * 100, "https", Authority("example.com", 8443), "/" + "a" * 1000 + "?secret")
    assert said == f"{'G' * 32} https://example.com:8443/{'a' * 199}"
    assert described("GET", "https", Authority("::1", 443), "?secret") == "GET https://[::1]/"
