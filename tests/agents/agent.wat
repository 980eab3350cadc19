;; An agent for tests, of the world of wit/mcp-wasm-agent-0.1.0. The second character of the payload
;; says what it does, the rest up to the closing quote is X:
;;   "c    traps                    "s    never ends               "eX   fails with the error X
;;   "fX   sends "m" to X           "pX   publishes "m" to X       "dX   sends "m" to X in 5 ms
;;   "k    stores the payload under `state`, replies with what was there before
;;   "n    replies with how many messages this instance has had    "qX   stops with the reason X
;;   "tX   calls the tool X         "lX   asks for a summary of X  "x    traps once, and not when delivered again
;; Answers of tools and models are passed on to who asked; replies are taken note of; all else is echoed.
(module
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 8192))
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 64) "\"m\"coordinationstate{\"a\":2,\"b\":3}summarizenull\"0\"")
  ;; 64 "m" 3 | 67 coordination 12 | 79 state 5 | 84 {"a":2,"b":3} 13 | 97 summarize 9 | 106 null 4 | 110 "0" 3

  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.div_u (local.get $new) (i32.const 65536)) (i32.const 1))))))
    (if (local.get $size)
      (then (memory.copy (local.get $at) (local.get $old) (local.get $size))))
    (local.get $at))

  ;; One effect: its tag, and up to five words of its payload, at 1024; the answer at 1000.
  (func $effect (param $tag i32) (param $a i32) (param $b i32) (param $c i32) (param $d i32) (result i32)
    (i32.store8 (i32.const 1024) (local.get $tag))
    (i32.store (i32.const 1032) (local.get $a))
    (i32.store (i32.const 1036) (local.get $b))
    (i32.store (i32.const 1040) (local.get $c))
    (i32.store (i32.const 1044) (local.get $d))
    (i32.store8 (i32.const 1000) (i32.const 0))
    (i32.store (i32.const 1004) (i32.const 1024))
    (i32.store (i32.const 1008) (i32.const 1))
    (i32.const 1000))

  (func $reply (param $re i32) (param $re_size i32) (param $text i32) (param $size i32) (result i32)
    (i32.store8 (i32.const 1048) (i32.const 0))
    (call $effect (i32.const 0) (local.get $re) (local.get $re_size) (local.get $text) (local.get $size)))

  ;; What `send` and `schedule` take besides the address: "m", normal, coordination.
  (func $outgoing (param $at i32) (param $to i32) (param $size i32)
    (i32.store (local.get $at) (local.get $to))
    (i32.store offset=4 (local.get $at) (local.get $size))
    (i32.store offset=8 (local.get $at) (i32.const 64))
    (i32.store offset=12 (local.get $at) (i32.const 3))
    (i32.store8 offset=16 (local.get $at) (i32.const 2))
    (i32.store offset=20 (local.get $at) (i32.const 67))
    (i32.store offset=24 (local.get $at) (i32.const 12)))

  (func $answer (param $tag i32) (result i32)
    (i32.store8 (i32.const 1000) (i32.const 0))
    (i32.store8 (i32.const 1024) (local.get $tag))
    (i32.store (i32.const 1004) (i32.const 1024))
    (i32.store (i32.const 1008) (i32.const 1))
    (i32.const 1000))

  (func (export "cabi_post_mcp-wasm:agent/handler@0.1.0#handle") (param i32)
    (global.set $heap (i32.const 8192)))

  (func (export "mcp-wasm:agent/handler@0.1.0#handle") (param $in i32) (result i32)
    (local $text i32) (local $size i32) (local $kind i32) (local $what i32) (local $x i32) (local $x_size i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (local.set $text (i32.load offset=64 (local.get $in)))
    (local.set $size (i32.load offset=68 (local.get $in)))
    ;; tool_result and llm_result end in "sult"; reply begins with "repl"
    (local.set $kind (i32.load offset=84 (local.get $in)))
    (if (i32.gt_u (i32.load offset=88 (local.get $in)) (i32.const 9))
      (then
        (if (i32.eq (i32.load (i32.sub (i32.add (local.get $kind) (i32.load offset=88 (local.get $in))) (i32.const 4)))
                    (i32.const 0x746c7573))
          (then (return (call $reply (i32.load offset=92 (local.get $in)) (i32.load offset=96 (local.get $in))
                                     (local.get $text) (local.get $size)))))))
    (if (i32.eq (i32.load8_u offset=3 (local.get $kind)) (i32.const 108))
      (then
        (i32.store8 (i32.const 1000) (i32.const 0))
        (i32.store (i32.const 1004) (i32.const 1024))
        (i32.store (i32.const 1008) (i32.const 0))
        (return (i32.const 1000))))
    (if (i32.lt_u (local.get $size) (i32.const 3))
      (then (return (call $reply (i32.const 0) (i32.const 0) (local.get $text) (local.get $size)))))
    (local.set $what (i32.load8_u offset=1 (local.get $text)))
    (local.set $x (i32.add (local.get $text) (i32.const 2)))
    (local.set $x_size (i32.sub (local.get $size) (i32.const 3)))
    (if (i32.eq (local.get $what) (i32.const 99)) (then (unreachable)))                       ;; c
    (if (i32.eq (local.get $what) (i32.const 120))                                            ;; x
      (then (if (i32.eq (i32.load offset=100 (local.get $in)) (i32.const 1)) (then (unreachable)))))
    (if (i32.eq (local.get $what) (i32.const 115)) (then (loop $for_ever (br $for_ever))))    ;; s
    (if (i32.eq (local.get $what) (i32.const 101))                                            ;; e
      (then
        (i32.store8 (i32.const 1000) (i32.const 1))
        (i32.store (i32.const 1004) (local.get $x))
        (i32.store (i32.const 1008) (local.get $x_size))
        (return (i32.const 1000))))
    (if (i32.eq (local.get $what) (i32.const 102))                                            ;; f
      (then
        (call $outgoing (i32.const 1032) (local.get $x) (local.get $x_size))
        (return (call $answer (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 112))                                            ;; p
      (then (return (call $effect (i32.const 2) (local.get $x) (local.get $x_size) (i32.const 64) (i32.const 3)))))
    (if (i32.eq (local.get $what) (i32.const 107))                                            ;; k
      (then
        ;; [store, reply], the second effect at 1072
        (drop (call $effect (i32.const 3) (i32.const 79) (i32.const 5) (i32.const 1) (local.get $text)))
        (i32.store (i32.const 1048) (local.get $size))
        (i32.store8 (i32.const 1072) (i32.const 0))
        (i32.store (i32.const 1080) (i32.const 0))
        (i32.store (i32.const 1084) (i32.const 0))
        (i32.store8 (i32.const 1096) (i32.const 0))
        (if (i32.load offset=32 (local.get $in))
          (then
            (i32.store (i32.const 1088) (i32.load offset=8 (i32.load offset=28 (local.get $in))))
            (i32.store (i32.const 1092) (i32.load offset=12 (i32.load offset=28 (local.get $in)))))
          (else
            (i32.store (i32.const 1088) (i32.const 106))
            (i32.store (i32.const 1092) (i32.const 4))))
        (i32.store (i32.const 1008) (i32.const 2))
        (return (i32.const 1000))))
    (if (i32.eq (local.get $what) (i32.const 100))                                            ;; d
      (then
        (i64.store (i32.const 1032) (i64.const 5))
        (call $outgoing (i32.const 1040) (local.get $x) (local.get $x_size))
        (return (call $answer (i32.const 4)))))
    (if (i32.eq (local.get $what) (i32.const 116))                                            ;; t
      (then
        (drop (call $effect (i32.const 5) (local.get $x) (local.get $x_size) (i32.const 84) (i32.const 13)))
        (i32.store (i32.const 1048) (i32.const 0))
        (i32.store (i32.const 1052) (i32.const 0))
        (return (i32.const 1000))))
    (if (i32.eq (local.get $what) (i32.const 108))                                            ;; l
      (then
        (drop (call $effect (i32.const 6) (i32.const 97) (i32.const 9) (local.get $x) (local.get $x_size)))
        (i32.store (i32.const 1048) (i32.const 0))
        (i32.store (i32.const 1052) (i32.const 0))
        (return (i32.const 1000))))
    (if (i32.eq (local.get $what) (i32.const 113))                                            ;; q
      (then (return (call $effect (i32.const 7) (local.get $x) (local.get $x_size) (i32.const 0) (i32.const 0)))))
    (if (i32.eq (local.get $what) (i32.const 110))                                            ;; n
      (then
        (i32.store8 (i32.const 111) (i32.add (i32.const 48) (i32.rem_u (global.get $count) (i32.const 10))))
        (return (call $reply (i32.const 0) (i32.const 0) (i32.const 110) (i32.const 3)))))
    (call $reply (i32.const 0) (i32.const 0) (local.get $text) (local.get $size))))
