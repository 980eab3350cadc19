"""Text without the values of secrets, in the forms that programs give them."""

from __future__ import annotations

import base64
import io
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.sandbox.redact import LEAST, LogFilter, Redactor, redacted

VALUE = 'p/ss "wörd"+1'
SHOWN = "[secret KEY]"


def redactor(value: str = VALUE, name: str = "KEY") -> Redactor:
    made = Redactor()
    made.add(name, value)
    return made


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode().rstrip("="),
        VALUE.encode().hex(),
        VALUE.encode().hex().upper(),
        quote(VALUE, safe=""),
        quote(VALUE),
        quote_plus(VALUE),
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        ascii(VALUE)[1:-1],
    ],
)
def test_each_form_is_found_inside_of_a_text(form: str) -> None:
    cleaned = redactor().text(f"before {form} after")
    assert SHOWN in cleaned
    assert form not in cleaned


@pytest.mark.parametrize("value", ["pässwörd", 'it\'s "quoted"', "mit \\ und ünd", "two\nlines'\""])
@pytest.mark.parametrize("around", ["{}", "{} it's", 'a "{}"', "'{}\""])
def test_a_value_that_is_shown_escaped_is_found(value: str, around: str) -> None:
    """Denials and log lines spell what a guest asked for in ASCII."""
    shown = ascii(around.format(value))
    cleaned = redactor(value).text(shown)
    assert SHOWN in cleaned
    assert ascii(value)[1:-1] not in cleaned


@given(st.binary(max_size=5), st.binary(max_size=5))
def test_a_value_is_found_inside_of_a_longer_text_in_base64(before: bytes, after: bytes) -> None:
    # As in `Authorization: Basic`, where the user's name shifts the password's bits.
    encoded = base64.b64encode(before + b"correct horse battery" + after).decode()
    cleaned = redactor("correct horse battery").text(encoded)
    assert SHOWN in cleaned
    assert len(cleaned.replace(SHOWN, "")) <= (len(before) + len(after)) * 4 / 3 + 8


def test_text_without_a_value_is_left_alone() -> None:
    assert redactor().text("nothing to see") == "nothing to see"
    assert Redactor().text(VALUE) == VALUE


def test_short_values_are_not_looked_for() -> None:
    short = "x" * (LEAST - 1)
    assert redactor(short).text(short) == short
    assert redactor("x" * LEAST).text("x" * LEAST) == SHOWN


def test_the_longest_of_several_values_is_taken_first() -> None:
    made = redactor("password", "SHORT")
    made.add("LONG", "password-and-more")
    assert made.text("password-and-more, password") == "[secret LONG], [secret SHORT]"


def test_a_value_that_was_cut_off_goes_as_well() -> None:
    made = redactor("correct horse battery")
    assert made.cut("it is correct hor") == f"it is {SHOWN}"
    assert made.cut("it is correct horse battery") == f"it is {SHOWN}"
    assert made.cut("it is") == "it is"


def test_every_string_of_a_value_is_cleaned_and_no_name_of_a_field() -> None:
    value = {"a": [VALUE, 1, None, {"b": f"<{VALUE}>"}], VALUE: True}
    assert redactor().value(value) == {"a": [SHOWN, 1, None, {"b": f"<{SHOWN}>"}], VALUE: True}


def test_bytes_stay_bytes() -> None:
    made = redactor("correct horse battery")
    for before, after in ((b"", b""), (b"\xff\x00", b"more\xfe"), (b"user:", b"\n")):
        encoded = base64.b64encode(before + b"correct horse battery" + after).decode()
        assert base64.b64decode(made.value(encoded), validate=True) == before + SHOWN.encode() + after
    # A value that could be base64 itself is none.
    assert redactor("abcdefgh1234").value("abcdefgh1234") == SHOWN


def test_only_the_latest_values_are_kept() -> None:
    made = redactor()
    for number in range(300):
        made.add("N", f"value number {number}")
    assert made.text(VALUE) == VALUE
    assert made.text("value number 299") == "[secret N]"
    assert repr(made) == "Redactor(256 values)"


def test_a_log_record_is_cleaned_with_its_traceback() -> None:
    log, out = logging.getLogger("test.redact"), io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(LogFilter(redactor()))
    log.addHandler(handler)
    try:
        log.error("got %s", VALUE)
        log.error("nothing %d", 1)
        try:
            raise ValueError(VALUE)
        except ValueError:
            log.exception("failed")
    finally:
        log.removeHandler(handler)
    assert VALUE not in out.getvalue()
    assert out.getvalue().startswith(f"got {SHOWN}\nnothing 1\nfailed\nTraceback")
    assert f"ValueError: {SHOWN}" in out.getvalue()


def test_the_handlers_of_the_root_logger_are_cleaned_for_a_while() -> None:
    out, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(out)
    root.addHandler(handler)
    try:
        with redacted(redactor()):
            logging.getLogger("any.other").error(VALUE)
        logging.getLogger("any.other").error("after %s", "it")
    finally:
        root.removeHandler(handler)
    assert out.getvalue() == f"{SHOWN}\nafter it\n"
    assert not handler.filters
