(component
  (import "wasi:io/poll@0.2.12" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance $clock
    (alias outer 1 $pollable (type $p))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core module $memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 64))
    (func (export "reset") (global.set $next (i32.const 64)))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (block $ok
        (br_if $ok (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $ok (i32.ne (i32.const -1) (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1)))))
        unreachable)
      (local.get $at)))
  (core instance $m (instantiate $memory))
  (core func $poll-core (canon lower (func $poll "poll") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
  (core func $subscribe-core (canon lower (func $clock "subscribe-duration")))
  (core func $drop-core (canon resource.drop $pollable))
  (core module $main
    (import "m" "memory" (memory 1))
    (import "m" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "m" "reset" (func $reset))
    (import "w" "poll" (func $poll (param i32 i32 i32)))
    (import "w" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "w" "drop" (func $drop (param i32)))
    ;; wait(in, slice): `in` and one timer more are polled, so that it returns after `slice` at the latest
    (func (export "wait") (param $in i32) (param $len i32) (param $slice i64) (result i32)
      (local $list i32) (local $timer i32) (local $i i32)
      (local.set $list (call $realloc (i32.const 0) (i32.const 0) (i32.const 4)
        (i32.add (i32.shl (local.get $len) (i32.const 2)) (i32.const 4))))
      (memory.copy (local.get $list) (local.get $in) (i32.shl (local.get $len) (i32.const 2)))
      (local.set $timer (call $subscribe (local.get $slice)))
      (i32.store (i32.add (local.get $list) (i32.shl (local.get $len) (i32.const 2))) (local.get $timer))
      (call $poll (local.get $list) (i32.add (local.get $len) (i32.const 1)) (i32.const 8))
      (call $drop (local.get $timer))
      (loop $next
        (if (i32.lt_u (local.get $i) (local.get $len)) (then
          (call $drop (i32.load (i32.add (local.get $list) (i32.shl (local.get $i) (i32.const 2)))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
      (i32.const 8))
    (func (export "post") (param i32) (call $reset)))
  (core instance $i (instantiate $main
    (with "m" (instance $m))
    (with "w" (instance
      (export "poll" (func $poll-core))
      (export "subscribe" (func $subscribe-core))
      (export "drop" (func $drop-core))))))
  (func $wait (param "in" (list (borrow $pollable))) (param "slice" u64) (result (list u32))
    (canon lift (core func $i "wait") (memory (core memory $m "memory")) (realloc (core func $m "realloc")) (post-return (core func $i "post"))))
  (export "wait" (func $wait)))
