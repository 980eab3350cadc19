"""``wasi:config``: the configuration values that a person granted, under their keys.

A key that was not granted is not there, as the interface has it; the attempt is
recorded. Source: the public drafts of ``wasi:config``, which called the
interface first ``runtime``, then ``store``.
"""

from __future__ import annotations

from typing import Any

from mcp_wasm.capability.grant import ConfigValue
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.host.interface import Interface
from mcp_wasm.sandbox.hostfunc import HostFunction, Run


def _values(call: Call) -> dict[str, str]:
    # Of two grants of a key the first one holds, so it is written last.
    return {grant.key: grant.value for grant in reversed(call.grants.config)}


def _get(call: Call, key: str) -> Any:
    value = _values(call).get(key)
    if value is None:
        about = call.about.component
        why = call.grants.waiting or f"no grant of config to {about} has that key"
        # Programs ask for keys that have a default, so this alone is no failure.
        call.deny(ConfigValue(key, ""), f"the value of {key!a}", why, quiet=True)
    return {"ok": value}


def _get_all(call: Call) -> Any:
    values = _values(call)
    return {"ok": [[key, values[key]] for key in sorted(values)]}


_FUNCTIONS: dict[str, Run | HostFunction] = {"get": _get, "get-all": _get_all}

INTERFACES = (
    Interface("wasi:config/store", ("0.2.0-rc.1",), _FUNCTIONS),
    Interface("wasi:config/store", ("0.2.0-draft",), _FUNCTIONS),
    Interface("wasi:config/runtime", ("0.2.0-draft",), _FUNCTIONS),
)
