"""Text of the guest of ``state_guests``: its memory, and what it does with several steps.

Results are written at 1024; a result's tag is its first byte, its payload or the
error begins 4 behind it.
"""

from __future__ import annotations

LIBC = """
  (core module $libc
    (memory (export "memory") 64)
    (global $next (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32) (local $missing i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.set $missing (i32.sub (i32.shr_u (global.get $next) (i32.const 16)) (memory.size)))
      (if (i32.ge_s (local.get $missing) (i32.const 0))
        (then (if (i32.eq (memory.grow (i32.add (local.get $missing) (i32.const 1))) (i32.const -1))
          (then unreachable))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
"""

RACE = """(func (export "race") (param i32 i32 i32 i32 i32 i32) (result i32)
      (local $bucket i32) (local $cas i32)
      ;; A handle, then another write, then the swap that must fail; its new handle's swap must not.
      (call $open (local.get 0) (local.get 1) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1024))))
      (local.set $bucket (i32.load (i32.const 1028)))
      (call $new (local.get $bucket) (local.get 2) (local.get 3) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1024))))
      (local.set $cas (i32.load (i32.const 1028)))
      (call $set (local.get $bucket) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1024))))
      (call $swap (local.get $cas) (local.get 4) (i32.const 1) (i32.const 1024))
      ;; err(cas-failed(handle)): 1, then 1, then the handle
      (if (i32.ne (i32.load8_u (i32.const 1024)) (i32.const 1)) (then unreachable))
      (if (i32.ne (i32.load8_u (i32.const 1028)) (i32.const 1)) (then unreachable))
      (local.set $cas (i32.load (i32.const 1032)))
      (call $current (local.get $cas) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then unreachable))
      (if (i32.ne (i32.load (i32.const 1036)) (local.get 5)) (then unreachable))
      (call $swap (local.get $cas) (local.get 4) (i32.const 1) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then unreachable))
      (call $get (local.get $bucket) (local.get 2) (local.get 3) (i32.const 1024))
      (i32.const 1024))"""

LOOK = """(func (export "stale-look") (param i32 i32 i32 i32 i32 i32) (result i32)
      (local $bucket i32) (local $cas i32)
      ;; A look, another write, and another look through the same handle.
      (call $open (local.get 0) (local.get 1) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1024))))
      (local.set $bucket (i32.load (i32.const 1028)))
      (call $new (local.get $bucket) (local.get 2) (local.get 3) (i32.const 1024))
      (local.set $cas (i32.load (i32.const 1028)))
      (call $current (local.get $cas) (i32.const 1024))
      (call $set (local.get $bucket) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (i32.const 1024))
      (call $current (local.get $cas) (i32.const 1024))
      (i32.const 1024))
    (func (export "swap-only") (param i32 i32 i32 i32 i32 i32) (result i32)
      (local $bucket i32)
      (call $open (local.get 0) (local.get 1) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1024))))
      (local.set $bucket (i32.load (i32.const 1028)))
      (call $new (local.get $bucket) (local.get 2) (local.get 3) (i32.const 1024))
      (call $swap (i32.load (i32.const 1028)) (local.get 4) (local.get 5) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024))
        (then
          (if (i32.load8_u (i32.const 1028)) (then unreachable))
          ;; err(store-error(error)): the inner error is 4 further on
          (memory.copy (i32.const 1028) (i32.const 1032) (i32.const 12))
          (return (i32.const 1024))))
      (call $get (local.get $bucket) (local.get 2) (local.get 3) (i32.const 1024))
      (i32.const 1024))"""

RACE_EXPORT = "\n  ".join(
    f"""(func (export "{name}") (param "bucket" string) (param "key" string) (param "value" (list u8))
    (result (result (option (list u8)) (error $error)))
    (canon lift (core func $i "{name}") (memory $memory) (realloc $realloc)))"""
    for name in ("race", "stale-look", "swap-only")
)

MANY = """(func (export "write-many") (param i32 i32 i64) (result i32)
      (local $bucket i32) (local $at i64)
      ;; So many tiny keys, each the 8 bytes of its number in letters.
      (call $open (local.get 0) (local.get 1) (i32.const 1024))
      (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1024))))
      (local.set $bucket (i32.load (i32.const 1028)))
      (loop $next
        (if (i64.lt_u (local.get $at) (local.get 2)) (then
          (i64.store (i32.const 2048) (i64.or (i64.const 0x4040404040404040)
            (i64.or (i64.and (local.get $at) (i64.const 15))
              (i64.or (i64.shl (i64.and (local.get $at) (i64.const 0xf0)) (i64.const 4))
                (i64.shl (i64.and (local.get $at) (i64.const 0xf00)) (i64.const 8))))))
          (call $set (local.get $bucket) (i32.const 2048) (i32.const 8)
            (i32.const 0) (i32.const 0) (i32.const 1024))
          (local.set $at (i64.add (local.get $at) (i64.const 1)))
          (br_if $next (i32.eqz (i32.load8_u (i32.const 1024)))))))
      (call $drop (local.get $bucket))
      (i32.const 1024))"""

HOLD = """(func (export "open-many") (param i32 i32 i64) (result i32)
      (loop $next
        (call $open (local.get 0) (local.get 1) (i32.const 1024))
        (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1024))))
        (local.set 2 (i64.sub (local.get 2) (i64.const 1)))
        (br_if $next (i64.gt_s (local.get 2) (i64.const 0))))
      (i32.const 1024))
    (func (export "ask-for-ever") (param i32 i32 i64) (result i32)
      (local $bucket i32)
      (call $open (local.get 0) (local.get 1) (i32.const 1024))
      (local.set $bucket (i32.load (i32.const 1028)))
      (loop $next
        (call $exists (local.get $bucket) (i32.const 2048) (i32.const 1) (i32.const 1024))
        (br $next))
      (i32.const 1024))"""

MANY_EXPORT = "\n  ".join(
    f"""(func (export "{name}") (param "bucket" string) (param "times" u64) (result (result (error $error)))
    (canon lift (core func $i "{name}") (memory $memory) (realloc $realloc)))"""
    for name in ("write-many", "open-many", "ask-for-ever")
)
