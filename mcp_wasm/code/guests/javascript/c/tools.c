/* mcp-wasm:tools/call for the scripts: `tools()` and `callTool(name, arguments)`. */
#include <stdlib.h>
#include "host.h"
#include "imports.h"

typedef struct { char *data; uint32_t size; } text_t;

static JSValue taken(JSContext *ctx, text_t text)
{
    JSValue string = JS_NewStringLen(ctx, text.data, text.size);
    release(text.data, text.size);
    return string;
}

/* [[name, description, schema], ...]; the texts as they came. */
static JSValue js_tools(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    struct { text_t (*tools)[3]; uint32_t count; } list;
    JSValue array = JS_NewArray(ctx);
    (void)this, (void)argc, (void)argv;
    tools_list(&list);
    for (uint32_t i = 0; i < list.count; i++) {
        JSValue tool = JS_NewArray(ctx);
        for (uint32_t part = 0; part < 3; part++)
            JS_SetPropertyUint32(ctx, tool, part, taken(ctx, list.tools[i][part]));
        JS_SetPropertyUint32(ctx, array, i, tool);
    }
    release(list.tools, list.count);
    return array;
}

/* ["ok", JSON of the result], or [kind of the error, text]. */
static JSValue js_call_tool(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
{
    static const char *const kinds[] = {"unknown", "denied", "invalid", "failed", "limit", "trapped", "unavailable"};
    union {
        struct { uint8_t failed; text_t text; } ok;
        struct { uint32_t failed; uint8_t kind; text_t text; } error;
    } result;
    size_t name_size, size;
    const char *name, *arguments;
    JSValue answer;
    (void)this, (void)argc;
    if (!(name = JS_ToCStringLen(ctx, &name_size, argv[0])))
        return JS_EXCEPTION;
    if (!(arguments = JS_ToCStringLen(ctx, &size, argv[1]))) {
        JS_FreeCString(ctx, name);
        return JS_EXCEPTION;
    }
    output_flush();
    tools_call(name, name_size, arguments, size, &result);
    JS_FreeCString(ctx, name);
    JS_FreeCString(ctx, arguments);
    answer = JS_NewArray(ctx);
    const char *kind = !result.ok.failed ? "ok" : result.error.kind < 7 ? kinds[result.error.kind] : "unavailable";
    JS_SetPropertyUint32(ctx, answer, 0, JS_NewString(ctx, kind));
    JS_SetPropertyUint32(ctx, answer, 1, taken(ctx, result.ok.failed ? result.error.text : result.ok.text));
    return answer;
}

void add_tools(JSContext *ctx, JSValueConst object)
{
    JS_SetPropertyStr(ctx, object, "tools", JS_NewCFunction(ctx, js_tools, "tools", 0));
    JS_SetPropertyStr(ctx, object, "callTool", JS_NewCFunction(ctx, js_call_tool, "callTool", 2));
}
