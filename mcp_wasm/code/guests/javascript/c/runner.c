/* The runner: one QuickJS runtime with two realms. The inner realm holds the runner's own scripts, so that
 * what submitted code does to its globals and prototypes changes nothing here; the outer one is what
 * submitted code sees. `initialize` runs once, when the component is built; every run begins with its memory. */
#include <stdlib.h>
#include <string.h>
#include "engine.h"
#include "host.h"
#include "scripts.h" /* made by the build: inner_js, globals_js */

#define STACK (256 * 1024) /* Of JavaScript; see README.md for how it keeps below the stack of the engine. */
#define COLLECT_AFTER (16 * 1024 * 1024) /* Bytes; most runs end before they need a collection. */

static JSRuntime *runtime;
static JSContext *inner, *outer;
static JSValue run_function;

static void must(JSContext *ctx, JSValue value)
{
    if (JS_IsException(value)) {
        JSValue error = JS_GetException(ctx), stack = JS_GetPropertyStr(ctx, error, "stack");
        const char *message = JS_ToCString(ctx, error), *where = JS_ToCString(ctx, stack);
        output_write(2, message, strlen(message));
        output_write(2, where, strlen(where));
        output_flush();
        abort();
    }
    JS_FreeValue(ctx, value);
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
static JSValue start(JSContext *ctx, const char *script, size_t size, const char *name, int count, JSValue *values)
{
    JSValue function = JS_Eval(ctx, script, size, name, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT);
    JSValue result = JS_IsException(function) ? function : JS_Call(ctx, function, JS_UNDEFINED, count, values);
    for (int i = 0; i < count; i++)
        JS_FreeValue(ctx, values[i]);
    return result;
}

__attribute__((export_name("initialize"))) void initialize(void)
{
    runtime = JS_NewRuntime();
    JS_SetMaxStackSize(runtime, STACK);
    JS_SetGCThreshold(runtime, COLLECT_AFTER);
    inner = JS_NewContext(runtime);
    outer = JS_NewContext(runtime);
    JSValue engine = new_host(inner), made[1] = {engine};
    add_engine(inner, outer, engine);
    JSValue own = start(inner, (const char *)inner_js, inner_js_size, "runner:inner", 1, made);
    if (JS_IsException(own))
        must(inner, own);
    run_function = JS_GetPropertyStr(inner, own, "run");
    set_module_loader(runtime, inner, JS_GetPropertyStr(inner, own, "resolve"), JS_GetPropertyStr(inner, own, "load"));
    JSValue given[2] = {new_host(outer), own};
    must(outer, start(outer, (const char *)globals_js, globals_js_size, "runner:globals", 2, given));
    JS_RunGC(runtime);
}

/* --- the canonical ABI of `run: func(request: string) -> string` ------------ */

typedef struct { char *data; size_t size; } text_t;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size)
{
    (void)old_size, (void)align; /* malloc aligns to 16 */
    if (size == 0)
        return (void *)align;
    void *memory = realloc(old, size);
    if (!memory)
        abort();
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
    /* Given back when memory is used up, so that there is enough to say so. */
    void *reserve = malloc(64 * 1024);
    /* The outer realm's, since `input` in it is for the code. */
    JSValue given = JS_ParseJSON(outer, request, size, "<request>"), told = JS_EXCEPTION;
    if (!JS_IsException(given))
        told = JS_Call(inner, run_function, JS_UNDEFINED, 1, &given);
    free(reserve);
    const char *text = NULL;
    if (!JS_IsException(told))
        text = JS_ToCStringLen(inner, &size, told);
    answer = text ? copied(text, size) : copied(fault, sizeof fault - 1);
    if (text)
        JS_FreeCString(inner, text);
    else
        JS_FreeValue(inner, JS_GetException(inner));
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
