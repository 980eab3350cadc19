;; Passes a timer of the engine's own clock through; see bridge.py.
(component
  (import "wasi:io/poll@0.2.12" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance $clock
    (alias outer 1 $pollable (type $p))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core module $main
    (import "w" "subscribe" (func $subscribe (param i64) (result i32)))
    (func (export "timer") (param i64) (result i32) (call $subscribe (local.get 0))))
  (core instance $i (instantiate $main (with "w" (instance (export "subscribe" (func $subscribe))))))
  (func (export "timer") (param "ns" u64) (result (own $pollable)) (canon lift (core func $i "timer"))))
