;; Requests that are never made, each with as long a path as will be taken.
(module
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-path-with-query"
    (func $path (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "paths") (param $n i32) (param $size i32) (result i32) (local $taken i32)
    (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536)))))
    (memory.fill (i32.const 0) (i32.const 47) (local.get $size))
    (loop $next
      (if (i32.eqz (call $path (call $request (call $fields)) (i32.const 1) (i32.const 0) (local.get $size)))
        (then (local.set $taken (i32.add (local.get $taken) (i32.const 1)))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (local.get $n)))
    (local.get $taken)))
