;; What the server's tests call: plain results, text of any size, an error, an image,
;; a function without result, an endless loop and a trap.
(component
  (core module $code
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    (data (i32.const 16) "no such user")
    (data (i32.const 64) "image/png")
    (data (i32.const 80) "\89PNG\0d\0a\1a\0a\00\00\00\0dIHDR")

    ;; Memory is only ever taken: an instance serves one call.
    (func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
      (result i32)
      (local $at i32) (local $end i32)
      (local.set $at
        (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (local.set $end (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (local.get $end) (i32.mul (memory.size) (i32.const 65536)))
        (then (if (i32.eq (i32.const -1)
                (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get $size) (i32.const 65536)))))
          (then (unreachable)))))
      (global.set $free (local.get $end))
      (local.get $at))

    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1)))

    (func (export "repeat") (param $text i32) (param $size i32) (param $times i32) (result i32)
      (local $out i32) (local $at i32)
      (local.set $out (call $realloc (i32.const 0) (i32.const 0) (i32.const 1)
        (i32.mul (local.get $size) (local.get $times))))
      (local.set $at (local.get $out))
      (i32.store (i32.const 8) (i32.const 0))
      (block $done (loop $again
        (br_if $done (i32.eqz (local.get $times)))
        (memory.copy (local.get $at) (local.get $text) (local.get $size))
        (local.set $at (i32.add (local.get $at) (local.get $size)))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (br $again)))
      (i32.store (i32.const 0) (local.get $out))
      (i32.store (i32.const 4) (i32.sub (local.get $at) (local.get $out)))
      (i32.const 0))

    ;; result<s32, string>: the length of the name, or an error for an empty one.
    (func (export "find") (param $name i32) (param $size i32) (result i32)
      (if (i32.eqz (local.get $size))
        (then
          (i32.store8 (i32.const 0) (i32.const 1))
          (i32.store (i32.const 4) (i32.const 16))
          (i32.store (i32.const 8) (i32.const 12)))
        (else
          (i32.store8 (i32.const 0) (i32.const 0))
          (i32.store (i32.const 4) (local.get $size))))
      (i32.const 0))

    (func (export "picture") (result i32)
      (i32.store (i32.const 0) (i32.const 64))
      (i32.store (i32.const 4) (i32.const 9))
      (i32.store (i32.const 8) (i32.const 80))
      (i32.store (i32.const 12) (i32.const 16))
      (i32.const 0))

    (func (export "nothing"))
    (func (export "spin") (loop $again (br $again)))
    (func (export "trap") (result i32) (unreachable)))

  (core instance $i (instantiate $code))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "cabi_realloc" (core func $realloc))

  (type $media' (record (field "mime-type" string) (field "data" (list u8))))
  (import "media" (type $media (eq $media')))

  (func $add (param "a" s32) (param "b" s32) (result s32)
    (canon lift (core func $i "add")))
  (func $repeat (param "text" string) (param "times" u32) (result string)
    (canon lift (core func $i "repeat") (memory $memory) (realloc $realloc)))
  (func $find (param "name" string) (result (result s32 (error string)))
    (canon lift (core func $i "find") (memory $memory) (realloc $realloc)))
  (func $picture (result $media)
    (canon lift (core func $i "picture") (memory $memory) (realloc $realloc)))
  (func $nothing (canon lift (core func $i "nothing")))
  (func $spin (canon lift (core func $i "spin")))
  (func $trap (result s32)
    (canon lift (core func $i "trap")))

  (export "add" (func $add))
  (export "repeat" (func $repeat))
  (export "find" (func $find))
  (export "picture" (func $picture))
  (export "nothing" (func $nothing))
  (export "spin" (func $spin))
  (export "trap" (func $trap)))
