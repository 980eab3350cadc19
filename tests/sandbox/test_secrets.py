"""Secrets: where they are read, to whom they are given, and that nothing shows them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import keyring.backend
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from mcp_wasm.capability.grant import Grants, Secret
from mcp_wasm.sandbox import secrets
from mcp_wasm.sandbox.call import About, Call, Permit
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.redact import Redactor
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop

VALUE = "correct horse battery"


def private(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path / "home", {"TOKEN": VALUE, "EMPTY": ""})
    yield made
    made.close()


def call(services: Services, *granted: Secret, waiting: str = "") -> Call:
    about = About("t_f", "t", "0" * 64)
    return Call(Permit(about, Limits(), services, Grants(secret=granted, waiting=waiting)), Stop())


class Memory(keyring.backend.KeyringBackend):
    """A store of the system, in memory."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return VALUE if (service, username) == ("shop", "me") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


def test_each_kind_of_reference_gives_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = private(tmp_path / "token", VALUE.encode() + b"\r\n")
    monkeypatch.setattr(keyring.core, "_keyring_backend", Memory())  # type: ignore[no-untyped-call]
    for reference in ("env:TOKEN", f"file:{file}", "keyring:shop/me"):
        assert secrets.resolve(reference, {"TOKEN": VALUE}) == VALUE


def test_only_one_line_break_at_the_end_is_left_out(tmp_path: Path) -> None:
    file = private(tmp_path / "t", b" a b\n\n")
    assert secrets.resolve(f"file:{file}", {}) == " a b\n"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:MISSING", "no such variable"),
        ("env:EMPTY", "empty"),
        ("file:relative", "absolute"),
        ("file:/does/not/exist", "No such file"),
        ("file:/a\0b", "its path cannot be one"),
        ("file:/", "no regular file"),
        ("plain text", "expected env:NAME"),
        ("https://example.com", "expected env:NAME"),
        ("keyring:shop", "expected keyring:SERVICE/USER"),
        ("keyring:shop/you", "no such entry"),
    ],
)
def test_a_reference_that_gives_nothing_says_why(
    reference: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", Memory())  # type: ignore[no-untyped-call]
    with pytest.raises(secrets.Unresolved, match=said):
        secrets.resolve(reference, {"EMPTY": ""})


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a\0b", b"", b"\n"])
def test_a_file_that_is_no_text_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(secrets.Unresolved) as caught:
        secrets.resolve(f"file:{private(tmp_path / 't', content)}", {})
    assert "\\x" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_may_have_its_largest_size_and_no_byte_more(tmp_path: Path) -> None:
    file = private(tmp_path / "t", b"x" * secrets.LARGEST)
    assert len(secrets.resolve(f"file:{file}", {})) == secrets.LARGEST
    private(file, b"x" * (secrets.LARGEST + 1))
    with pytest.raises(secrets.Unresolved, match="larger than"):
        secrets.resolve(f"file:{file}", {})


def test_a_pipe_in_the_place_of_a_file_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(secrets.Unresolved, match="no regular file"):
        secrets.resolve(f"file:{tmp_path / 'pipe'}", {})


def test_a_file_that_others_can_read_is_named_in_the_log_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = private(tmp_path / "t", VALUE.encode())
    secrets.resolve(f"file:{file}", {})
    assert not caplog.records
    file.chmod(0o644)
    secrets.resolve(f"file:{file}", {})
    secrets.resolve(f"file:{file}", {})
    (record,) = caplog.records
    assert "chmod 600" in record.getMessage()
    assert VALUE not in record.getMessage()


def test_without_the_extra_the_store_of_the_system_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(secrets.Unresolved, match=r"pip install 'mcp-wasm\[keyring\]'"):
        secrets.resolve("keyring:a/b", {})


def test_a_store_that_fails_is_told_by_its_kind_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]
    with pytest.raises(secrets.Unresolved, match="failed with a NoKeyringError"):
        secrets.resolve("keyring:a/b", {})


def test_a_secret_that_changes_is_read_anew_by_the_next_call(services: Services, tmp_path: Path) -> None:
    file = private(tmp_path / "t", b"first-value")
    secret = Secret("A", f"file:{file}")
    now = call(services, secret)
    assert secrets.value(now, secret) == "first-value"
    private(file, b"second-value")
    assert secrets.value(now, secret) == "first-value"  # the same for the length of a call
    assert secrets.value(call(services, secret), secret) == "second-value"


def test_a_secret_that_cannot_be_read_is_a_denial_that_names_the_reference(services: Services) -> None:
    secret = Secret("A", "env:MISSING", rule="grants.t.secret[0]")
    made = call(services, secret)
    assert secrets.value(made, secret) is None
    (denial,) = made.denials
    assert denial.capability == "secret"
    assert denial.rule == "grants.t.secret[0] refers to env:MISSING: the host has no such variable"


def test_a_placeholder_is_replaced_for_the_granted_hosts_only(services: Services) -> None:
    made = call(services, Secret("API", "env:TOKEN", ("api.example.com", "*.example.org")))
    text = "Bearer {{secret:API}}"
    assert secrets.substitute(made, "api.example.com", text) == f"Bearer {VALUE}"
    assert secrets.substitute(made, "a.example.org", text) == f"Bearer {VALUE}"
    for host in ("example.com", "evil.example.com", "api.example.com.evil.test", "example.org"):
        with pytest.raises(secrets.Withheld):
            secrets.substitute(made, host, text)
    assert made.denials[0].asked == "the secret API in a request to example.com"
    assert all(VALUE not in str(denial) for denial in made.denials)


def test_a_secret_that_the_guest_has_itself_is_no_placeholder(services: Services) -> None:
    made = call(services, Secret("API", "env:TOKEN"))
    with pytest.raises(secrets.Withheld):
        secrets.substitute(made, "api.example.com", "{{secret:API}}")
    assert "allows no host" in made.denials[0].rule


@pytest.mark.parametrize(
    "text",
    [
        "{{secret:api}}",  # another name
        "{{secret:API2}}",
        "{{secret:API.}}",
    ],
)
def test_a_name_is_taken_exactly(services: Services, text: str) -> None:
    made = call(services, Secret("API", "env:TOKEN", ("api.example.com",)))
    with pytest.raises(secrets.Withheld):
        secrets.substitute(made, "api.example.com", text)
    assert "no grant of secret to t has the name" in made.denials[0].rule


@pytest.mark.parametrize(
    "text",
    [
        "{{secret:API",  # cut in two, as by two headers
        "ret:API}}",
        "{{ secret:API }}",
        "{secret:API}",
        "{{secret:API\n}}",
        "{{secret:}}",
        "{{SECRET:API}}",
    ],
)
def test_what_is_no_placeholder_stays_as_it_is(services: Services, text: str) -> None:
    made = call(services, Secret("API", "env:TOKEN", ("api.example.com",)))
    assert secrets.substitute(made, "api.example.com", text) == text
    assert not made.denials


def test_what_comes_out_of_a_secret_is_not_replaced_again(tmp_path: Path) -> None:
    services = Services(tmp_path, {"A": "{{secret:B}}", "B": VALUE})
    made = call(services, Secret("A", "env:A", ("h.test",)), Secret("B", "env:B", ("h.test",)))
    assert secrets.substitute(made, "h.test", "{{secret:A}}{{secret:B}}") == "{{secret:B}}" + VALUE
    assert secrets.substitute(made, "h.test", "{{secret:{{secret:A}}}}") == "{{secret:{{secret:B}}}}"


def test_one_name_can_have_a_value_for_each_host(tmp_path: Path) -> None:
    services = Services(tmp_path, {"A": "value-for-one", "B": "value-for-two"})
    granted = (Secret("K", "env:A", ("one.test",)), Secret("K", "env:B", ("two.test",)))
    made = call(services, *granted)
    assert secrets.substitute(made, "one.test", "{{secret:K}}") == "value-for-one"
    assert secrets.substitute(made, "two.test", "{{secret:K}}") == "value-for-two"


@pytest.mark.parametrize("value", ["abc\r\nX-Evil: 1", "abc\x7f", "a\tbcdef"])
def test_a_value_that_would_end_a_header_is_withheld(tmp_path: Path, value: str) -> None:
    made = call(Services(tmp_path, {"A": value}), Secret("A", "env:A", ("h.test",)))
    with pytest.raises(secrets.Withheld):
        secrets.substitute(made, "h.test", "{{secret:A}}")
    assert "control characters" in made.denials[0].rule
    assert value not in str(made.denials[0])


def test_without_grants_the_policy_says_what_it_waits_for(services: Services) -> None:
    made = call(services, waiting="the component has changed")
    with pytest.raises(secrets.Withheld):
        secrets.substitute(made, "h.test", "{{secret:A}}")
    assert made.denials[0].rule == "the component has changed"


def test_nothing_that_is_printed_of_it_shows_a_value(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = Secret("API", "env:TOKEN", ("api.example.com",))
    made = call(services, secret)
    secrets.value(made, secret)
    made.deny(None, f"GET https://api.example.com/{VALUE}", f"not {VALUE}", kind="network")
    shown = [
        repr(secret),
        repr(made.redactor),
        repr(made.grants),
        str(made.denials),
        repr(vars(SimpleNamespace(c=made))),
    ]
    shown += [record.getMessage() for record in caplog.records]
    assert all(VALUE not in text for text in shown)
    assert made.denials[0].asked == "GET https://api.example.com/[secret API]"


def test_the_shared_redactor_forgets_with_the_runtime(services: Services) -> None:
    secret = Secret("API", "env:TOKEN")
    secrets.value(call(services, secret), secret)
    shared = services.shared(Redactor)
    assert shared.text(VALUE) == "[secret API]"
    services.close()
    assert shared.text(VALUE) == VALUE
