;; Cannot start without a grant: its start function opens the bucket "key" and gives up where it may not.
(component
  (import "wasi:keyvalue/store@0.2.0-test" (instance $door
    (export "open" (func (param "name" string) (result bool)))))
  (core module $memory (memory (export "memory") 1) (data (i32.const 16) "key"))
  (core instance $m (instantiate $memory))
  (alias core export $m "memory" (core memory $mem))
  (alias export $door "open" (func $open))
  (core func $opened (canon lower (func $open) (memory $mem)))
  (core module $code
    (import "door" "open" (func $open (param i32 i32) (result i32)))
    (func $begin
      (if (i32.eqz (call $open (i32.const 16) (i32.const 3))) (then (unreachable))))
    (start $begin)
    (func (export "ask") (result i32) (i32.const 42)))
  (core instance $i (instantiate $code (with "door" (instance (export "open" (func $opened))))))
  (func (export "ask") (result s32) (canon lift (core func $i "ask"))))
