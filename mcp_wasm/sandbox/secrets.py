"""Secrets: read by reference when a call needs them, and kept out of everything that is shown.

A reference is ``env:NAME`` (a variable of the host), ``file:/ABSOLUTE/PATH`` or
``keyring:SERVICE/USER`` (the system's own store, with the extra ``keyring``). It
is read anew for every call, so that a secret can be changed without a restart;
its value lives in the call that uses it and in the ``Redactor`` that keeps it
out of logs. No error, denial or repr of this module carries a value.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
from collections.abc import Mapping
from typing import Any

from mcp_wasm.capability import match
from mcp_wasm.capability.grant import Secret
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.redact import Redactor

_log = logging.getLogger(__name__)

LARGEST = 64 * 1024
"""Bytes of a secret in a file."""

PLACEHOLDER = re.compile(r"\{\{secret:([A-Za-z0-9_.-]{1,128})\}\}")
"""What stands for a secret in a request; the group is its name."""

_KEYRING_SECONDS = 5.0
"""How long the system's store may take: some ask a person, who may not be there."""

_loose: set[str] = set()


class Unresolved(Exception):
    """A reference that gives no value; the message says why and never what was read."""


class Withheld(Exception):
    """A placeholder whose secret must not go where it stands; recorded as a denial already."""


def placeholder(name: str) -> str:
    """What a guest writes in the place of the secret ``name``."""
    return "{{secret:" + name + "}}"


def resolve(reference: str, environ: Mapping[str, str]) -> str:
    """The value behind a reference; one line break at its end is left out.

    Raises:
        Unresolved: saying what is wrong with the reference or with what it names.
    """
    scheme, _, rest = reference.partition(":")
    match scheme:
        case "env":
            found = environ.get(rest)
            if found is None:
                raise Unresolved("the host has no such variable")
        case "file":
            found = _file(rest)
        case "keyring":
            found = _keyring(rest)
        case _:
            raise Unresolved("expected env:NAME, file:/PATH or keyring:SERVICE/USER")
    found = found.removesuffix("\n").removesuffix("\r")
    if not found:
        raise Unresolved("it is empty")
    if "\0" in found:
        raise Unresolved("it holds a null character, which no variable and no header can have")
    return found


def _file(path: str) -> str:
    if not path.startswith("/"):
        raise Unresolved("the path of a file must be absolute")
    try:
        # A pipe in the place of the file must not hold the call for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise Unresolved(_reason(error)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unresolved("it is no regular file")
        if status.st_mode & 0o077 and path not in _loose:
            _loose.add(path)
            _log.warning(
                "others than its owner can use the secret in %s: make it yours alone (chmod 600)", ascii(path)
            )
        found = os.read(descriptor, LARGEST + 1)
    except OSError as error:
        raise Unresolved(_reason(error)) from None
    finally:
        os.close(descriptor)
    if len(found) > LARGEST:
        raise Unresolved(f"the file is larger than {LARGEST:,} bytes")
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise Unresolved("the file is no UTF-8 text") from None


def _reason(error: Exception) -> str:
    return (error.strerror or "it cannot be read") if isinstance(error, OSError) else "its path cannot be one"


def _keyring(rest: str) -> str:
    service, _, user = rest.partition("/")
    if not service or not user:
        raise Unresolved("expected keyring:SERVICE/USER")
    try:
        # Takes a tenth of a second and is not installed everywhere, so it is not imported above.
        import keyring
    except ImportError:
        raise Unresolved("the system's store needs an extra; type: pip install 'mcp-wasm[keyring]'") from None
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(keyring.get_password(service, user))
        except Exception as error:  # noqa: BLE001 - every backend raises its own
            answers.append(error)

    asking = threading.Thread(target=ask, name="mcp-wasm keyring", daemon=True)
    asking.start()
    asking.join(_KEYRING_SECONDS)
    if not answers:
        raise Unresolved(f"the system's store gave no answer in {_KEYRING_SECONDS:g} s")
    if isinstance(answers[0], Exception):
        raise Unresolved(f"the system's store failed with a {type(answers[0]).__name__}")
    if not isinstance(answers[0], str):
        raise Unresolved("the system's store has no such entry")
    return answers[0]


def value(call: Call, secret: Secret) -> str | None:
    """The value of a granted secret for ``call``, or None after a denial was recorded.

    Read once a call; from then on it is kept out of what the call prints and returns.
    """
    known: dict[str, str | None] = call.state.setdefault(__name__, {})
    if secret.source not in known:
        try:
            known[secret.source] = resolve(secret.source, call.services.environ)
        except Unresolved as error:
            known[secret.source] = None
            rule = f"{secret.rule or 'its grant'} refers to {secret.source}: {error}"
            call.deny(None, f"the secret {secret.name}", rule, kind="secret")
    found = known[secret.source]
    if found is not None:
        call.services.shared(Redactor).add(secret.name, found)
        call.redactor = call.redactor or Redactor()
        call.redactor.add(secret.name, found)
    return found


def substitute(call: Call, host: str, text: str) -> str:
    """``text``, part of a request to ``host``, with the value of each granted secret for its placeholder.

    One pass: what comes out of a secret is not looked at again.

    Raises:
        Withheld: if a placeholder names a secret that was not granted for this
            host, or that cannot be read or be part of a request. The request
            must not be made.
    """
    if "{{secret:" not in text:
        return text
    return PLACEHOLDER.sub(lambda found: _for_host(call, host, found[1]), text)


def _for_host(call: Call, host: str, name: str) -> str:
    asked = f"the secret {name} in a request to {host}"
    named = [secret for secret in call.grants.secret if secret.name == name]
    fitting = next((secret for secret in named if match.secret_hosts(secret, host)), None)
    if fitting is None:
        about = call.about.component
        rule = call.grants.waiting or f"no grant of secret to {about} has the name {name}"
        if named:
            rule = f"{named[0].rule or 'its grant'} allows {', '.join(named[0].hosts) or 'no host'}"
        call.deny(None, asked, rule, kind="secret")
        raise Withheld(name)
    found = value(call, fitting)
    if found is None:
        raise Withheld(name)
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in found):
        rule = "it holds control characters, which would end the header that it is put into"
        call.deny(None, asked, rule, kind="secret")
        raise Withheld(name)
    return found
