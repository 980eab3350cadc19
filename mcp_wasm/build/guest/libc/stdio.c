/* Standard output and error over wasi:cli and wasi:io. Lines go out as they are
   written, so that a program that traps has said what it said; past the amount
   that any reader is shown, blocks do, which cost the host less. */
#include "wasi.h"
#include <string.h>

IMPORT("wasi:cli/stdout@0.2.0", "get-stdout") int32_t get_stdout(void);
IMPORT("wasi:cli/stderr@0.2.0", "get-stderr") int32_t get_stderr(void);
IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void stream_write(int32_t stream, const uint8_t *bytes, size_t len, void *result);

enum { BLOCK = 4096, AS_LINES = 65536 };

typedef struct { int32_t handle; bool open; size_t sent, len; uint8_t held[BLOCK]; } output_t;
static output_t out, err;

const uint8_t *wasi_stdin;
size_t wasi_stdin_len;

static int32_t send(output_t *to, int32_t (*get)(void), const uint8_t *bytes, size_t len) {
    if (!to->open) {
        to->handle = get();
        to->open = true;
    }
    while (len) {
        size_t part = len < BLOCK ? len : BLOCK;
        struct { uint8_t is_err; int32_t kind, error; } result;
        stream_write(to->handle, bytes, part, &result);
        if (result.is_err) return __WASI_ERRNO_PIPE;
        bytes += part, len -= part, to->sent += part;
    }
    return 0;
}

static int32_t flush(output_t *to, int32_t (*get)(void)) {
    size_t len = to->len;
    to->len = 0;
    return len ? send(to, get, to->held, len) : 0;
}

static int32_t put(output_t *to, int32_t (*get)(void), const uint8_t *bytes, size_t len) {
    if (to->sent < AS_LINES) return send(to, get, bytes, len);
    if (to->len + len > BLOCK) {
        int32_t failed = flush(to, get);
        if (failed || len > BLOCK) return failed ? failed : send(to, get, bytes, len);
    }
    memcpy(to->held + to->len, bytes, len);
    to->len += len;
    return 0;
}

static void written(void) {
    flush(&out, get_stdout);
    flush(&err, get_stderr);
}

int32_t wasi_put(int32_t fd, const uint8_t *bytes, size_t len) {
    wasi_written = written;
    return fd == 1 ? put(&out, get_stdout, bytes, len) : put(&err, get_stderr, bytes, len);
}
