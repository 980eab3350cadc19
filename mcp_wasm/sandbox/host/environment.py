"""The environment variables of a call: those that were granted, and nothing of the host's own beside them.

Served by the engine's ``wasi:cli/environment``. Source: WASI 0.2, ``wasi:cli``.
"""

from __future__ import annotations

from mcp_wasm.sandbox import secrets
from mcp_wasm.sandbox.call import Call


def variables(call: Call) -> dict[str, str]:
    """The variables of ``call``, by name.

    A secret without hosts has its value; one with hosts has its placeholder,
    which ``secrets.substitute`` replaces where a request leaves for such a host.
    What cannot be had is left out and recorded as a denial.
    """
    found: dict[str, str] = {}
    for grant in call.grants.environment:
        value = grant.value if grant.value is not None else call.services.environ.get(grant.name)
        if value is None:
            _leave_out(
                call,
                grant.name,
                f"{grant.rule or 'its grant'} gives the host's own value, and the host has none",
            )
        elif not _can_be_passed(grant.name, value):
            _leave_out(
                call,
                grant.name,
                f"{grant.rule or 'its grant'} has a name or a value that no variable can have",
            )
        else:
            found.setdefault(grant.name, value)
    for secret in call.grants.secret:
        value = secrets.placeholder(secret.name) if secret.hosts else secrets.value(call, secret)
        if value is not None:
            found[secret.name] = value
    return found


def _can_be_passed(name: str, value: str) -> bool:
    try:
        (name + value).encode()
    except UnicodeEncodeError:
        return False  # the host's variables may hold any bytes
    return bool(name) and "=" not in name and "\0" not in name + value


def _leave_out(call: Call, name: str, rule: str) -> None:
    call.deny(None, f"the variable {name!a}", rule, kind="environment", quiet=True)
