;; Takes all the memory that there is: every page is written, so that every page is there.
(component
  (core module $code
    (memory $small (export "memory") 1)
    (memory $large i64 1)
    (table $functions 1 funcref)
    (func (export "memory-pages") (result i32)
      (loop $more
        (if (i32.ne (memory.grow $small (i32.const 16)) (i32.const -1))
          (then
            (memory.fill $small
              (i32.mul (i32.sub (memory.size $small) (i32.const 16)) (i32.const 65536))
              (i32.const 1) (i32.const 1048576))
            (br $more))))
      (memory.size $small))
    (func (export "wide-pages") (result i64)
      (loop $more
        (if (i64.ne (memory.grow $large (i64.const 16)) (i64.const -1))
          (then
            (memory.fill $large
              (i64.mul (i64.sub (memory.size $large) (i64.const 16)) (i64.const 65536))
              (i32.const 1) (i64.const 1048576))
            (br $more))))
      (memory.size $large))
    (func (export "table-elements") (result i32)
      (loop $more
        (br_if $more (i32.ne (table.grow $functions (ref.null func) (i32.const 1000)) (i32.const -1))))
      (table.size $functions))
    ;; In one step what no host has.
    (func (export "at-once") (result i32) (memory.grow $small (i32.const 65535)))
    (func (export "wide-at-once") (result i64) (memory.grow $large (i64.const 0x0000ffffffffffff))))
  (core instance $i (instantiate $code))
  (func (export "memory-pages") (result u32) (canon lift (core func $i "memory-pages")))
  (func (export "wide-pages") (result u64) (canon lift (core func $i "wide-pages")))
  (func (export "table-elements") (result u32) (canon lift (core func $i "table-elements")))
  (func (export "at-once") (result s32) (canon lift (core func $i "at-once")))
  (func (export "wide-at-once") (result s64) (canon lift (core func $i "wide-at-once"))))
