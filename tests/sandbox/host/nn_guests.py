"""A guest that runs models through ``wasi:nn``, for either draft.

Its functions return bytes, or the error as ``CODE text`` with the number of the code.
"""

from __future__ import annotations

import base64
import struct
from pathlib import Path

from mcp_wasm.capability.grant import Grant, Nn
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.report import Outcome

NEW, OLD = "0.2.0-rc-2024-10-28", "0.2.0-rc-2024-08-19"
CODES = (
    "invalid-argument",
    "invalid-encoding",
    "timeout",
    "runtime-error",
    "unsupported-operation",
    "too-large",
    "not-found",
    "security",
    "unknown",
)

_IMPORTS = """
  (import "wasi:nn/tensor@{version}" (instance $tensors
    (export "tensor" (type $tensor (sub resource)))
    (type $type' (enum "FP16" "FP32" "FP64" "BF16" "U8" "I32" "I64"))
    (export "tensor-type" (type $type (eq $type')))
    (export "[constructor]tensor"
      (func (param "dimensions" (list u32)) (param "ty" $type) (param "data" (list u8))
        (result (own $tensor))))
    (export "[method]tensor.data" (func (param "self" (borrow $tensor)) (result (list u8))))))
  (import "wasi:nn/errors@{version}" (instance $errors
    (export "error" (type $error (sub resource)))
    (type $code' (enum {codes}))
    (export "error-code" (type $code (eq $code')))
    (export "[method]error.code" (func (param "self" (borrow $error)) (result $code)))
    (export "[method]error.data" (func (param "self" (borrow $error)) (result string)))))
  (alias export $tensors "tensor" (type $tensor))
  (alias export $errors "error" (type $error))
  (import "wasi:nn/inference@{version}" (instance $inference
    (export "graph-execution-context" (type $context (sub resource)))
    (alias outer 1 $tensor (type $tensor'))
    (export "tensor" (type $tensor (eq $tensor')))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    {inference}))
  (alias export $inference "graph-execution-context" (type $context))
  (import "wasi:nn/graph@{version}" (instance $graphs
    (export "graph" (type $graph (sub resource)))
    (alias outer 1 $context (type $context'))
    (export "graph-execution-context" (type $context (eq $context')))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $encoding' (enum "openvino" "onnx" "tensorflow" "pytorch" "tensorflowlite" "ggml" "autodetect"))
    (export "graph-encoding" (type $encoding (eq $encoding')))
    (type $target' (enum "cpu" "gpu" "tpu"))
    (export "execution-target" (type $target (eq $target')))
    (export "load" (func (param "builder" (list (list u8))) (param "encoding" $encoding)
      (param "target" $target) (result (result (own $graph) (error (own $error))))))
    (export "load-by-name" (func (param "name" string) (result (result (own $graph) (error (own $error))))))
    (export "[method]graph.init-execution-context"
      (func (param "self" (borrow $graph)) (result (result (own $context) (error (own $error))))))))
"""

_INFERENCE = {
    NEW: """
    (export "[method]graph-execution-context.compute" (func (param "self" (borrow $context))
      (param "inputs" (list (tuple string (own $tensor))))
      (result (result (list (tuple string (own $tensor))) (error (own $error))))))""",
    OLD: """
    (export "[method]graph-execution-context.set-input" (func (param "self" (borrow $context))
      (param "name" string) (param "tensor" (own $tensor)) (result (result (error (own $error))))))
    (export "[method]graph-execution-context.compute" (func (param "self" (borrow $context))
      (result (result (error (own $error))))))
    (export "[method]graph-execution-context.get-output" (func (param "self" (borrow $context))
      (param "name" string) (result (result (own $tensor) (error (own $error))))))""",
}
_LOWERED = {
    NEW: """
  (core func $compute (canon lower (func $inference "[method]graph-execution-context.compute")
    (memory $memory) (realloc $realloc)))
  (core instance $inference (export "compute" (func $compute)))""",
    OLD: """
  (core func $set (canon lower (func $inference "[method]graph-execution-context.set-input")
    (memory $memory)))
  (core func $compute (canon lower (func $inference "[method]graph-execution-context.compute")
    (memory $memory)))
  (core func $get (canon lower (func $inference "[method]graph-execution-context.get-output")
    (memory $memory)))
  (core instance $inference
    (export "set" (func $set)) (export "compute" (func $compute)) (export "get" (func $get)))""",
}
# Each: the first output (or the one named "y") of the context, as a handle at 132; 1 at 128 for an error.
_ASKED = {
    NEW: """
    (import "inference" "compute" (func $compute (param i32 i32 i32 i32)))
    (func $ask (param $context i32) (param $name i32) (param $size i32) (param $tensor i32)
      (i32.store (i32.const 200) (local.get $name))
      (i32.store (i32.const 204) (local.get $size))
      (i32.store (i32.const 208) (local.get $tensor))
      (call $compute (local.get $context) (i32.const 200) (i32.const 1) (i32.const 128))
      (if (i32.eqz (i32.load8_u (i32.const 128)))
        (then (i32.store (i32.const 132) (i32.load offset=8 (i32.load (i32.const 132)))))))""",
    OLD: """
    (import "inference" "set" (func $set (param i32 i32 i32 i32 i32)))
    (import "inference" "compute" (func $compute (param i32 i32)))
    (import "inference" "get" (func $get (param i32 i32 i32 i32)))
    (func $ask (param $context i32) (param $name i32) (param $size i32) (param $tensor i32)
      (call $set (local.get $context) (local.get $name) (local.get $size) (local.get $tensor) (i32.const 128))
      (if (i32.load8_u (i32.const 128)) (then (return)))
      (call $compute (local.get $context) (i32.const 128))
      (if (i32.load8_u (i32.const 128)) (then (return)))
      (i32.store8 (i32.const 300) (i32.const 121))
      (call $get (local.get $context) (i32.const 300) (i32.const 1) (i32.const 128)))""",
}

_GUEST = """(component {imports}
  (core module $libc
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (loop $again
        (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
          (then
            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
            (br $again))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $new (canon lower (func $tensors "[constructor]tensor") (memory $memory)))
  (core func $data (canon lower (func $tensors "[method]tensor.data") (memory $memory) (realloc $realloc)))
  (core func $code (canon lower (func $errors "[method]error.code")))
  (core func $text (canon lower (func $errors "[method]error.data") (memory $memory) (realloc $realloc)))
  (core func $load (canon lower (func $graphs "load") (memory $memory)))
  (core func $named (canon lower (func $graphs "load-by-name") (memory $memory)))
  (core func $begin (canon lower (func $graphs "[method]graph.init-execution-context") (memory $memory)))
  {lowered}
  (core module $code
    (import "libc" "memory" (memory 0))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "nn" "new" (func $new (param i32 i32 i32 i32 i32) (result i32)))
    (import "nn" "data" (func $data (param i32 i32)))
    (import "nn" "code" (func $code (param i32) (result i32)))
    (import "nn" "text" (func $text (param i32 i32)))
    (import "nn" "load" (func $load (param i32 i32 i32 i32 i32)))
    (import "nn" "named" (func $named (param i32 i32 i32)))
    (import "nn" "begin" (func $begin (param i32 i32)))
    {asked}
    (func $fail (result i32) (local $at i32) (local $size i32)
      (call $text (i32.load (i32.const 132)) (i32.const 140))
      (local.set $size (i32.load (i32.const 144)))
      (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 1)
        (i32.add (local.get $size) (i32.const 2))))
      (i32.store16 (local.get $at) (i32.add (i32.const 0x2030) (call $code (i32.load (i32.const 132)))))
      (memory.copy (i32.add (local.get $at) (i32.const 2)) (i32.load (i32.const 140)) (local.get $size))
      (i32.store8 (i32.const 160) (i32.const 1))
      (i32.store (i32.const 164) (local.get $at))
      (i32.store (i32.const 168) (i32.add (local.get $size) (i32.const 2)))
      (i32.const 160))
    (func $open (param $name i32) (param $size i32) (result i32)
      (call $named (local.get $name) (local.get $size) (i32.const 128))
      (if (i32.load8_u (i32.const 128)) (then (return (i32.const 0))))
      (call $begin (i32.load (i32.const 132)) (i32.const 128))
      (i32.eqz (i32.load8_u (i32.const 128))))
    (func $answer (param $context i32) (param $name i32) (param $size i32) (param $tensor i32) (result i32)
      (call $ask (local.get $context) (local.get $name) (local.get $size) (local.get $tensor))
      (if (i32.load8_u (i32.const 128)) (then (return (call $fail))))
      (i32.store8 (i32.const 160) (i32.const 0))
      (call $data (i32.load (i32.const 132)) (i32.const 164))
      (i32.const 160))
    (func (export "run") (param $model i32) (param $model-size i32) (param $name i32) (param $size i32)
      (param $type i32) (param $dims i32) (param $rank i32) (param $data i32) (param $bytes i32) (result i32)
      (if (i32.eqz (call $open (local.get $model) (local.get $model-size))) (then (return (call $fail))))
      (call $answer (i32.load (i32.const 132)) (local.get $name) (local.get $size)
        (call $new (local.get $dims) (local.get $rank) (local.get $type)
          (local.get $data) (local.get $bytes))))
    ;; Makes `count` tensors of `size` bytes and uses the last one as the input `x`.
    (func (export "many") (param $model i32) (param $model-size i32) (param $count i32) (param $size i32)
      (result i32) (local $tensor i32)
      (if (i32.eqz (call $open (local.get $model) (local.get $model-size))) (then (return (call $fail))))
      (i32.store (i32.const 400) (local.get $size))
      (loop $next
        (local.set $tensor
          (call $new (i32.const 400) (i32.const 1) (i32.const 4) (i32.const 4096) (local.get $size)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $next (local.get $count)))
      (i32.store8 (i32.const 300) (i32.const 120))
      (call $answer (i32.load (i32.const 132)) (i32.const 300) (i32.const 1) (local.get $tensor)))
    (func (export "load") (param $data i32) (param $bytes i32) (result i32)
      (i32.store (i32.const 200) (local.get $data))
      (i32.store (i32.const 204) (local.get $bytes))
      (call $load (i32.const 200) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 128))
      (if (i32.load8_u (i32.const 128)) (then (return (call $fail))))
      (unreachable)))
  (core instance $code (instantiate $code
    (with "libc" (instance $libc))
    (with "inference" (instance $inference))
    (with "nn" (instance
      (export "new" (func $new)) (export "data" (func $data)) (export "code" (func $code))
      (export "text" (func $text)) (export "load" (func $load)) (export "named" (func $named))
      (export "begin" (func $begin))))))
  (func (export "run") (param "model" string) (param "input" string) (param "ty" u32)
    (param "dims" (list u32)) (param "data" (list u8)) (result (result (list u8) (error string)))
    (canon lift (core func $code "run") (memory $memory) (realloc $realloc)))
  (func (export "many") (param "model" string) (param "count" u32) (param "size" u32)
    (result (result (list u8) (error string)))
    (canon lift (core func $code "many") (memory $memory) (realloc $realloc)))
  (func (export "load") (param "data" (list u8)) (result (result (list u8) (error string)))
    (canon lift (core func $code "load") (memory $memory) (realloc $realloc))))
"""


def guest(version: str = NEW) -> str:
    """The guest for a draft of the interface."""
    imports = _IMPORTS.format(
        version=version, codes=" ".join(f'"{code}"' for code in CODES), inference=_INFERENCE[version]
    )
    return _GUEST.format(imports=imports, lowered=_LOWERED[version], asked=_ASKED[version])


def runtime(home: Path, version: str = NEW, limits: Limits | None = None) -> Runtime:
    """A runtime with that guest as ``it``."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "it.wat").write_text(guest(version), encoding="utf-8")
    made = Runtime(home=home, limits=limits)
    made.add(home / "it.wat")
    return made


FLOAT, U8, I64 = 1, 4, 6
"""Numbers of element types, as the guest takes them."""


def call(made: Runtime, function: str, arguments: dict[str, object], *grants: Grant) -> Outcome:
    """The outcome of a call that a person allowed ``grants``."""
    return made.call_sync(f"it_{function}", arguments, approved=grants)


def run(  # noqa: PLR0917 - a tensor has many parts
    runtime: Runtime,
    folder: Path | None,
    model: str,
    data: bytes,
    dims: list[int],
    type_: int = FLOAT,
    input_: str = "x",
) -> Outcome:
    arguments: dict[str, object] = {
        "model": model,
        "input": input_,
        "ty": type_,
        "dims": dims,
        "data": base64.b64encode(data).decode(),
    }
    return call(runtime, "run", arguments, *([] if folder is None else [Nn(("*",), folder)]))


def refused(outcome: Outcome) -> tuple[str, str]:
    """The code and the text of the interface's error that the guest returned."""
    assert outcome.failed, outcome.text
    assert isinstance(outcome.value, str)
    number, _, text = outcome.value.partition(" ")
    return CODES[int(number)], text


def floats(outcome: Outcome) -> tuple[float, ...]:
    assert not outcome.failed, outcome.text
    data = base64.b64decode(str(outcome.value))
    return struct.unpack(f"<{len(data) // 4}f", data)
