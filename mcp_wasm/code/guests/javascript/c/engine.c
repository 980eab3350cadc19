#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include "host.h"

static JSContext *inner, *outer;
static JSValue resolve_function, load_function;
static JSValue rejections; /* an array of the inner realm: promise, reason, promise, reason, ... */
static bool ended; /* process.exit was called */

#define FUNCTION(name) static JSValue name(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
#define UNUSED (void)ctx, (void)this, (void)argc, (void)argv

/* evaluate(code, file, kind): kind 0 a script that may await, whose promise is of {value}; 1 a plain one; 2 strict and may await. */
FUNCTION(js_evaluate)
{
    static const int flags[] = {JS_EVAL_FLAG_ASYNC, 0, JS_EVAL_FLAG_ASYNC | JS_EVAL_FLAG_STRICT};
    int32_t kind;
    size_t size;
    const char *code, *file;
    UNUSED;
    if (JS_ToInt32(ctx, &kind, argv[2]) || !(code = JS_ToCStringLen(ctx, &size, argv[0])))
        return JS_EXCEPTION;
    JSValue result = JS_EXCEPTION;
    if ((file = JS_ToCString(ctx, argv[1]))) {
        result = JS_Eval(outer, code, size, file,
                         JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_BACKTRACE_BARRIER | flags[kind % 3]);
        JS_FreeCString(ctx, file);
    }
    JS_FreeCString(ctx, code);
    return result;
}

/* runJob() -> whether one was run; throws what cannot be caught. */
FUNCTION(js_run_job)
{
    JSContext *of;
    UNUSED;
    int ran = JS_ExecutePendingJob(JS_GetRuntime(ctx), &of);
    return ran < 0 ? JS_EXCEPTION : JS_NewBool(ctx, ran);
}

/* promiseState(value) -> -1 no promise, 0 pending, 1 fulfilled, 2 rejected */
FUNCTION(js_promise_state)
{
    UNUSED;
    return JS_NewInt32(ctx, JS_IsPromise(argv[0]) ? (int32_t)JS_PromiseState(ctx, argv[0]) : -1);
}

FUNCTION(js_promise_result)
{
    UNUSED;
    JS_PromiseMarkAsHandled(ctx, argv[0]);
    return JS_PromiseResult(ctx, argv[0]);
}

FUNCTION(js_class_id)
{
    UNUSED;
    return JS_NewInt32(ctx, JS_IsObject(argv[0]) ? (int32_t)JS_GetClassID(argv[0]) : -1);
}

FUNCTION(js_proxy_target)
{
    UNUSED;
    return JS_IsProxy(argv[0]) ? JS_GetProxyTarget(ctx, argv[0]) : JS_UNDEFINED;
}

FUNCTION(js_typed_array_type)
{
    UNUSED;
    return JS_NewInt32(ctx, JS_IsObject(argv[0]) ? JS_GetTypedArrayType(argv[0]) : -1);
}

/* rejections() -> those that nobody handled, [promise, reason, ...], and forgets them. */
FUNCTION(js_rejections)
{
    UNUSED;
    JSValue found = rejections;
    rejections = JS_NewArray(inner);
    return found;
}

/* end(): what runs now ends, and no catch or finally of the code sees it. */
FUNCTION(js_end)
{
    UNUSED;
    ended = true;
    JSValue error = JS_NewInternalError(ctx, "ended");
    JS_SetUncatchableError(ctx, error);
    return JS_Throw(ctx, error);
}

bool take_ended(void)
{
    bool was = ended;
    ended = false;
    return was;
}

FUNCTION(js_ended)
{
    UNUSED;
    return JS_NewBool(ctx, take_ended());
}

FUNCTION(js_parse)
{
    size_t size;
    const char *text = JS_ToCStringLen(ctx, &size, argv[0]);
    UNUSED;
    JSValue value = text ? JS_ParseJSON(outer, text, size, "<json>") : JS_EXCEPTION;
    JS_FreeCString(ctx, text);
    return value;
}

/* bytes(Uint8Array) -> the same as one of the outer realm */
FUNCTION(js_bytes)
{
    size_t size;
    UNUSED;
    uint8_t *bytes = JS_GetUint8Array(ctx, &size, argv[0]);
    return JS_HasException(ctx) ? JS_EXCEPTION : JS_NewUint8ArrayCopy(outer, bytes, size);
}

static void track(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool handled, void *opaque)
{
    int64_t count;
    (void)ctx, (void)opaque;
    if (JS_GetLength(inner, rejections, &count) < 0)
        return;
    if (!handled) {
        JS_SetPropertyInt64(inner, rejections, count, JS_DupValue(inner, promise));
        JS_SetPropertyInt64(inner, rejections, count + 1, JS_DupValue(inner, reason));
        return;
    }
    for (int64_t i = 0; i + 1 < count; i += 2) {
        JSValue known = JS_GetPropertyInt64(inner, rejections, i);
        bool same = JS_IsStrictEqual(inner, known, promise);
        JS_FreeValue(inner, known);
        if (same)
            JS_SetPropertyInt64(inner, rejections, i, JS_UNDEFINED);
    }
}

/* Called again and again while code runs: what it printed before an endless loop shall be seen. */
static int interrupted(JSRuntime *runtime, void *opaque)
{
    (void)runtime, (void)opaque;
    output_flush();
    return 0;
}

void add_engine(JSContext *inner_, JSContext *outer_, JSValueConst object)
{
    static const struct { const char *name; JSCFunction *function; int length; } functions[] = {
        {"evaluate", js_evaluate, 3},         {"runJob", js_run_job, 0},
        {"promiseState", js_promise_state, 1}, {"promiseResult", js_promise_result, 1},
        {"classId", js_class_id, 1},          {"proxyTarget", js_proxy_target, 1},
        {"typedArrayType", js_typed_array_type, 1}, {"rejections", js_rejections, 0},
        {"end", js_end, 0},                   {"ended", js_ended, 0},
        {"parse", js_parse, 1},               {"bytes", js_bytes, 1},
    };
    inner = inner_, outer = outer_;
    rejections = JS_NewArray(inner);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        JS_SetPropertyStr(inner, object, functions[i].name,
                          JS_NewCFunction(inner, functions[i].function, functions[i].name, functions[i].length));
    JS_SetPropertyStr(inner, object, "global", JS_GetGlobalObject(outer));
    JS_SetHostPromiseRejectionTracker(JS_GetRuntime(inner), track, NULL);
    JS_SetInterruptHandler(JS_GetRuntime(inner), interrupted, NULL);
}

/* --- modules ---------------------------------------------------------------- */

static char *normalize(JSContext *ctx, const char *base, const char *name, void *opaque)
{
    JSValue given[2] = {JS_NewString(ctx, base), JS_NewString(ctx, name)};
    JSValue resolved = JS_Call(ctx, resolve_function, JS_UNDEFINED, 2, given);
    char *copy = NULL;
    (void)opaque;
    JS_FreeValue(ctx, given[0]);
    JS_FreeValue(ctx, given[1]);
    if (JS_IsException(resolved))
        return NULL;
    const char *text = JS_ToCString(ctx, resolved);
    if (text)
        copy = js_strdup(ctx, text);
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, resolved);
    return copy;
}

static int fill(JSContext *ctx, JSModuleDef *module)
{
    JSValue exports = JS_GetModulePrivateValue(ctx, module);
    JSPropertyEnum *names;
    uint32_t count;
    int failed = JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY);
    if (!failed) {
        for (uint32_t i = 0; i < count; i++) {
            const char *name = JS_AtomToCString(ctx, names[i].atom);
            if (name)
                JS_SetModuleExport(ctx, module, name, JS_GetProperty(ctx, exports, names[i].atom));
            JS_FreeCString(ctx, name);
        }
        JS_FreePropertyEnum(ctx, names, count);
    }
    JS_FreeValue(ctx, exports);
    return failed;
}

static JSModuleDef *built_in(JSContext *ctx, const char *name, JSValue exports)
{
    JSPropertyEnum *names;
    uint32_t count;
    JSModuleDef *module = JS_NewCModule(ctx, name, fill);
    if (!module || JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY)) {
        JS_FreeValue(ctx, exports);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *export = JS_AtomToCString(ctx, names[i].atom);
        if (export)
            JS_AddModuleExport(ctx, module, export);
        JS_FreeCString(ctx, export);
    }
    JS_FreePropertyEnum(ctx, names, count);
    JS_SetModulePrivateValue(ctx, module, exports);
    return module;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque)
{
    JSValue asked = JS_NewString(ctx, name);
    JSValue loaded = JS_Call(ctx, load_function, JS_UNDEFINED, 1, &asked);
    (void)opaque;
    JS_FreeValue(ctx, asked);
    if (JS_IsException(loaded))
        return NULL;
    if (!JS_IsString(loaded))
        return built_in(ctx, name, loaded);
    size_t size;
    const char *source = JS_ToCStringLen(ctx, &size, loaded);
    JSValue module = JS_Eval(ctx, source, size, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    JS_FreeCString(ctx, source);
    JS_FreeValue(ctx, loaded);
    if (JS_IsException(module))
        return NULL;
    JSModuleDef *made = JS_VALUE_GET_PTR(module);
    JS_FreeValue(ctx, module);
    return made;
}

void set_module_loader(JSRuntime *runtime, JSContext *of, JSValue resolve, JSValue load_)
{
    (void)of;
    resolve_function = resolve, load_function = load_;
    JS_SetModuleLoaderFunc(runtime, normalize, load, NULL);
}
