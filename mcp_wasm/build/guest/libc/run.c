/* A program as a component: `run(request) -> answer`, both JSON. The request's
   input is standard input; what main does and what it returns make the answer. */
#include "json.h"
#include "run.h"
#include "wasi.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void __wasm_call_ctors(void);
extern int __main_void(void);

/* Appended to a source that has such a function; see code/c.py. */
__attribute__((weak)) const char *mcp_wasm_result(const char *input);

typedef struct { const char *ptr; size_t len; } answer_t;
static jmp_buf ended;
static json_out_t out;
static int32_t exit_code;
static bool failed;

_Noreturn void wasi_exit(int32_t code) {
    exit_code = code;
    longjmp(ended, 1);
}

static void put_text(const char *key, const char *text) {
    json_put(&out, key);
    json_put_string(&out, (json_text_t){text, strlen(text)});
}

static void put_place(const char *key, uint32_t place) {
    json_put(&out, key);
    if (place) json_put_number(&out, (long)place);
    else json_put(&out, "null");
}

static void put_error(const char *type, const char *message, const char *hint, uint32_t line, uint32_t column) {
    put_text("{\"error\":{\"type\":", type);
    put_text(",\"message\":", message);
    put_place(",\"line\":", line);
    put_place(",\"column\":", column);
    if (hint) put_text(",\"hint\":", hint);
}

_Noreturn void run_failed(const char *type, const char *message, const char *hint, const char *file,
                          uint32_t line, uint32_t column) {
    put_error(type, message, hint, line, column);
    char place[300] = "";
    if (line) snprintf(place, sizeof place, "%s:%u: %s", file, (unsigned)line, message);
    put_text(",\"traceback\":", place);
    json_put(&out, "}}");
    failed = true;
    longjmp(ended, 1);
}

_Noreturn void abort(void) { run_failed("Aborted", "the program called abort()", NULL, NULL, 0, 0); }

_Noreturn void __assert_fail(const char *expression, const char *file, int line, const char *function) {
    char message[300];
    snprintf(message, sizeof message, "assertion failed: %s, in %s", expression, function);
    run_failed("AssertionFailed", message, NULL, file, (uint32_t)line, 0);
}

static json_text_t input_of(json_text_t request) {
    json_text_t value;
    if (!json_find(request, "input", &value)) return (json_text_t){"", 0};
    if (value.ptr[0] == '"') return json_string(value);
    char *text = malloc(value.len + 1);
    if (!text) abort();
    memcpy(text, value.ptr, value.len);
    text[value.len] = 0;
    return (json_text_t){text, value.len};
}

static void put_value(json_text_t input) {
    const char *text = mcp_wasm_result(input.ptr);
    json_put(&out, "{\"value\":");
    json_text_t value = {text ? text : "null", text ? strlen(text) : 4};
    if (json_valid(value)) json_put_raw(&out, value);
    else json_put_string(&out, value);
    json_put(&out, "}");
}

static void put_exit(void) {
    char message[80];
    snprintf(message, sizeof message, "the program ended with exit code %d", (int)exit_code);
    put_error("ExitCode", message, NULL, 0, 0);
    json_put(&out, ",\"traceback\":\"\",\"data\":{\"exit-code\":");
    json_put_number(&out, exit_code);
    json_put(&out, "}}}");
}

__attribute__((export_name("run"))) answer_t *run(const char *request, size_t len) {
    static answer_t answer;
    static json_text_t input;
    static volatile int phase;
    if (!setjmp(ended)) {
        __wasm_call_ctors();
        input = input_of((json_text_t){request, len});
        wasi_stdin = (const uint8_t *)input.ptr, wasi_stdin_len = input.len;
        phase = 1;
        exit(__main_void());
    }
    if (!failed && exit_code) {
        put_exit();
    } else if (!failed && phase == 1 && mcp_wasm_result) {
        phase = 2;
        if (!setjmp(ended)) {
            put_value(input);
            fflush(NULL);
        } else if (!failed && exit_code) {
            out.len = 0;
            put_exit();
        }
    }
    if (!out.len) json_put(&out, "{}");
    /* What a program that failed had printed without the end of a line. */
    if (failed) fflush(NULL);
    if (wasi_written) wasi_written();
    answer = (answer_t){out.ptr, out.len};
    return &answer;
}

/* How the host makes room for what it hands over. */
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *block, size_t old_size, size_t align, size_t new_size) {
    (void)old_size;
    if (!new_size) return (void *)align;
    void *moved = realloc(block, new_size);
    if (!moved) __builtin_trap();
    return moved;
}
