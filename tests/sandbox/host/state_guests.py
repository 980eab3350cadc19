"""A guest that uses ``wasi:keyvalue`` and ``wasi:logging`` as it is told, for either draft.

Each function opens a bucket by its name, does one thing and gives back what the
interface gave, its errors included.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.build.bundled import replace
from mcp_wasm.capability.grant import Grant
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome
from tests.sandbox.host import state_code

NEW, OLD = "0.2.0-draft2", "0.2.0-draft"

_STORE = """
  (import "wasi:keyvalue/store@{version}" (instance $store
    (export "bucket" (type $bucket (sub resource)))
    (type $error' (variant (case "no-such-store") (case "access-denied") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (type $page' (record (field "keys" (list string)) (field "cursor" (option {cursor}))))
    (export "key-response" (type $page (eq $page')))
    (export "open" (func (param "identifier" string) (result (result (own $bucket) (error $error)))))
    (export "[method]bucket.get" (func (param "self" (borrow $bucket)) (param "key" string)
      (result (result (option (list u8)) (error $error)))))
    (export "[method]bucket.set" (func (param "self" (borrow $bucket)) (param "key" string)
      (param "value" (list u8)) (result (result (error $error)))))
    (export "[method]bucket.delete" (func (param "self" (borrow $bucket)) (param "key" string)
      (result (result (error $error)))))
    (export "[method]bucket.exists" (func (param "self" (borrow $bucket)) (param "key" string)
      (result (result bool (error $error)))))
    (export "[method]bucket.list-keys" (func (param "self" (borrow $bucket))
      (param "cursor" (option {cursor})) (result (result $page (error $error)))))))
  (alias export $store "bucket" (type $bucket))
  (alias export $store "error" (type $error))
  (alias export $store "key-response" (type $page))
  (import "wasi:keyvalue/batch@{version}" (instance $batch
    (alias outer 1 $bucket (type $bucket'))
    (export "bucket" (type $bucket (eq $bucket')))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (export "get-many" (func (param "bucket" (borrow $bucket)) (param "keys" (list string))
      (result (result (list (option (tuple string (list u8)))) (error $error)))))
    (export "set-many" (func (param "bucket" (borrow $bucket))
      (param "key-values" (list (tuple string (list u8)))) (result (result (error $error)))))
    (export "delete-many" (func (param "bucket" (borrow $bucket)) (param "keys" (list string))
      (result (result (error $error)))))))
  (import "wasi:keyvalue/atomics@{version}" (instance $atomics
    (alias outer 1 $bucket (type $bucket'))
    (export "bucket" (type $bucket (eq $bucket')))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    {cas}
    (export "increment" (func (param "bucket" (borrow $bucket)) (param "key" string)
      (param "delta" {number}) (result (result {number} (error $error)))))))
"""

_CAS = """
    (export "cas" (type $cas (sub resource)))
    (type $cas-error' (variant (case "store-error" $error) (case "cas-failed" (own $cas))))
    (export "cas-error" (type $cas-error (eq $cas-error')))
    (export "[static]cas.new" (func (param "bucket" (borrow $bucket)) (param "key" string)
      (result (result (own $cas) (error $error)))))
    (export "[method]cas.current" (func (param "self" (borrow $cas))
      (result (result (option (list u8)) (error $error)))))
    (export "swap" (func (param "cas" (own $cas)) (param "value" (list u8))
      (result (result (error $cas-error)))))
"""

_LOGGING = """
  (import "wasi:logging/logging{log_version}" (instance $logging
    (type $level' (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $level')))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))
  (alias export $logging "level" (type $level))
"""


@dataclass(frozen=True, slots=True)
class _Function:
    """One exported function: which import it calls, and with what beside the bucket's handle.

    ``flat`` are the core types of ``params``, which are passed on as they came.
    ``wide`` is the alignment of the result's payload: behind the tag, the error
    of ``open`` lies where results of alignment 4 have theirs.
    """

    instance: str
    imported: str
    params: str
    flat: str
    result: str
    wide: int = 4


def _functions(cursor: str, number: str) -> dict[str, _Function]:
    cursors = ("i32 i64", 8) if cursor == "u64" else ("i32 i32 i32", 4)
    method, key = "[method]bucket.", '(param "key" string)'
    keys, pair = '(param "keys" (list string))', "(tuple string (list u8))"
    rows = {
        "get": ("store", method + "get", key, "i32 i32", "(option (list u8))"),
        "set": ("store", method + "set", f'{key} (param "value" (list u8))', "i32 i32 i32 i32", ""),
        "delete": ("store", method + "delete", key, "i32 i32", ""),
        "exists": ("store", method + "exists", key, "i32 i32", "bool"),
        "keys": ("store", method + "list-keys", f'(param "cursor" (option {cursor}))', cursors[0], "$page"),
        "get-many": ("batch", "get-many", keys, "i32 i32", f"(list (option {pair}))"),
        "set-many": ("batch", "set-many", f'(param "items" (list {pair}))', "i32 i32", ""),
        "delete-many": ("batch", "delete-many", keys, "i32 i32", ""),
        "increment": ("atomics", "increment", f'{key} (param "delta" {number})', "i32 i32 i64", number),
    }
    wide = {"keys": cursors[1], "increment": 8}
    return {
        name: _Function(*row[:4], f"(result {row[4]} (error $error))", wide.get(name, 4))
        for name, row in rows.items()
    }


def keyvalue(version: str = NEW) -> str:
    """The component's text."""
    cursor, number = ("string", "s64") if version == NEW else ("u64", "u64")
    functions = _functions(cursor, number)
    imports = _STORE.format(version=version, cursor=cursor, number=number, cas=_CAS if version == NEW else "")
    lowered = [
        _lower("open", "store", "open"),
        *[_lower(name, each.instance, each.imported) for name, each in functions.items()],
        "(core func $drop (canon resource.drop $bucket))",
    ]
    given = ['(export "open" (func $open))', '(export "drop" (func $drop))']
    given += [f'(export "{name}" (func ${name}))' for name in functions]
    code = [
        '(import "h" "open" (func $open (param i32 i32 i32)))',
        '(import "h" "drop" (func $drop (param i32)))',
        *[
            f'(import "h" "{name}" (func ${name} (param i32 {each.flat} i32)))'
            for name, each in functions.items()
        ],
        *[_forward(name, each) for name, each in functions.items()],
    ]
    extra = ""
    if version == NEW:
        lowered += [
            _lower("new", "atomics", "[static]cas.new"),
            _lower("current", "atomics", "[method]cas.current"),
            _lower("swap", "atomics", "swap"),
        ]
        given += [
            '(export "new" (func $new))',
            '(export "current" (func $current))',
            '(export "swap" (func $swap))',
        ]
        code.insert(
            0,
            '(import "h" "new" (func $new (param i32 i32 i32 i32)))'
            '(import "h" "current" (func $current (param i32 i32)))'
            '(import "h" "swap" (func $swap (param i32 i32 i32 i32)))',
        )
        code += [state_code.RACE, state_code.LOOK]
        extra = state_code.RACE_EXPORT
    code += [state_code.MANY, state_code.HOLD]
    lifted = [
        f'(func (export "{name}") (param "bucket" string) {each.params} (result {each.result})\n'
        f'    (canon lift (core func $i "{name}") (memory $memory) (realloc $realloc)))'
        for name, each in functions.items()
    ]
    lines, lowers, lifts = "\n    ".join(code), "\n  ".join(lowered), "\n  ".join(lifted)
    return f"""{imports}{state_code.LIBC}
  {lowers}
  (core module $m
    (import "libc" "memory" (memory 1))
    {lines})
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "h" (instance
    {" ".join(given)}))))
  {lifts}
  {extra}
  {state_code.MANY_EXPORT}"""


def _lower(name: str, instance: str, imported: str) -> str:
    options = "(memory $memory) (realloc $realloc)"
    return f'(core func ${name} (canon lower (func ${instance} "{imported}") {options}))'


def _forward(name: str, function: _Function) -> str:
    passed = " ".join(f"(local.get {index + 2})" for index in range(len(function.flat.split())))
    # The error of `open` begins 4 behind the result's tag; where a payload is wider it is moved there.
    moved = "" if function.wide == 4 else "(memory.copy (i32.const 1032) (i32.const 1028) (i32.const 12))"
    return f"""(func (export "{name}") (param i32 i32 {function.flat}) (result i32)
      (local $bucket i32)
      (call $open (local.get 0) (local.get 1) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then {moved} (return (i32.const 1024))))
      (local.set $bucket (i32.load (i32.const 1028)))
      (call ${name} (local.get $bucket) {passed} (i32.const 1024))
      (call $drop (local.get $bucket))
      (i32.const 1024))"""


def logging(version: str = "@0.1.0-draft") -> str:
    """The text of a component that writes a message, once or often."""
    return f"""{_LOGGING.format(log_version=version)}{state_code.LIBC}
  (core func $log (canon lower (func $logging "log") (memory $memory)))
  (core module $m
    (import "h" "log" (func $log (param i32 i32 i32 i32 i32)))
    (func (export "log") (param i32 i32 i32 i32 i32 i64)
      (loop $next
        (call $log (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4))
        (local.set 5 (i64.sub (local.get 5) (i64.const 1)))
        (br_if $next (i64.gt_s (local.get 5) (i64.const 0))))))
  (core instance $i (instantiate $m (with "h" (instance (export "log" (func $log))))))
  (func (export "log") (param "level" $level) (param "context" string) (param "message" string)
    (param "times" u64)
    (canon lift (core func $i "log") (memory $memory) (realloc $realloc)))"""


def runtime(home: Path, text: str, limits: Limits | None = None, **named: Any) -> Runtime:
    """A runtime with the component ``it``."""
    home.mkdir(parents=True, exist_ok=True)
    replace(home / "it.wat", f"(component {text})".encode())  # whole: another process may read it now
    made = Runtime(home=home, limits=limits, **named)
    made.add(home / "it.wat")
    return made


def encoded(value: bytes) -> str:
    """Bytes as an argument."""
    return base64.b64encode(value).decode()


def call(made: Runtime, function: str, *grants: Grant, **arguments: Any) -> Outcome:
    """The outcome of a call that a person allowed ``grants``; bytes are encoded."""
    given = {
        name.replace("_", "-"): encoded(value) if isinstance(value, bytes) else value
        for name, value in arguments.items()
    }
    return made.call_sync(f"it_{function}", given, approved=grants)
