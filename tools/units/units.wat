;; Unit conversion, by hand in WebAssembly text: the functions of wit/world.wit behind the canonical ABI.
;;
;; All knowledge is in the table at the end, one unit a line:
;;
;;     symbol ratio name name ...
;;
;; A ratio NUM/DEN says how many base units one unit is, as integers, so that a conversion multiplies
;; and divides once each. NUM/DEN+NUM/DEN adds an offset, in base units, to the zero of the scale.
;; ~NUM/DEN is an inverse unit: base value = ratio / value. A line that begins with # begins the next
;; dimension, in the order of the enum in the WIT.
;;
;; Memory: 0 scratch, 1024 messages, 8192 the table, then what the host and the results are given.

(module
  (memory (export "memory") 2)

  ;; The first free byte.
  (global $top (mut i32) (i32.const 65536))

  ;; Where the text parser stands.
  (global $at (mut i32) (i32.const 0))

  ;; How many different units the name that was looked up last could mean.
  (global $matches (mut i32) (i32.const 0))

  ;; Where the text under construction begins; it ends at $top.
  (global $text (mut i32) (i32.const 0))

  (func $alloc (param $size i32) (param $align i32) (result i32)
    (local $start i32) (local $end i64)
    (local.set $start
      (i32.and
        (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i64.add (i64.extend_i32_u (local.get $start)) (i64.extend_i32_u (local.get $size))))
    (if (i64.gt_u (local.get $end) (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16)))
      (then
        (if (i32.eq
              (memory.grow
                (i32.wrap_i64
                  (i64.add (i64.const 1)
                    (i64.shr_u
                      (i64.sub (local.get $end) (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16)))
                      (i64.const 16)))))
              (i32.const -1))
          (then unreachable))))
    (global.set $top (i32.wrap_i64 (local.get $end)))
    (local.get $start))

  ;; The host asks for room for the strings that it passes; it never moves a block that it asked for.
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
    (result i32)
    (if (local.get $old) (then unreachable))
    (call $alloc (local.get $size) (local.get $align)))

  (func $forget (global.set $top (i32.const 65536)))
  (func (export "cabi_post_convert") (param i32) (call $forget))
  (func (export "cabi_post_list") (param i32) (call $forget))

  ;; ---- Text ----

  (func $is-break (param $byte i32) (result i32)
    (i32.or
      (i32.eq (local.get $byte) (i32.const 32))
      (i32.or (i32.eq (local.get $byte) (i32.const 10)) (i32.eqz (local.get $byte)))))

  ;; The address after the word that begins at $at.
  (func $word-end (param $at i32) (result i32)
    (loop $next
      (if (i32.eqz (call $is-break (i32.load8_u (local.get $at))))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))
    (local.get $at))

  ;; A byte as it is compared: a space or hyphen as _, and with $fold letters in lower case.
  (func $plain (param $byte i32) (param $fold i32) (result i32)
    (if (i32.or (i32.eq (local.get $byte) (i32.const 32)) (i32.eq (local.get $byte) (i32.const 45)))
      (then (return (i32.const 95))))
    (if (i32.and (local.get $fold)
          (i32.lt_u (i32.sub (local.get $byte) (i32.const 65)) (i32.const 26)))
      (then (return (i32.add (local.get $byte) (i32.const 32)))))
    (local.get $byte))

  ;; Whether $len bytes at $left and at $right are alike.
  (func $alike (param $left i32) (param $right i32) (param $len i32) (param $fold i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $len)) (then (return (i32.const 1))))
      (if (i32.ne
            (call $plain (i32.load8_u (local.get $left)) (local.get $fold))
            (call $plain (i32.load8_u (local.get $right)) (local.get $fold)))
        (then (return (i32.const 0))))
      (local.set $left (i32.add (local.get $left) (i32.const 1)))
      (local.set $right (i32.add (local.get $right) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br $next))
    unreachable)

  ;; Whether the word from $word to $end has the $len bytes at $part somewhere in it.
  (func $has-part (param $word i32) (param $end i32) (param $part i32) (param $len i32) (result i32)
    (loop $next
      (if (i32.gt_u (i32.add (local.get $word) (local.get $len)) (local.get $end))
        (then (return (i32.const 0))))
      (if (call $alike (local.get $word) (local.get $part) (local.get $len) (i32.const 1))
        (then (return (i32.const 1))))
      (local.set $word (i32.add (local.get $word) (i32.const 1)))
      (br $next))
    unreachable)

  ;; Spaces around what was typed do not count: sets $at to the first byte, gives the length.
  (func $trim (param $text i32) (param $len i32) (result i32)
    (loop $front
      (if (i32.and (i32.gt_u (local.get $len) (i32.const 0))
            (i32.eq (i32.load8_u (local.get $text)) (i32.const 32)))
        (then
          (local.set $text (i32.add (local.get $text) (i32.const 1)))
          (local.set $len (i32.sub (local.get $len) (i32.const 1)))
          (br $front))))
    (loop $back
      (if (i32.gt_u (local.get $len) (i32.const 0))
        (then
          (if (i32.eq
                (i32.load8_u (i32.sub (i32.add (local.get $text) (local.get $len)) (i32.const 1)))
                (i32.const 32))
            (then
              (local.set $len (i32.sub (local.get $len) (i32.const 1)))
              (br $back))))))
    (global.set $at (local.get $text))
    (local.get $len))

  ;; ---- Text under construction ----

  (func $text-begin (global.set $text (global.get $top)))

  (func $put (param $from i32) (param $len i32)
    (local $to i32)
    (local.set $to (call $alloc (local.get $len) (i32.const 1)))
    (memory.copy (local.get $to) (local.get $from) (local.get $len)))

  ;; Appends the message at $from, which ends with a zero byte.
  (func $say (param $from i32)
    (local $end i32)
    (local.set $end (local.get $from))
    (loop $next
      (if (i32.load8_u (local.get $end))
        (then
          (local.set $end (i32.add (local.get $end) (i32.const 1)))
          (br $next))))
    (call $put (local.get $from) (i32.sub (local.get $end) (local.get $from))))

  (func $put-word (param $word i32)
    (call $put (local.get $word) (i32.sub (call $word-end (local.get $word)) (local.get $word))))

  ;; At most 64 bytes of what was typed, in quotes, cut between characters.
  (func $put-typed (param $text i32) (param $len i32)
    (if (i32.gt_u (local.get $len) (i32.const 64))
      (then
        (local.set $len (i32.const 64))
        (loop $back
          (if (i32.eq
                (i32.and (i32.load8_u (i32.add (local.get $text) (local.get $len))) (i32.const 0xc0))
                (i32.const 0x80))
            (then
              (local.set $len (i32.sub (local.get $len) (i32.const 1)))
              (br $back))))))
    (call $say (i32.const 1024))
    (call $put (local.get $text) (local.get $len))
    (call $say (i32.const 1024)))

  ;; ---- The table ----

  ;; The line after the one at $line, or the end of the table.
  (func $next-line (param $line i32) (result i32)
    (loop $next
      (if (i32.ne (i32.load8_u (local.get $line)) (i32.const 10))
        (then
          (local.set $line (i32.add (local.get $line) (i32.const 1)))
          (br $next))))
    (i32.add (local.get $line) (i32.const 1)))

  ;; Which word of the line is the name, as an address, or 0. $part: a part of a name is enough.
  (func $word-of (param $line i32) (param $name i32) (param $len i32) (param $fold i32) (param $part i32)
    (result i32)
    (local $word i32) (local $end i32) (local $index i32)
    (local.set $word (local.get $line))
    (loop $next
      (local.set $end (call $word-end (local.get $word)))
      ;; Word 1 is the ratio.
      (if (i32.ne (local.get $index) (i32.const 1))
        (then
          (if (local.get $part)
            (then
              (if (call $has-part (local.get $word) (local.get $end) (local.get $name) (local.get $len))
                (then (return (local.get $word)))))
            (else
              (if (i32.eq (local.get $len) (i32.sub (local.get $end) (local.get $word)))
                (then
                  (if (call $alike (local.get $word) (local.get $name) (local.get $len) (local.get $fold))
                    (then (return (local.get $word))))))))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (local.set $word (i32.add (local.get $end) (i32.const 1)))
      (br_if $next (i32.eq (i32.load8_u (local.get $end)) (i32.const 32))))
    (i32.const 0))

  ;; The line of the unit of that name, or 0; $matches says how many there are.
  (func $lookup (param $name i32) (param $len i32) (param $fold i32) (result i32)
    (local $line i32) (local $found i32)
    (global.set $matches (i32.const 0))
    (local.set $line (i32.const 8192))
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $line))) (then (return (local.get $found))))
      (if (i32.ne (i32.load8_u (local.get $line)) (i32.const 35))
        (then
          (if (call $word-of (local.get $line) (local.get $name) (local.get $len) (local.get $fold)
                (i32.const 0))
            (then
              (local.set $found (local.get $line))
              (global.set $matches (i32.add (global.get $matches) (i32.const 1)))))))
      (local.set $line (call $next-line (local.get $line)))
      (br $next))
    unreachable)

  ;; The unit as it was typed, else the only one that differs from it by upper and lower case alone.
  (func $find (param $name i32) (param $len i32) (result i32)
    (local $line i32)
    (local.set $line (call $lookup (local.get $name) (local.get $len) (i32.const 0)))
    (if (i32.eqz (global.get $matches))
      (then (local.set $line (call $lookup (local.get $name) (local.get $len) (i32.const 1)))))
    (if (i32.ne (global.get $matches) (i32.const 1)) (then (return (i32.const 0))))
    (local.get $line))

  ;; The dimension of a unit's line: how many headings stand before it, less one.
  (func $dimension-of (param $line i32) (result i32)
    (local $at i32) (local $count i32)
    (local.set $at (i32.const 8192))
    (loop $next
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 35))
        (then (local.set $count (i32.add (local.get $count) (i32.const 1)))))
      (local.set $at (call $next-line (local.get $at)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $line))))
    (i32.sub (local.get $count) (i32.const 1)))

  ;; The heading of a dimension, without its #.
  (func $heading (param $dimension i32) (result i32)
    (local $at i32)
    (local.set $at (i32.const 8192))
    (loop $next
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 35))
        (then
          (if (i32.eqz (local.get $dimension)) (then (return (i32.add (local.get $at) (i32.const 1)))))
          (local.set $dimension (i32.sub (local.get $dimension) (i32.const 1)))))
      (local.set $at (call $next-line (local.get $at)))
      (br $next))
    unreachable)

  ;; The integer at $at, which is left after it and the one byte that follows.
  (func $integer (result i64)
    (local $value i64) (local $digit i32)
    (loop $next
      (local.set $digit (i32.sub (i32.load8_u (global.get $at)) (i32.const 48)))
      (global.set $at (i32.add (global.get $at) (i32.const 1)))
      (if (i32.lt_u (local.get $digit) (i32.const 10))
        (then
          (local.set $value
            (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
          (br $next))))
    (local.get $value))

  ;; A unit's ratio to $out: numerator, denominator, offset's numerator and denominator, inverse (each 8 bytes).
  (func $ratio (param $line i32) (param $out i32)
    (global.set $at (i32.add (call $word-end (local.get $line)) (i32.const 1)))
    (i64.store offset=16 (local.get $out) (i64.const 0))
    (i64.store offset=24 (local.get $out) (i64.const 1))
    (i64.store offset=32 (local.get $out) (i64.const 0))
    (if (i32.eq (i32.load8_u (global.get $at)) (i32.const 126))
      (then
        (i64.store offset=32 (local.get $out) (i64.const 1))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))))
    (i64.store (local.get $out) (call $integer))
    (i64.store offset=8 (local.get $out) (call $integer))
    (if (i32.eq (i32.load8_u (i32.sub (global.get $at) (i32.const 1))) (i32.const 43))
      (then
        (i64.store offset=16 (local.get $out) (call $integer))
        (i64.store offset=24 (local.get $out) (call $integer)))))

  ;; ---- Arithmetic ----

  (func $gcd (param $a i64) (param $b i64) (result i64)
    (local $rest i64)
    (loop $next
      (if (i64.eqz (local.get $b)) (then (return (local.get $a))))
      (local.set $rest (i64.rem_u (local.get $a) (local.get $b)))
      (local.set $a (local.get $b))
      (local.set $b (local.get $rest))
      (br $next))
    unreachable)

  ;; a * b as a float: exact as long as it can be, else rounded.
  (func $product (param $a i64) (param $b i64) (result f64)
    (local $both i64)
    (local.set $both (i64.mul (local.get $a) (local.get $b)))
    (if (i64.eqz (local.get $a)) (then (return (f64.const 0))))
    (if (i64.eq (i64.div_u (local.get $both) (local.get $a)) (local.get $b))
      (then (return (f64.convert_i64_u (local.get $both)))))
    (f64.mul (f64.convert_i64_u (local.get $a)) (f64.convert_i64_u (local.get $b))))

  ;; value * (n1 / d1) / (n2 / d2): the ratio in lowest terms, then one multiplication and one division.
  (func $scale (param $value f64) (param $n1 i64) (param $d1 i64) (param $n2 i64) (param $d2 i64) (result f64)
    (local $g i64) (local $over f64) (local $under f64) (local $out f64)
    (local.set $g (call $gcd (local.get $n1) (local.get $n2)))
    (local.set $n1 (i64.div_u (local.get $n1) (local.get $g)))
    (local.set $n2 (i64.div_u (local.get $n2) (local.get $g)))
    (local.set $g (call $gcd (local.get $d1) (local.get $d2)))
    (local.set $d1 (i64.div_u (local.get $d1) (local.get $g)))
    (local.set $d2 (i64.div_u (local.get $d2) (local.get $g)))
    (local.set $g (call $gcd (local.get $n1) (local.get $d1)))
    (local.set $n1 (i64.div_u (local.get $n1) (local.get $g)))
    (local.set $d1 (i64.div_u (local.get $d1) (local.get $g)))
    (local.set $g (call $gcd (local.get $n2) (local.get $d2)))
    (local.set $n2 (i64.div_u (local.get $n2) (local.get $g)))
    (local.set $d2 (i64.div_u (local.get $d2) (local.get $g)))
    (local.set $over (call $product (local.get $n1) (local.get $d2)))
    (local.set $under (call $product (local.get $d1) (local.get $n2)))
    (local.set $out (f64.div (f64.mul (local.get $value) (local.get $over)) (local.get $under)))
    ;; What overflows on the way may fit at the end.
    (if (f64.eq (f64.abs (local.get $out)) (f64.const inf))
      (then (local.set $out (f64.mul (f64.div (local.get $value) (local.get $under)) (local.get $over)))))
    (local.get $out))

  ;; The value in the unit at $to of a value in the unit at $from, both as $ratio wrote them.
  (func $converted (param $value f64) (param $from i32) (param $to i32) (result f64)
    (local $shift i64) (local $times i64) (local $plus i64) (local $under i64) (local $common i64)
    ;; Inverse units: base = n / (d * value), and the same the other way round.
    (if (i64.ne (i64.load offset=32 (local.get $from)) (i64.load offset=32 (local.get $to)))
      (then
        (return
          (if (result f64) (i64.eqz (i64.load offset=32 (local.get $to)))
            (then
              (f64.div
                (call $scale (f64.const 1)
                  (i64.load (local.get $from)) (i64.load offset=8 (local.get $from))
                  (i64.load (local.get $to)) (i64.load offset=8 (local.get $to)))
                (local.get $value)))
            (else
              (f64.div
                (call $scale (f64.const 1)
                  (i64.load (local.get $to)) (i64.load offset=8 (local.get $to))
                  (i64.load (local.get $from)) (i64.load offset=8 (local.get $from)))
                (local.get $value)))))))
    ;; The offsets' difference, as one fraction of integers: Celsius to Fahrenheit adds exactly 32.
    (local.set $shift
      (i64.sub
        (i64.mul (i64.load offset=16 (local.get $from)) (i64.load offset=24 (local.get $to)))
        (i64.mul (i64.load offset=16 (local.get $to)) (i64.load offset=24 (local.get $from)))))
    (if (i64.eqz (local.get $shift))
      (then
        (return
          (call $scale (local.get $value)
            (i64.load (local.get $from)) (i64.load offset=8 (local.get $from))
            (i64.load (local.get $to)) (i64.load offset=8 (local.get $to))))))
    ;; (value * times + plus) / under, all integers: a sum after the division would add its rounding error to a
    ;; difference of nearly equal numbers. Scales with offsets have small ratios, so nothing overflows.
    (local.set $times
      (i64.mul (i64.load (local.get $from))
        (i64.mul (i64.load offset=8 (local.get $to))
          (i64.mul (i64.load offset=24 (local.get $from)) (i64.load offset=24 (local.get $to))))))
    (local.set $plus
      (i64.mul (local.get $shift)
        (i64.mul (i64.load offset=8 (local.get $from)) (i64.load offset=8 (local.get $to)))))
    (local.set $under
      (i64.mul
        (i64.mul (i64.load offset=8 (local.get $from)) (i64.load (local.get $to)))
        (i64.mul (i64.load offset=24 (local.get $from)) (i64.load offset=24 (local.get $to)))))
    (local.set $common
      (call $gcd (local.get $times)
        (call $gcd (local.get $under)
          (select (local.get $plus) (i64.sub (i64.const 0) (local.get $plus))
            (i64.gt_s (local.get $plus) (i64.const 0))))))
    (f64.div
      (f64.add
        (f64.mul (local.get $value) (f64.convert_i64_s (i64.div_s (local.get $times) (local.get $common))))
        (f64.convert_i64_s (i64.div_s (local.get $plus) (local.get $common))))
      (f64.convert_i64_s (i64.div_s (local.get $under) (local.get $common)))))

  ;; ---- The functions of the world ----

  ;; A result that is an error, with the text under construction.
  (func $failed (result i32)
    (local $out i32) (local $end i32)
    (local.set $end (global.get $top))
    (local.set $out (call $alloc (i32.const 40) (i32.const 8)))
    (i32.store8 (local.get $out) (i32.const 1))
    (i32.store offset=8 (local.get $out) (global.get $text))
    (i32.store offset=12 (local.get $out) (i32.sub (local.get $end) (global.get $text)))
    (local.get $out))

  ;; Appends the symbols of the units that the name could mean: $fold, by case; else, by a part of a name.
  (func $suggest (param $name i32) (param $len i32) (param $by-case i32) (param $before i32)
    (local $line i32) (local $count i32) (local $word i32)
    (local.set $line (i32.const 8192))
    (loop $next
      (if (i32.load8_u (local.get $line))
        (then
          (if (i32.ne (i32.load8_u (local.get $line)) (i32.const 35))
            (then
              (local.set $word
                (call $word-of (local.get $line) (local.get $name) (local.get $len) (i32.const 1)
                  (i32.eqz (local.get $by-case))))
              (if (i32.and (i32.ne (local.get $word) (i32.const 0))
                    (i32.lt_u (local.get $count) (i32.const 8)))
                (then
                  (if (local.get $count)
                    (then (call $say (i32.const 1280)))
                    (else (call $say (local.get $before))))
                  (call $put-word (local.get $line))
                  (if (i32.ne (local.get $word) (local.get $line))
                    (then
                      (call $say (i32.const 1288))
                      (call $put-word (local.get $word))
                      (call $say (i32.const 1296))))
                  (local.set $count (i32.add (local.get $count) (i32.const 1)))))))
          (local.set $line (call $next-line (local.get $line)))
          (br $next)))))

  ;; Why a name is no unit: unknown, or more than one.
  (func $no-unit (param $name i32) (param $len i32) (result i32)
    (call $text-begin)
    (if (global.get $matches)
      (then
        (call $put-typed (local.get $name) (local.get $len))
        (call $suggest (local.get $name) (local.get $len) (i32.const 1) (i32.const 1152)))
      (else
        (call $say (i32.const 1056))
        (call $put-typed (local.get $name) (local.get $len))
        ;; A long text is no part of a name, and a single letter is a part of too many.
        (if (i32.lt_u (i32.sub (local.get $len) (i32.const 2)) (i32.const 30))
          (then (call $suggest (local.get $name) (local.get $len) (i32.const 0) (i32.const 1216))))
        (call $say (i32.const 1312))))
    (call $failed))

  (func (export "convert")
    (param $value f64) (param $from i32) (param $from-len i32) (param $to i32) (param $to-len i32)
    (result i32)
    (local $from-line i32) (local $to-line i32) (local $dimension i32) (local $out i32) (local $result f64)
    (local.set $from-len (call $trim (local.get $from) (local.get $from-len)))
    (local.set $from (global.get $at))
    (local.set $to-len (call $trim (local.get $to) (local.get $to-len)))
    (local.set $to (global.get $at))
    ;; Neither NaN nor infinite.
    (if (i32.eqz (f64.lt (f64.abs (local.get $value)) (f64.const inf)))
      (then (call $text-begin) (call $say (i32.const 1472)) (return (call $failed))))
    (local.set $from-line (call $find (local.get $from) (local.get $from-len)))
    (if (i32.eqz (local.get $from-line))
      (then (return (call $no-unit (local.get $from) (local.get $from-len)))))
    (local.set $to-line (call $find (local.get $to) (local.get $to-len)))
    (if (i32.eqz (local.get $to-line))
      (then (return (call $no-unit (local.get $to) (local.get $to-len)))))
    (local.set $dimension (call $dimension-of (local.get $from-line)))
    (if (i32.ne (local.get $dimension) (call $dimension-of (local.get $to-line)))
      (then (return (call $other-dimension (local.get $from-line) (local.get $to-line)))))
    (call $ratio (local.get $from-line) (i32.const 0))
    (call $ratio (local.get $to-line) (i32.const 64))
    (if (call $below-zero (local.get $value) (local.get $dimension))
      (then (call $text-begin) (call $say (i32.const 1536)) (return (call $failed))))
    (local.set $result (call $converted (local.get $value) (i32.const 0) (i32.const 64)))
    (if (i32.eqz (f64.lt (f64.abs (local.get $result)) (f64.const inf)))
      (then (call $text-begin) (call $say (i32.const 1600)) (return (call $failed))))
    (local.set $out (call $alloc (i32.const 40) (i32.const 8)))
    (i32.store8 (local.get $out) (i32.const 0))
    (f64.store offset=8 (local.get $out) (local.get $result))
    (call $store-word (i32.add (local.get $out) (i32.const 16)) (local.get $from-line))
    (call $store-word (i32.add (local.get $out) (i32.const 24)) (local.get $to-line))
    (i32.store8 offset=32 (local.get $out) (local.get $dimension))
    (local.get $out))

  ;; A string in a result: the word at $word.
  (func $store-word (param $out i32) (param $word i32)
    (i32.store (local.get $out) (local.get $word))
    (i32.store offset=4 (local.get $out) (i32.sub (call $word-end (local.get $word)) (local.get $word))))

  (func $other-dimension (param $from i32) (param $to i32) (result i32)
    (call $text-begin)
    (call $put-word (local.get $from))
    (call $say (i32.const 1664))
    (call $put-word (call $heading (call $dimension-of (local.get $from))))
    (call $say (i32.const 1696))
    (call $put-word (local.get $to))
    (call $say (i32.const 1664))
    (call $put-word (call $heading (call $dimension-of (local.get $to))))
    (call $say (i32.const 1728))
    (call $failed))

  ;; Whether a temperature (dimension 6), whose ratio is at 0, is below absolute zero.
  (func $below-zero (param $value f64) (param $dimension i32) (result i32)
    (if (i32.ne (local.get $dimension) (i32.const 6)) (then (return (i32.const 0))))
    (f64.lt
      (local.get $value)
      (f64.neg
        (f64.div
          (f64.convert_i64_u (i64.mul (i64.load (i32.const 16)) (i64.load (i32.const 8))))
          (f64.convert_i64_u (i64.mul (i64.load (i32.const 24)) (i64.load (i32.const 0))))))))

  ;; How many units there are of a dimension, or with $all of every one.
  (func $count (param $all i32) (param $dimension i32) (result i32)
    (local $line i32) (local $count i32) (local $current i32)
    (local.set $line (i32.const 8192))
    (local.set $current (i32.const -1))
    (loop $next
      (if (i32.load8_u (local.get $line))
        (then
          (if (i32.eq (i32.load8_u (local.get $line)) (i32.const 35))
            (then (local.set $current (i32.add (local.get $current) (i32.const 1))))
            (else
              (local.set $count
                (i32.add (local.get $count)
                  (i32.or (local.get $all) (i32.eq (local.get $current) (local.get $dimension)))))))
          (local.set $line (call $next-line (local.get $line)))
          (br $next))))
    (local.get $count))

  (func (export "list") (param $given i32) (param $dimension i32) (result i32)
    (local $all i32) (local $units i32) (local $unit i32) (local $out i32) (local $line i32) (local $current i32)
    (local.set $all (i32.eqz (local.get $given)))
    (local.set $units
      (call $alloc (i32.mul (i32.const 20) (call $count (local.get $all) (local.get $dimension))) (i32.const 4)))
    (local.set $unit (local.get $units))
    (local.set $line (i32.const 8192))
    (local.set $current (i32.const -1))
    (loop $next
      (if (i32.load8_u (local.get $line))
        (then
          (if (i32.eq (i32.load8_u (local.get $line)) (i32.const 35))
            (then (local.set $current (i32.add (local.get $current) (i32.const 1))))
            (else
              (if (i32.or (local.get $all) (i32.eq (local.get $current) (local.get $dimension)))
                (then
                  (call $store-unit (local.get $unit) (local.get $line) (local.get $current))
                  (local.set $unit (i32.add (local.get $unit) (i32.const 20)))))))
          (local.set $line (call $next-line (local.get $line)))
          (br $next))))
    (local.set $out (call $alloc (i32.const 8) (i32.const 4)))
    (i32.store (local.get $out) (local.get $units))
    (i32.store offset=4 (local.get $out)
      (i32.div_u (i32.sub (local.get $unit) (local.get $units)) (i32.const 20)))
    (local.get $out))

  (func $store-unit (param $unit i32) (param $line i32) (param $dimension i32)
    (local $names i32) (local $word i32) (local $count i32)
    (call $store-word (local.get $unit) (local.get $line))
    (i32.store8 offset=16 (local.get $unit) (local.get $dimension))
    ;; Past the symbol and the ratio.
    (local.set $word (call $word-end (i32.add (call $word-end (local.get $line)) (i32.const 1))))
    (local.set $names (call $alloc (i32.const 0) (i32.const 4)))
    (loop $next
      (if (i32.eq (i32.load8_u (local.get $word)) (i32.const 32))
        (then
          (local.set $word (i32.add (local.get $word) (i32.const 1)))
          ;; Nothing else is allocated meanwhile, so the blocks follow each other.
          (call $store-word (call $alloc (i32.const 8) (i32.const 4)) (local.get $word))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (local.set $word (call $word-end (local.get $word)))
          (br $next))))
    (i32.store offset=8 (local.get $unit) (local.get $names))
    (i32.store offset=12 (local.get $unit) (local.get $count)))

  ;; ---- Messages; each ends with a zero byte ----

  (data (i32.const 1024) "\22\00")
  (data (i32.const 1056) "There is no unit called \00")
  (data (i32.const 1152) " is more than one unit but for upper and lower case: \00")
  (data (i32.const 1216) "; did you mean \00")
  (data (i32.const 1280) ", \00")
  (data (i32.const 1288) " (\00")
  (data (i32.const 1296) ")\00")
  (data (i32.const 1312) ". The list function gives all units; compound units that are not in it are not taken apart.\00")
  (data (i32.const 1472) "The value has to be a finite number.\00")
  (data (i32.const 1536) "The temperature is below absolute zero.\00")
  (data (i32.const 1600) "The converted value has no finite size.\00")
  (data (i32.const 1664) " is a unit of \00")
  (data (i32.const 1696) " and \00")
  (data (i32.const 1728) "; they do not convert into each other.\00")

  ;; ---- The table ----

  (data (i32.const 8192)
        "#length\n"
        "m 1/1 metre metres meter meters\n"
        "km 1000/1 kilometre kilometres kilometer kilometers\n"
        "dm 1/10 decimetre decimetres decimeter decimeters\n"
        "cm 1/100 centimetre centimetres centimeter centimeters\n"
        "mm 1/1000 millimetre millimetres millimeter millimeters\n"
        "µm 1/1000000 um μm micrometre micrometres micrometer micrometers micron microns\n"
        "nm 1/1000000000 nanometre nanometres nanometer nanometers\n"
        "Å 1/10000000000 angstrom angstroms\n"
        "in 254/10000 inch inches \"\n"
        "ft 3048/10000 foot feet '\n"
        "yd 9144/10000 yard yards\n"
        "mi 1609344/1000 mile miles\n"
        "nmi 1852/1 nautical_mile nautical_miles\n"
        "thou 254/10000000 mil mils\n"
        "furlong 201168/1000 furlongs\n"
        "chain 201168/10000 chains\n"
        "fathom 18288/10000 fathoms\n"
        "point 254/720000 points typographic_point\n"
        "pica 254/60000 picas\n"
        "px 254/960000 css_px css_pixel css_pixels\n"
        "au 149597870700/1 astronomical_unit astronomical_units\n"
        "ly 9460730472580800/1 light_year light_years lightyear lightyears\n"
        "pc 30856775814913673/1 parsec parsecs\n"
        "#area\n"
        "m² 1/1 m2 m^2 sqm square_metre square_metres square_meter square_meters\n"
        "km² 1000000/1 km2 km^2 square_kilometre square_kilometres square_kilometer square_kilometers\n"
        "cm² 1/10000 cm2 cm^2 square_centimetre square_centimetres square_centimeter square_centimeters\n"
        "mm² 1/1000000 mm2 mm^2 square_millimetre square_millimetres square_millimeter square_millimeters\n"
        "ha 10000/1 hectare hectares\n"
        "are 100/1 ares\n"
        "in² 64516/100000000 in2 in^2 sq_in square_inch square_inches\n"
        "ft² 9290304/100000000 ft2 ft^2 sq_ft sqft square_foot square_feet\n"
        "yd² 83612736/100000000 yd2 yd^2 sq_yd square_yard square_yards\n"
        "mi² 2589988110336/1000000 mi2 mi^2 sq_mi square_mile square_miles\n"
        "acre 40468564224/10000000 acres ac\n"
        "#volume\n"
        "L 1/1000 l litre litres liter liters\n"
        "mL 1/1000000 ml millilitre millilitres milliliter milliliters\n"
        "cL 1/100000 cl centilitre centilitres centiliter centiliters\n"
        "dL 1/10000 dl decilitre decilitres deciliter deciliters\n"
        "m³ 1/1 m3 m^3 cubic_metre cubic_metres cubic_meter cubic_meters\n"
        "cm³ 1/1000000 cm3 cm^3 cc cubic_centimetre cubic_centimetres cubic_centimeter cubic_centimeters\n"
        "mm³ 1/1000000000 mm3 mm^3 cubic_millimetre cubic_millimetres cubic_millimeter cubic_millimeters\n"
        "in³ 16387064/1000000000000 in3 in^3 cubic_inch cubic_inches\n"
        "ft³ 28316846592/1000000000000 ft3 ft^3 cubic_foot cubic_feet\n"
        "yd³ 764554857984/1000000000000 yd3 yd^3 cubic_yard cubic_yards\n"
        "gal 3785411784/1000000000000 gallon gallons us_gal us_gallon us_gallons\n"
        "qt 946352946/1000000000000 quart quarts us_qt us_quart us_quarts\n"
        "pt 473176473/1000000000000 pint pints us_pt us_pint us_pints\n"
        "cup 2365882365/10000000000000 cups us_cup us_cups\n"
        "fl_oz 295735295625/10000000000000000 floz fluid_ounce fluid_ounces us_fl_oz\n"
        "tbsp 1478676478125/100000000000000000 tablespoon tablespoons\n"
        "tsp 492892159375/100000000000000000 teaspoon teaspoons\n"
        "imp_gal 454609/100000000 imperial_gallon imperial_gallons uk_gal\n"
        "imp_qt 11365225/10000000000 imperial_quart imperial_quarts uk_qt\n"
        "imp_pt 56826125/100000000000 imperial_pint imperial_pints uk_pt\n"
        "imp_fl_oz 284130625/10000000000000 imperial_fluid_ounce imperial_fluid_ounces uk_fl_oz\n"
        "bbl 158987294928/1000000000000 barrel barrels oil_barrel oil_barrels\n"
        "#mass\n"
        "kg 1/1 kilogram kilograms kilogramme kilogrammes kilo kilos\n"
        "g 1/1000 gram grams gramme grammes\n"
        "mg 1/1000000 milligram milligrams\n"
        "µg 1/1000000000 ug μg mcg microgram micrograms\n"
        "t 1000/1 tonne tonnes metric_ton metric_tons\n"
        "lb 45359237/100000000 lbs pound pounds\n"
        "oz 28349523125/1000000000000 ounce ounces\n"
        "st 635029318/100000000 stone stones\n"
        "short_ton 90718474/100000 short_tons us_ton us_tons\n"
        "long_ton 10160469088/10000000 long_tons imperial_ton imperial_tons\n"
        "gr 6479891/100000000000 grain grains\n"
        "ct 2/10000 carat carats\n"
        "oz_t 311034768/10000000000 troy_ounce troy_ounces ozt\n"
        "#time\n"
        "s 1/1 sec second seconds\n"
        "ms 1/1000 millisecond milliseconds\n"
        "µs 1/1000000 us μs microsecond microseconds\n"
        "ns 1/1000000000 nanosecond nanoseconds\n"
        "min 60/1 minute minutes\n"
        "h 3600/1 hr hrs hour hours\n"
        "d 86400/1 day days\n"
        "wk 604800/1 week weeks\n"
        "fortnight 1209600/1 fortnights\n"
        "month 2629746/1 months\n"
        "yr 31556952/1 year years\n"
        "decade 315569520/1 decades\n"
        "century 3155695200/1 centuries\n"
        "#speed\n"
        "m/s 1/1 mps metre_per_second metres_per_second meter_per_second meters_per_second\n"
        "km/h 1000/3600 kmh kph kilometres_per_hour kilometers_per_hour\n"
        "mph 44704/100000 mi/h mile_per_hour miles_per_hour\n"
        "kn 1852/3600 kt kts knot knots\n"
        "ft/s 3048/10000 fps foot_per_second feet_per_second\n"
        "c 299792458/1 speed_of_light\n"
        "#temperature\n"
        "K 1/1 kelvin kelvins\n"
        "°C 1/1+27315/100 C degC celsius centigrade degree_celsius degrees_celsius\n"
        "°F 5/9+45967/180 F degF fahrenheit degree_fahrenheit degrees_fahrenheit\n"
        "°R 5/9 degR rankine degree_rankine degrees_rankine\n"
        "#pressure\n"
        "Pa 1/1 pascal pascals\n"
        "hPa 100/1 hectopascal hectopascals\n"
        "kPa 1000/1 kilopascal kilopascals\n"
        "MPa 1000000/1 megapascal megapascals\n"
        "bar 100000/1 bars\n"
        "mbar 100/1 millibar millibars\n"
        "atm 101325/1 atmosphere atmospheres\n"
        "psi 44482216152605/6451600000 lbf/in² pounds_per_square_inch\n"
        "Torr 101325/760 torrs\n"
        "mmHg 133322387415/1000000000 millimetres_of_mercury millimeters_of_mercury\n"
        "inHg 3386389/1000 inches_of_mercury\n"
        "#energy\n"
        "J 1/1 joule joules\n"
        "kJ 1000/1 kilojoule kilojoules\n"
        "MJ 1000000/1 megajoule megajoules\n"
        "cal 4184/1000 calorie calories\n"
        "kcal 4184/1 Cal kilocalorie kilocalories\n"
        "Wh 3600/1 watt_hour watt_hours\n"
        "kWh 3600000/1 kilowatt_hour kilowatt_hours\n"
        "MWh 3600000000/1 megawatt_hour megawatt_hours\n"
        "GWh 3600000000000/1 gigawatt_hour gigawatt_hours\n"
        "BTU 105505585262/100000000 btus british_thermal_unit british_thermal_units\n"
        "therm 105505585262/1000 therms\n"
        "ft_lb 13558179483314004/10000000000000000 ftlb ft_lbf foot_pound foot_pounds\n"
        "erg 1/10000000 ergs\n"
        "#power\n"
        "W 1/1 watt watts\n"
        "mW 1/1000 milliwatt milliwatts\n"
        "kW 1000/1 kilowatt kilowatts\n"
        "MW 1000000/1 megawatt megawatts\n"
        "GW 1000000000/1 gigawatt gigawatts\n"
        "hp 74569987158227022/100000000000000 horsepower mechanical_horsepower\n"
        "PS 73549875/100000 metric_horsepower\n"
        "BTU/h 105505585262/360000000000 btu_per_hour\n"
        "#force\n"
        "N 1/1 newton newtons\n"
        "kN 1000/1 kilonewton kilonewtons\n"
        "lbf 44482216152605/10000000000000 pound_force pounds_force\n"
        "kgf 980665/100000 kilogram_force kilograms_force kp\n"
        "dyn 1/100000 dyne dynes\n"
        "#angle\n"
        "° 1/1 deg degree degrees\n"
        "rad 57295779513082321/1000000000000000 radian radians\n"
        "mrad 57295779513082321/1000000000000000000 milliradian milliradians\n"
        "grad 9/10 gon gons gradian gradians\n"
        "turn 360/1 turns revolution revolutions\n"
        "arcmin 1/60 minute_of_arc minutes_of_arc\n"
        "arcsec 1/3600 second_of_arc seconds_of_arc\n"
        "#data\n"
        "bit 1/1 b bits\n"
        "kb 1000/1 kbit kilobit kilobits\n"
        "Mb 1000000/1 Mbit megabit megabits\n"
        "Gb 1000000000/1 Gbit gigabit gigabits\n"
        "Tb 1000000000000/1 Tbit terabit terabits\n"
        "nibble 4/1 nibbles\n"
        "B 8/1 byte bytes octet octets\n"
        "kB 8000/1 KB kilobyte kilobytes\n"
        "MB 8000000/1 megabyte megabytes\n"
        "GB 8000000000/1 gigabyte gigabytes\n"
        "TB 8000000000000/1 terabyte terabytes\n"
        "PB 8000000000000000/1 petabyte petabytes\n"
        "EB 8000000000000000000/1 exabyte exabytes\n"
        "KiB 8192/1 kibibyte kibibytes\n"
        "MiB 8388608/1 mebibyte mebibytes\n"
        "GiB 8589934592/1 gibibyte gibibytes\n"
        "TiB 8796093022208/1 tebibyte tebibytes\n"
        "PiB 9007199254740992/1 pebibyte pebibytes\n"
        "EiB 9223372036854775808/1 exbibyte exbibytes\n"
        "#data-rate\n"
        "bit/s 1/1 bps b/s bits_per_second\n"
        "kbit/s 1000/1 kbps kb/s kilobits_per_second\n"
        "Mbit/s 1000000/1 Mbps Mb/s megabits_per_second\n"
        "Gbit/s 1000000000/1 Gbps Gb/s gigabits_per_second\n"
        "B/s 8/1 Bps bytes_per_second\n"
        "kB/s 8000/1 KB/s kBps kilobytes_per_second\n"
        "MB/s 8000000/1 MBps megabytes_per_second\n"
        "GB/s 8000000000/1 GBps gigabytes_per_second\n"
        "KiB/s 8192/1 kibibytes_per_second\n"
        "MiB/s 8388608/1 mebibytes_per_second\n"
        "GiB/s 8589934592/1 gibibytes_per_second\n"
        "#frequency\n"
        "Hz 1/1 hertz\n"
        "kHz 1000/1 kilohertz\n"
        "MHz 1000000/1 megahertz\n"
        "GHz 1000000000/1 gigahertz\n"
        "rpm 1/60 revolutions_per_minute\n"
        "#fuel-economy\n"
        "km/L 1/1 km/l kilometres_per_litre kilometers_per_liter\n"
        "mpg 1609344000/3785411784 mpg_us us_mpg miles_per_gallon\n"
        "imp_mpg 1609344/4546090 mpg_imp uk_mpg miles_per_imperial_gallon\n"
        "L/100km ~100/1 l/100km litres_per_100_kilometres liters_per_100_kilometers\n"
        "\00"))
