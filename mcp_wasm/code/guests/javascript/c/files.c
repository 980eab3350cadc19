/* Files for the scripts, over the folders that the host opened. Paths come absolute and without `.` and `..`.
 * What fails returns the name of the POSIX error as a string; nothing else here returns one. */
#include <stdlib.h>
#include <string.h>
#include "host.h"
#include "imports.h"

#define FUNCTION(name) static JSValue name(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv)
#define UNUSED (void)this, (void)argc, (void)argv
#define FOLLOW 1
enum { OPEN_CREATE = 1, OPEN_DIRECTORY = 2, OPEN_EXCLUSIVE = 4, OPEN_TRUNCATE = 8 };
enum { MAY_READ = 1, MAY_WRITE = 2 };
#define PART (1024 * 1024)

typedef struct { int32_t handle; char *name; uint32_t size; } folder_t;
typedef struct { int32_t folder; const char *path; size_t size; const char *text; } place_t;

static struct { folder_t *items; uint32_t count; } folders;

/* In the order of wasi:filesystem's error-code. */
static const char *const codes[] = {
    "EACCES", "EAGAIN", "EALREADY", "EBADF", "EBUSY", "EDEADLK", "EDQUOT", "EEXIST", "EFBIG", "EILSEQ",
    "EINPROGRESS", "EINTR", "EINVAL", "EIO", "EISDIR", "ELOOP", "EMLINK", "EMSGSIZE", "ENAMETOOLONG", "ENODEV",
    "ENOENT", "ENOLCK", "ENOMEM", "ENOSPC", "ENOTDIR", "ENOTEMPTY", "ENOTRECOVERABLE", "ENOTSUP", "ENOTTY",
    "ENXIO", "EOVERFLOW", "EPERM", "EPIPE", "EROFS", "ESPIPE", "ETXTBSY", "EXDEV",
};

static JSValue failure(JSContext *ctx, uint8_t code)
{
    return JS_NewString(ctx, code < sizeof codes / sizeof *codes ? codes[code] : "EIO");
}

/* The opened folder that holds `path`, and the path within it. Returns false with *error set. */
static bool place(JSContext *ctx, JSValueConst path, place_t *found, JSValue *error)
{
    size_t size, best = 0;
    *error = JS_EXCEPTION;
    if (!(found->text = JS_ToCStringLen(ctx, &size, path)))
        return false;
    if (!folders.items)
        wasi_folders(&folders);
    const folder_t *folder = NULL;
    for (uint32_t i = 0; i < folders.count; i++) {
        const folder_t *item = &folders.items[i];
        size_t length = item->size;
        while (length > 0 && item->name[length - 1] == '/')
            length--;
        if (length == 1 && item->name[0] == '.')
            length = 0;
        bool inside = length == 0 || (size >= length && memcmp(item->name, found->text, length) == 0
                                      && (size == length || found->text[length] == '/'));
        if (inside && (!folder || length > best))
            folder = item, best = length;
    }
    if (!folder) {
        JS_FreeCString(ctx, found->text);
        *error = JS_NewString(ctx, "ENODEV"); /* no folder was opened for this run */
        return false;
    }
    while (best < size && found->text[best] == '/')
        best++;
    found->folder = folder->handle;
    found->path = best < size ? found->text + best : ".";
    found->size = best < size ? size - best : 1;
    return true;
}

static JSValue simple(JSContext *ctx, JSValueConst path, void (*operation)(int32_t, const void *, int32_t, void *))
{
    place_t at;
    JSValue error;
    uint8_t result[2];
    if (!place(ctx, path, &at, &error))
        return error;
    operation(at.folder, at.path, at.size, result);
    JS_FreeCString(ctx, at.text);
    return result[0] ? failure(ctx, result[1]) : JS_UNDEFINED;
}

FUNCTION(js_mkdir) { UNUSED; return simple(ctx, argv[0], wasi_mkdir); }
FUNCTION(js_rmdir) { UNUSED; return simple(ctx, argv[0], wasi_rmdir); }
FUNCTION(js_unlink) { UNUSED; return simple(ctx, argv[0], wasi_unlink); }

FUNCTION(js_rename)
{
    place_t from, to;
    JSValue error;
    uint8_t result[2];
    UNUSED;
    if (!place(ctx, argv[0], &from, &error))
        return error;
    if (place(ctx, argv[1], &to, &error)) {
        wasi_rename(from.folder, from.path, from.size, to.folder, to.path, to.size, result);
        JS_FreeCString(ctx, to.text);
        error = result[0] ? failure(ctx, result[1]) : JS_UNDEFINED;
    }
    JS_FreeCString(ctx, from.text);
    return error;
}

typedef struct { uint8_t some; uint64_t seconds; uint32_t nanoseconds; } moment_t;

/* stat(path) -> [type, size, milliseconds of the last change]; types as wasi:filesystem numbers them. */
FUNCTION(js_stat)
{
    struct { uint64_t failed; uint8_t type; uint64_t links, size; moment_t accessed, modified, changed; } result;
    place_t at;
    JSValue error;
    UNUSED;
    if (!place(ctx, argv[0], &at, &error))
        return error;
    wasi_stat(at.folder, FOLLOW, at.path, at.size, &result);
    JS_FreeCString(ctx, at.text);
    if ((uint8_t)result.failed)
        return failure(ctx, result.type);
    double changed = result.modified.some
        ? (double)result.modified.seconds * 1e3 + result.modified.nanoseconds / 1000000 : 0;
    JSValue parts[3] = {JS_NewInt32(ctx, result.type), JS_NewInt64(ctx, result.size), JS_NewFloat64(ctx, changed)};
    return JS_NewArrayFrom(ctx, 3, parts);
}

/* What open-at returned, or -1 with *error set. */
static int32_t opened(JSContext *ctx, JSValueConst path, int32_t open, int32_t flags, JSValue *error)
{
    place_t at;
    struct { uint32_t failed; uint32_t payload; } result;
    if (!place(ctx, path, &at, error))
        return -1;
    wasi_open(at.folder, FOLLOW, at.path, at.size, open, flags, &result);
    JS_FreeCString(ctx, at.text);
    if (!(uint8_t)result.failed)
        return (int32_t)result.payload;
    *error = failure(ctx, (uint8_t)result.payload);
    return -1;
}

/* read(path) -> Uint8Array */
FUNCTION(js_read)
{
    struct { uint32_t failed; union { struct { uint8_t *data; uint32_t size; uint8_t end; } ok; uint8_t code; }; } part;
    JSValue error;
    uint8_t *bytes = NULL;
    size_t size = 0;
    UNUSED;
    int32_t file = opened(ctx, argv[0], 0, MAY_READ, &error);
    if (file < 0)
        return error;
    error = JS_UNDEFINED;
    do {
        wasi_read(file, PART, (int64_t)size, &part);
        if ((uint8_t)part.failed) {
            error = failure(ctx, part.code);
            break;
        }
        uint8_t *more = js_realloc(ctx, bytes, size + part.ok.size + 1);
        if (!more) {
            release(part.ok.data, part.ok.size);
            error = JS_EXCEPTION;
            break;
        }
        bytes = more;
        memcpy(bytes + size, part.ok.data, part.ok.size);
        size += part.ok.size;
        release(part.ok.data, part.ok.size);
    } while (!part.ok.end && part.ok.size);
    wasi_drop_file(file);
    if (JS_IsUndefined(error))
        error = JS_NewUint8ArrayCopy(ctx, bytes, size);
    js_free(ctx, bytes);
    return error;
}

/* write(path, Uint8Array, mode): mode 0 replaces, 1 appends, 2 only where there is no file yet */
FUNCTION(js_write_file)
{
    static const int32_t modes[] = {OPEN_CREATE | OPEN_TRUNCATE, OPEN_CREATE, OPEN_CREATE | OPEN_EXCLUSIVE};
    struct { uint64_t failed; union { uint64_t size; uint8_t code; }; } part;
    struct { uint64_t failed; uint8_t type; uint64_t links, size; moment_t times[3]; } about;
    int32_t mode;
    size_t size, done = 0;
    JSValue error;
    UNUSED;
    const uint8_t *bytes = JS_GetUint8Array(ctx, &size, argv[1]);
    if ((!bytes && size) || JS_ToInt32(ctx, &mode, argv[2]))
        return JS_EXCEPTION;
    int32_t file = opened(ctx, argv[0], modes[mode % 3], MAY_WRITE, &error);
    if (file < 0)
        return error;
    error = JS_UNDEFINED;
    uint64_t offset = 0;
    if (mode == 1) {
        wasi_stat_open(file, &about);
        offset = (uint8_t)about.failed ? 0 : about.size;
    }
    while (done < size) {
        size_t next = size - done < PART ? size - done : PART;
        wasi_write_at(file, bytes + done, next, (int64_t)(offset + done), &part);
        if ((uint8_t)part.failed || part.size == 0) {
            error = (uint8_t)part.failed ? failure(ctx, part.code) : JS_NewString(ctx, "EIO");
            break;
        }
        done += part.size;
    }
    wasi_drop_file(file);
    return error;
}

/* list(path) -> [name, type, name, type, ...] */
FUNCTION(js_list)
{
    struct { uint32_t failed; union { int32_t handle; uint8_t code; }; } entries;
    struct {
        uint32_t failed;
        union { uint8_t code; struct { uint32_t some; uint32_t type; char *name; uint32_t size; } entry; };
    } next;
    JSValue error;
    UNUSED;
    int32_t folder = opened(ctx, argv[0], OPEN_DIRECTORY, MAY_READ, &error);
    if (folder < 0)
        return error;
    wasi_list(folder, &entries);
    if ((uint8_t)entries.failed) {
        wasi_drop_file(folder);
        return failure(ctx, entries.code);
    }
    JSValue found = JS_NewArray(ctx);
    for (uint32_t count = 0;; count += 2) {
        wasi_next(entries.handle, &next);
        if ((uint8_t)next.failed || !(uint8_t)next.entry.some)
            break;
        JS_SetPropertyUint32(ctx, found, count, JS_NewStringLen(ctx, next.entry.name, next.entry.size));
        JS_SetPropertyUint32(ctx, found, count + 1, JS_NewInt32(ctx, (uint8_t)next.entry.type));
        release(next.entry.name, next.entry.size);
    }
    wasi_drop_entries(entries.handle);
    wasi_drop_file(folder);
    if (!(uint8_t)next.failed)
        return found;
    JS_FreeValue(ctx, found);
    return failure(ctx, next.code);
}

void add_files(JSContext *ctx, JSValueConst object)
{
    static const struct { const char *name; JSCFunction *function; int length; } functions[] = {
        {"stat", js_stat, 1},   {"readFile", js_read, 1}, {"writeFile", js_write_file, 3}, {"list", js_list, 1},
        {"mkdir", js_mkdir, 1}, {"rmdir", js_rmdir, 1},   {"unlink", js_unlink, 1},        {"rename", js_rename, 2},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        JS_SetPropertyStr(ctx, object, functions[i].name,
                          JS_NewCFunction(ctx, functions[i].function, functions[i].name, functions[i].length));
}
