;; WASI preview 1 over WASI 0.2, for guests in Rust and Go: wasm-tools puts it below their module as
;; an adapter. What is written to stdout and stderr, clocks, random numbers and sleeping are real;
;; there are no files, no arguments and no environment, whatever was granted.
;;
;; It has no memory of its own. Results of WASI 0.2 that do not fit into one value are written over
;; the place that the guest gave for its own result, and what lay behind that place is put back.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $get_stdout (result i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $get_stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop_stream (param i32)))
  (import "wasi:io/error@0.2.0" "[resource-drop]error" (func $drop_error (param i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop_pollable (param i32)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-instant" (func $at (param i64) (result i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))

  ;; At most 4096 bytes at once, which is what the method takes; 0 for success.
  (func $write_part (param $stream i32) (param $from i32) (param $len i32) (param $place i32) (result i32)
    (local $first i64) (local $second i32) (local $failed i32)
    (local.set $first (i64.load align=4 (local.get $place)))
    (local.set $second (i32.load offset=8 (local.get $place)))
    (call $write (local.get $stream) (local.get $from) (local.get $len) (local.get $place))
    (local.set $failed (i32.load8_u (local.get $place)))
    (if (local.get $failed)
      (then (if (i32.eqz (i32.load8_u offset=4 (local.get $place)))
        (then (call $drop_error (i32.load offset=8 (local.get $place)))))))
    (i64.store align=4 (local.get $place) (local.get $first))
    (i32.store offset=8 (local.get $place) (local.get $second))
    (local.get $failed))

  (func (export "fd_write")
    (param $fd i32) (param $vectors i32) (param $count i32) (param $written i32) (result i32)
    (local $stream i32) (local $from i32) (local $left i32) (local $part i32) (local $total i32)
    (local $failed i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (i32.const 8))))
    (if (i32.eq (local.get $fd) (i32.const 1))
      (then (local.set $stream (call $get_stdout)))
      (else (local.set $stream (call $get_stderr))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $from (i32.load (local.get $vectors)))
        (local.set $left (i32.load offset=4 (local.get $vectors)))
        (block $written_all
          (loop $more
            (br_if $written_all (i32.eqz (local.get $left)))
            (local.set $part (select (local.get $left) (i32.const 4096)
              (i32.lt_u (local.get $left) (i32.const 4096))))
            (local.set $failed
              (call $write_part (local.get $stream) (local.get $from) (local.get $part) (local.get $written)))
            (br_if $done (local.get $failed))
            (local.set $from (i32.add (local.get $from) (local.get $part)))
            (local.set $left (i32.sub (local.get $left) (local.get $part)))
            (local.set $total (i32.add (local.get $total) (local.get $part)))
            (br $more)))
        (local.set $vectors (i32.add (local.get $vectors) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (call $drop_stream (local.get $stream))
    (i32.store (local.get $written) (local.get $total))
    ;; 29 is an error of input and output.
    (select (i32.const 29) (i32.const 0) (local.get $failed)))

  ;; The wall clock where it is asked for, else the monotonic one.
  (func (export "clock_time_get") (param $clock i32) (param i64) (param $place i32) (result i32)
    (local $behind i64) (local $time i64)
    (if (local.get $clock) (then
      (i64.store (local.get $place) (call $monotonic))
      (return (i32.const 0))))
    (local.set $behind (i64.load offset=8 (local.get $place)))
    (call $wall (local.get $place))
    (local.set $time (i64.add
      (i64.mul (i64.load (local.get $place)) (i64.const 1000000000))
      (i64.load32_u offset=8 (local.get $place))))
    (i64.store offset=8 (local.get $place) (local.get $behind))
    (i64.store (local.get $place) (local.get $time))
    (i32.const 0))

  (func (export "random_get") (param $to i32) (param $len i32) (result i32)
    (local $bits i64) (local $left i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (if (i32.eqz (local.get $left)) (then
          (local.set $bits (call $random))
          (local.set $left (i32.const 8))))
        (i64.store8 (local.get $to) (local.get $bits))
        (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; One clock can be waited for; 58 says that something else is not supported.
  (func (export "poll_oneoff")
    (param $wanted i32) (param $events i32) (param $count i32) (param $happened i32) (result i32)
    (local $pollable i32)
    (if (i32.or (i32.ne (local.get $count) (i32.const 1)) (i32.load8_u offset=8 (local.get $wanted)))
      (then (return (i32.const 58))))
    (local.set $pollable
      (if (result i32) (i32.and (i32.load16_u offset=40 (local.get $wanted)) (i32.const 1))
        (then (call $at (i64.load offset=24 (local.get $wanted))))
        (else (call $after (i64.load offset=24 (local.get $wanted))))))
    (call $block (local.get $pollable))
    (call $drop_pollable (local.get $pollable))
    (i64.store (local.get $events) (i64.load (local.get $wanted)))
    (i64.store offset=8 (local.get $events) (i64.const 0))
    (i64.store offset=16 (local.get $events) (i64.const 0))
    (i64.store offset=24 (local.get $events) (i64.const 0))
    (i32.store (local.get $happened) (i32.const 1))
    (i32.const 0))

  (func $nothing (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $nothing))
  (export "environ_sizes_get" (func $nothing))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) (unreachable))

  ;; 8: there is no such file.
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 8)))
