;; A runner that counts its requests: {"value":1}, then 2, up to 9. A request of over 400 bytes traps,
;; one of over 300 spins.
(component
  (core module $m
    (memory (export "memory") 2)
    (data (i32.const 16) "{\"value\":0}")
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
      (local.get $at))
    (func (export "run") (param $text i32) (param $size i32) (result i32)
      (if (i32.gt_u (local.get $size) (i32.const 400)) (then unreachable))
      (if (i32.gt_u (local.get $size) (i32.const 300)) (then (loop $again (br $again))))
      (i32.store8 (i32.const 25) (i32.add (i32.load8_u (i32.const 25)) (i32.const 1)))
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (i32.const 11))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "run") (param "request" string) (result string)
    (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
