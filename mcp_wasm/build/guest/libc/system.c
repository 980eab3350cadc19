/* Clocks, sleep, random bytes, arguments, variables, and what a program of WASI 0.2 has not. */
#include "wasi.h"
#include <stdlib.h>
#include <string.h>

typedef struct { uint64_t seconds; uint32_t nanoseconds; } datetime_t;
typedef struct { uint8_t *ptr; size_t len; } bytes_t;
IMPORT("wasi:clocks/wall-clock@0.2.0", "now") void wall_now(datetime_t *result);
IMPORT("wasi:clocks/monotonic-clock@0.2.0", "now") uint64_t monotonic_now(void);
IMPORT("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration") int32_t subscribe_duration(uint64_t when);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(int32_t self);
IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(int32_t self);
IMPORT("wasi:random/random@0.2.0", "get-random-bytes") void get_random_bytes(uint64_t len, bytes_t *result);


typedef struct { bytes_t name, value; } variable_t;
typedef struct { variable_t *ptr; size_t len; } variables_t;
IMPORT("wasi:cli/environment@0.2.0", "get-environment") void get_environment(variables_t *result);

int32_t wasi_asking;
void (*wasi_written)(void);

void wasi_free(void *block, size_t len) {
    if (len) free(block);
}

static uint64_t now(int32_t clock) {
    if (clock != __WASI_CLOCKID_REALTIME) return monotonic_now();
    datetime_t time;
    wall_now(&time);
    return time.seconds * 1000000000u + time.nanoseconds;
}

int32_t PREVIEW1(clock_time_get)(int32_t clock, int64_t precision, int32_t result) {
    (void)precision;
    *(uint64_t *)result = now(clock);
    return 0;
}

int32_t PREVIEW1(clock_res_get)(int32_t clock, int32_t result) {
    (void)clock;
    *(uint64_t *)result = 1000;
    return 0;
}

/* The only thing that a program waits for is time: files and streams are always ready. */
int32_t PREVIEW1(poll_oneoff)(int32_t waits, int32_t events, int32_t n, int32_t result) {
    const __wasi_subscription_t *wait = (const __wasi_subscription_t *)waits;
    __wasi_event_t *event = (__wasi_event_t *)events;
    size_t *ready = (size_t *)result;
    int32_t first = -1;
    uint64_t shortest = UINT64_MAX;
    *ready = 0;
    for (int32_t i = 0; i < n; i++) {
        if (wait[i].u.tag != __WASI_EVENTTYPE_CLOCK) {
            event[(*ready)++] = (__wasi_event_t){.userdata = wait[i].userdata, .type = wait[i].u.tag};
            continue;
        }
        const __wasi_subscription_clock_t *clock = &wait[i].u.u.clock;
        uint64_t left = clock->timeout;
        if (clock->flags & __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME) {
            uint64_t is = now((int32_t)clock->id);
            left = left > is ? left - is : 0;
        }
        if (left < shortest) shortest = left, first = i;
    }
    if (*ready || first < 0) return 0;
    int32_t timer = subscribe_duration(shortest);
    pollable_block(timer);
    pollable_drop(timer);
    event[(*ready)++] = (__wasi_event_t){.userdata = wait[first].userdata, .type = __WASI_EVENTTYPE_CLOCK};
    return 0;
}

int32_t PREVIEW1(random_get)(int32_t buffer, int32_t len) {
    bytes_t bytes;
    ASK(get_random_bytes((uint64_t)(uint32_t)len, &bytes));
    memcpy((void *)buffer, bytes.ptr, bytes.len);
    wasi_free(bytes.ptr, bytes.len);
    return 0;
}

static char name[] = "program";

int32_t PREVIEW1(args_sizes_get)(int32_t count, int32_t size) {
    *(size_t *)count = 1;
    *(size_t *)size = sizeof name;
    return 0;
}

int32_t PREVIEW1(args_get)(int32_t places, int32_t buffer) {
    memcpy((char *)buffer, name, sizeof name);
    *(char **)places = (char *)buffer;
    return 0;
}

int32_t PREVIEW1(environ_sizes_get)(int32_t count, int32_t size) {
    variables_t found;
    ASK(get_environment(&found));
    size_t bytes = 0;
    for (size_t n = 0; n < found.len; n++) {
        bytes += found.ptr[n].name.len + found.ptr[n].value.len + 2;
        wasi_free(found.ptr[n].name.ptr, found.ptr[n].name.len);
        wasi_free(found.ptr[n].value.ptr, found.ptr[n].value.len);
    }
    wasi_free(found.ptr, found.len);
    *(size_t *)count = found.len, *(size_t *)size = bytes;
    return 0;
}

static char *put(char *at, bytes_t text, char end) {
    memcpy(at, text.ptr, text.len);
    wasi_free(text.ptr, text.len);
    at[text.len] = end;
    return at + text.len + 1;
}

int32_t PREVIEW1(environ_get)(int32_t places, int32_t buffer) {
    variables_t found;
    ASK(get_environment(&found));
    char *at = (char *)buffer;
    for (size_t n = 0; n < found.len; n++) {
        ((char **)places)[n] = at;
        at = put(put(at, found.ptr[n].name, '='), found.ptr[n].value, 0);
    }
    wasi_free(found.ptr, found.len);
    return 0;
}

_Noreturn void PREVIEW1(proc_exit)(int32_t code) { wasi_exit(code); }

int32_t PREVIEW1(sched_yield)(void) { return 0; }

#define NOTHING(name, ...) \
    int32_t PREVIEW1(name)(__VA_ARGS__) { return 0; }
#define ABSENT(name, ...) \
    int32_t PREVIEW1(name)(__VA_ARGS__) { return __WASI_ERRNO_NOTSUP; }
#pragma clang diagnostic ignored "-Wunused-parameter"
NOTHING(fd_advise, int32_t fd, int64_t at, int64_t len, int32_t advice)
NOTHING(fd_sync, int32_t fd)
NOTHING(fd_datasync, int32_t fd)
ABSENT(fd_allocate, int32_t fd, int64_t at, int64_t len)
ABSENT(fd_fdstat_set_rights, int32_t fd, int64_t base, int64_t inherited)
ABSENT(fd_filestat_set_times, int32_t fd, int64_t accessed, int64_t modified, int32_t flags)
ABSENT(path_filestat_set_times, int32_t fd, int32_t how, int32_t path, int32_t len, int64_t accessed,
       int64_t modified, int32_t flags)
ABSENT(path_link, int32_t fd, int32_t how, int32_t path, int32_t len, int32_t to, int32_t new_path,
       int32_t new_len)
ABSENT(path_readlink, int32_t fd, int32_t path, int32_t len, int32_t buffer, int32_t room, int32_t result)
ABSENT(path_symlink, int32_t path, int32_t len, int32_t fd, int32_t new_path, int32_t new_len)
ABSENT(sock_accept, int32_t fd, int32_t flags, int32_t result)
ABSENT(sock_recv, int32_t fd, int32_t parts, int32_t n, int32_t flags, int32_t len, int32_t result)
ABSENT(sock_send, int32_t fd, int32_t parts, int32_t n, int32_t flags, int32_t result)
ABSENT(sock_shutdown, int32_t fd, int32_t how)
