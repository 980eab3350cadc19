;; What needs a grant: `try` says whether a bucket could be opened, `must` fails where not,
;; `both` opens two buckets, `then` the second only where the first opened. `wasi:keyvalue/store@0.2.0-test` is the tests' own.
(component
  (import "wasi:keyvalue/store@0.2.0-test" (instance $door
    (export "open" (func (param "name" string) (result bool)))))

  (core module $memory
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $m (instantiate $memory))
  (alias core export $m "memory" (core memory $mem))
  (alias core export $m "cabi_realloc" (core func $realloc))

  (alias export $door "open" (func $open))
  (core func $opened (canon lower (func $open) (memory $mem)))

  (core module $code
    (import "m" "memory" (memory 1))
    (import "door" "open" (func $open (param i32 i32) (result i32)))
    (data (i32.const 16) "it is closed")
    (func (export "try") (param i32 i32) (result i32)
      (call $open (local.get 0) (local.get 1)))
    (func (export "both") (param i32 i32 i32 i32) (result i32)
      (i32.and (call $open (local.get 0) (local.get 1)) (call $open (local.get 2) (local.get 3))))
    (func (export "then") (param i32 i32 i32 i32) (result i32)
      (if (result i32) (call $open (local.get 0) (local.get 1))
        (then (call $open (local.get 2) (local.get 3)))
        (else (i32.const 0))))
    (func (export "must") (param i32 i32) (result i32)
      (i32.store8 (i32.const 0) (i32.eqz (call $open (local.get 0) (local.get 1))))
      (i32.store (i32.const 4) (i32.const 16))
      (i32.store (i32.const 8) (i32.const 12))
      (i32.const 0)))
  (core instance $i (instantiate $code
    (with "m" (instance $m))
    (with "door" (instance (export "open" (func $opened))))))

  (func (export "try") (param "name" string) (result bool)
    (canon lift (core func $i "try") (memory $mem) (realloc $realloc)))
  (func (export "both") (param "first" string) (param "second" string) (result bool)
    (canon lift (core func $i "both") (memory $mem) (realloc $realloc)))
  (func (export "then") (param "first" string) (param "second" string) (result bool)
    (canon lift (core func $i "then") (memory $mem) (realloc $realloc)))
  (func (export "must") (param "name" string) (result (result (error string)))
    (canon lift (core func $i "must") (memory $mem) (realloc $realloc))))
