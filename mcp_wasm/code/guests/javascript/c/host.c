/* Output, time and chance. Also the few functions of WASI preview 1 that wasi-libc asks for, over WASI 0.2:
 * the C library of this target knows no other, and an adapter would bring a module of its own. */
#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>
#include "imports.h"

#define CHUNK 4096 /* The most that blocking-write-and-flush takes at once. */

bool live = false;

static struct { char text[CHUNK]; size_t size; int32_t handle; } streams[3];

static void send(int stream)
{
    uint32_t result[3];
    if (streams[stream].size == 0 || !live)
        return;
    if (streams[stream].handle == 0)
        streams[stream].handle = (stream == 1 ? wasi_stdout() : wasi_stderr()) + 1;
    /* A stream that was closed takes nothing more; there is nobody to tell. */
    wasi_write(streams[stream].handle - 1, streams[stream].text, streams[stream].size, result);
    streams[stream].size = 0;
}

void output_write(int stream, const char *text, size_t size)
{
    while (size > 0) {
        size_t room = CHUNK - streams[stream].size, part = size < room ? size : room;
        memcpy(streams[stream].text + streams[stream].size, text, part);
        streams[stream].size += part, text += part, size -= part;
        if (streams[stream].size == CHUNK)
            send(stream);
    }
}

void output_flush(void)
{
    send(1);
    send(2);
}

void release(void *memory, size_t size)
{
    if (size > 0)
        free(memory);
}

double clock_monotonic_ms(void)
{
    return live ? (double)wasi_monotonic() / 1e6 : 0;
}

void random_bytes(void *into, size_t size)
{
    struct { uint8_t *data; uint32_t size; } list;
    wasi_random((int64_t)size, &list);
    memcpy(into, list.data, size);
    release(list.data, list.size);
}

/* --- for wasi-libc --------------------------------------------------------- */

#define PREVIEW1(name) int32_t __imported_wasi_snapshot_preview1_##name

PREVIEW1(clock_time_get)(int32_t id, int64_t precision, int32_t result)
{
    struct { uint64_t seconds; uint32_t nanoseconds; } wall = {0, 0};
    uint64_t *time = (uint64_t *)result;
    (void)precision;
    *time = 0;
    if (live && id == __WASI_CLOCKID_REALTIME) {
        wasi_wall(&wall);
        *time = wall.seconds * 1000000000u + wall.nanoseconds;
    } else if (live)
        *time = (uint64_t)wasi_monotonic();
    return __WASI_ERRNO_SUCCESS;
}

PREVIEW1(fd_write)(int32_t fd, int32_t vectors, int32_t count, int32_t result)
{
    const struct { const char *data; size_t size; } *parts = (const void *)vectors;
    size_t written = 0;
    if (fd != 1 && fd != 2)
        return __WASI_ERRNO_BADF;
    for (int32_t i = 0; i < count; i++) {
        output_write(fd, parts[i].data, parts[i].size);
        written += parts[i].size;
    }
    *(uint32_t *)result = written;
    return __WASI_ERRNO_SUCCESS;
}

/* zig's own part of the C library imports fd_close by another name, so this stands in its place. */
int close(int fd)
{
    (void)fd;
    return -1;
}

PREVIEW1(fd_seek)(int32_t fd, int64_t offset, int32_t whence, int32_t result)
{
    (void)fd, (void)offset, (void)whence, (void)result;
    return __WASI_ERRNO_SPIPE;
}

PREVIEW1(fd_fdstat_get)(int32_t fd, int32_t result)
{
    (void)fd, (void)result;
    return __WASI_ERRNO_BADF;
}

/* --- for the scripts ------------------------------------------------------- */

static JSValue js_write(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    int32_t stream;
    size_t size;
    const char *text;
    (void)this, (void)argc;
    if (JS_ToInt32(ctx, &stream, argv[0]) || !(text = JS_ToCStringLen(ctx, &size, argv[1])))
        return JS_EXCEPTION;
    output_write(stream == 2 ? 2 : 1, text, size);
    JS_FreeCString(ctx, text);
    return JS_UNDEFINED;
}

static JSValue js_now(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    (void)this, (void)argc, (void)argv;
    return JS_NewFloat64(ctx, clock_monotonic_ms());
}

static JSValue js_sleep(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    double milliseconds;
    int32_t pollable;
    (void)this, (void)argc;
    if (JS_ToFloat64(ctx, &milliseconds, argv[0]))
        return JS_EXCEPTION;
    output_flush();
    if (milliseconds > 0) {
        pollable = wasi_after(milliseconds < 9e12 ? (int64_t)(milliseconds * 1e6) : INT64_MAX);
        wasi_block(pollable);
        wasi_drop_pollable(pollable);
    }
    return JS_UNDEFINED;
}

static JSValue js_random(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    int32_t size;
    uint8_t *bytes;
    JSValue array;
    (void)this, (void)argc;
    if (JS_ToInt32(ctx, &size, argv[0]))
        return JS_EXCEPTION;
    if (size < 0 || size > 1 << 20)
        return JS_ThrowRangeError(ctx, "at most 1,048,576 random bytes at once");
    if (!(bytes = js_malloc(ctx, size + 1)))
        return JS_EXCEPTION;
    random_bytes(bytes, size);
    array = JS_NewUint8ArrayCopy(ctx, bytes, size);
    js_free(ctx, bytes);
    return array;
}

/* Math.random: xoroshiro128+ seeded at its first use, so that no two runs of one snapshot are alike. */
static JSValue js_math_random(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    static uint64_t state[2];
    uint64_t a, b;
    (void)this, (void)argc, (void)argv;
    while ((state[0] | state[1]) == 0)
        random_bytes(state, sizeof state);
    a = state[0], b = state[1] ^ a;
    uint64_t sum = a + state[1];
    state[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    state[1] = (b << 37) | (b >> 27);
    return JS_NewFloat64(ctx, (double)(sum >> 11) * 0x1p-53);
}

static JSValue js_encode(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    size_t size;
    const char *text = JS_ToCStringLen(ctx, &size, argv[0]);
    JSValue array;
    (void)this, (void)argc;
    if (!text)
        return JS_EXCEPTION;
    array = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, size);
    JS_FreeCString(ctx, text);
    return array;
}

/* Valid UTF-8 only; the caller has looked. */
static JSValue js_decode(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    size_t size;
    uint8_t *bytes = JS_GetUint8Array(ctx, &size, argv[0]);
    (void)this, (void)argc;
    return bytes || !JS_HasException(ctx) ? JS_NewStringLen(ctx, (const char *)bytes, size) : JS_EXCEPTION;
}

/* memory() -> [bytes of linear memory, bytes that the engine has allocated] */
static JSValue js_memory(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    JSMemoryUsage usage;
    (void)this, (void)argc, (void)argv;
    JS_ComputeMemoryUsage(JS_GetRuntime(ctx), &usage);
    JSValue parts[2] = {JS_NewInt64(ctx, (int64_t)__builtin_wasm_memory_size(0) * 65536),
                        JS_NewInt64(ctx, usage.malloc_size)};
    return JS_NewArrayFrom(ctx, 2, parts);
}

/* environment() -> an object of the variables that the run was granted */
static JSValue js_environment(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    typedef struct { char *data; uint32_t size; } text_t;
    struct { struct { text_t name, value; } *data; uint32_t size; } list;
    JSValue object = JS_NewObject(ctx);
    (void)this, (void)argc, (void)argv;
    wasi_environment(&list);
    for (uint32_t i = 0; i < list.size; i++) {
        text_t name = list.data[i].name, value = list.data[i].value;
        JSAtom atom = JS_NewAtomLen(ctx, name.data, name.size);
        /* Defined, not set: a variable may have any name, and __proto__ is one. */
        JS_DefinePropertyValue(ctx, object, atom, JS_NewStringLen(ctx, value.data, value.size), JS_PROP_C_W_E);
        JS_FreeAtom(ctx, atom);
        release(name.data, name.size);
        release(value.data, value.size);
    }
    release(list.data, list.size);
    return object;
}

void add_host(JSContext *ctx, JSValueConst object)
{
    static const struct { const char *name; JSCFunction *function; int length; } functions[] = {
        {"write", js_write, 2},   {"now", js_now, 0},       {"sleep", js_sleep, 1},   {"random", js_random, 1},
        {"encode", js_encode, 1}, {"decode", js_decode, 1}, {"mathRandom", js_math_random, 0},
        {"memory", js_memory, 0}, {"environment", js_environment, 0},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        JS_SetPropertyStr(ctx, object, functions[i].name,
                          JS_NewCFunction(ctx, functions[i].function, functions[i].name, functions[i].length));
}
