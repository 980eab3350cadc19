/* The runner: one QuickJS runtime with two realms. The inner realm holds the runner's own scripts, so that
 * what submitted code does to its globals and prototypes changes nothing here; the outer one is what
 * submitted code sees. `initialize` runs once, when the component is built; every run begins with its memory. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"
#include "host.h"
#include "scripts.h" /* made by the build: inner_js, globals_js */

#define STACK (544 * 1024) /* Of JavaScript; see README.md for how it keeps below the stack of the engine. */
#define COLLECT_AFTER (16 * 1024 * 1024) /* Bytes; most runs end before they need a collection. */

#define RESERVE (256 * 1024)

static JSRuntime *runtime;
static JSContext *inner, *outer;
static JSValue run_function, end_function;

/* --- memory ------------------------------------------------------------------
 * While the snapshot is made, what is freed becomes zeros, which take no room in it. Later, where memory is
 * used up, a reserve is given back once, so that there is enough to tell the error. */

static void *reserve;

static void wipe(void *memory)
{
    if (memory && !live) {
        memset(memory, 0, malloc_usable_size(memory));
        __asm__ volatile("" : : "r"(memory) : "memory"); /* else the compiler sees that nobody reads it */
    }
}

static void *or_reserve(void *memory)
{
    if (!memory && reserve) {
        free(reserve);
        reserve = NULL;
    }
    return memory;
}

static void *memory_calloc(void *opaque, size_t count, size_t size)
{
    (void)opaque;
    return or_reserve(calloc(count, size));
}

static void *memory_malloc(void *opaque, size_t size)
{
    (void)opaque;
    return or_reserve(malloc(size));
}

static void memory_free(void *opaque, void *memory)
{
    (void)opaque;
    wipe(memory);
    free(memory);
}

static void *memory_realloc(void *opaque, void *memory, size_t size)
{
    (void)opaque;
    if (live || !memory)
        return or_reserve(realloc(memory, size));
    void *moved = malloc(size);
    size_t known = malloc_usable_size(memory);
    if (moved) {
        memcpy(moved, memory, known < size ? known : size);
        memory_free(NULL, memory);
    }
    return moved;
}

static const JSMallocFunctions memory = {
    memory_calloc, memory_malloc, memory_free, memory_realloc, (size_t (*)(const void *))malloc_usable_size,
};

/* --- the start ---------------------------------------------------------------- */

/* Write to stderr what was thrown and never should have been. */
static void complain(JSContext *ctx)
{
    JSValue error = JS_GetException(ctx), stack = JS_GetPropertyStr(ctx, error, "stack");
    const char *message = JS_ToCString(ctx, error), *where = JS_ToCString(ctx, stack);
    if (message)
        output_write(2, message, strlen(message));
    if (where)
        output_write(2, where, strlen(where));
    JS_FreeCString(ctx, message);
    JS_FreeCString(ctx, where);
    JS_FreeValue(ctx, stack);
    JS_FreeValue(ctx, error);
}

static JSValue must(JSContext *ctx, JSValue value)
{
    if (JS_IsException(value)) {
        complain(ctx);
        abort(); /* while the snapshot is made */
    }
    return value;
}

static JSValue new_host(JSContext *ctx)
{
    JSValue host = JS_NewObject(ctx);
    add_host(ctx, host);
    add_files(ctx, host);
    add_tools(ctx, host);
    return host;
}

/* A bundle is one function expression; it is called with `count` values, which it takes over. */
static JSValue start(JSContext *ctx, char *script, size_t size, const char *name, int count, JSValue *values)
{
    size_t text_size = size;
    /* By way of bytecode without the sources of functions, which would double the snapshot. */
    JSValue function = JS_Eval(ctx, script, size, name,
                               JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT | JS_EVAL_FLAG_COMPILE_ONLY);
    uint8_t *code = JS_IsException(function) ? NULL
        : JS_WriteObject(ctx, &size, function, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    if (code) {
        JS_FreeValue(ctx, function);
        function = JS_EvalFunction(ctx, JS_ReadObject(ctx, code, size, JS_READ_OBJ_BYTECODE));
        js_free(ctx, code);
    }
    memset(script, 0, text_size);
    JSValue result = JS_IsException(function) ? function : JS_Call(ctx, function, JS_UNDEFINED, count, values);
    for (int i = 0; i < count; i++)
        JS_FreeValue(ctx, values[i]);
    return result;
}

__attribute__((export_name("initialize"))) void initialize(void)
{
    runtime = JS_NewRuntime2(&memory, NULL);
    JS_SetMaxStackSize(runtime, STACK);
    JS_SetGCThreshold(runtime, COLLECT_AFTER);
    inner = JS_NewContext(runtime);
    outer = JS_NewContext(runtime);
    JS_AddIntrinsicDOMException(inner);
    JS_AddIntrinsicDOMException(outer);
    JSValue engine = new_host(inner), made[1] = {engine};
    add_engine(inner, outer, engine);
    JSValue own = must(inner, start(inner, (char *)inner_js, inner_js_size, "runner:inner", 1, made));
    run_function = JS_GetPropertyStr(inner, own, "run");
    end_function = JS_GetPropertyStr(inner, own, "ended");
    set_module_loader(runtime, inner, JS_GetPropertyStr(inner, own, "resolve"), JS_GetPropertyStr(inner, own, "load"));
    JSValue given[2] = {new_host(outer), own};
    JS_FreeValue(outer, must(outer, start(outer, (char *)globals_js, globals_js_size, "runner:globals", 2, given)));
    JS_RunGC(runtime);
}

/* --- the canonical ABI of `run: func(request: string) -> string` ------------ */

typedef struct { char *data; size_t size; } text_t;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size)
{
    (void)old_size, (void)align; /* malloc aligns to 16 */
    if (size == 0)
        return (void *)align;
    char *memory = realloc(old, size + 1);
    if (!memory)
        abort();
    memory[size] = 0; /* the engine's parser of JSON wants its text to end so */
    return memory;
}

static text_t copied(const char *text, size_t size)
{
    text_t copy = {malloc(size + 1), size};
    if (!copy.data)
        abort();
    memcpy(copy.data, text, size);
    return copy;
}

__attribute__((export_name("run"))) text_t *run(char *request, size_t size)
{
    static text_t answer;
    static const char fault[] =
        "{\"error\":{\"type\":\"InternalError\",\"message\":\"out of memory\",\"line\":null,\"column\":null,"
        "\"traceback\":\"InternalError: out of memory\"}}";
    if (!runtime)
        initialize();
    live = true;
    JS_UpdateStackTop(runtime);
    if (!reserve)
        reserve = malloc(RESERVE);
    /* The outer realm's, since `input` in it is for the code. */
    JSValue given = JS_ParseJSON(outer, request, size, "<request>"), told = JS_EXCEPTION;
    if (!JS_IsException(given))
        told = JS_Call(inner, run_function, JS_UNDEFINED, 1, &given);
    if (JS_IsException(told) && take_ended()) {
        /* process.exit cannot be caught, by the runner's scripts no more than by the code. */
        JS_FreeValue(inner, JS_GetException(inner));
        told = JS_Call(inner, end_function, JS_UNDEFINED, 0, NULL);
    }
    const char *text = NULL;
    if (!JS_IsException(told))
        text = JS_ToCStringLen(inner, &size, told);
    answer = text ? copied(text, size) : copied(fault, sizeof fault - 1);
    if (text)
        JS_FreeCString(inner, text);
    else
        complain(inner);
    if (!JS_IsException(told))
        JS_FreeValue(inner, told);
    JS_FreeValue(outer, given);
    if (size)
        free(request);
    output_flush();
    return &answer;
}

__attribute__((export_name("cabi_post_run"))) void post_run(text_t *told)
{
    free(told->data);
}
