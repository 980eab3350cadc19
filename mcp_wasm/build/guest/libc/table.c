/* The table of open files: 0 to 2 are the standard streams, then the folders that
   the host opened, then what the program opens. */
#include "files.h"
#include <stdlib.h>

typedef struct { int32_t descriptor; char *name; size_t len; } preopen_t;
typedef struct { preopen_t *ptr; size_t len; } preopens_t;
IMPORT("wasi:filesystem/preopens@0.2.0", "get-directories") void get_directories(preopens_t *result);

static wasi_file_t *files;
static size_t count, capacity;

static wasi_file_t *grow(void) {
    if (count == capacity) {
        size_t wanted = capacity ? 2 * capacity : 16;
        wasi_file_t *moved = realloc(files, wanted * sizeof *files);
        if (!moved) return NULL;
        files = moved, capacity = wanted;
    }
    files[count] = (wasi_file_t){0};
    return &files[count++];
}

static void begin(void) {
    for (int n = 0; n < 3; n++) {
        wasi_file_t *file = grow();
        if (!file) abort();
        file->state = STANDARD;
        file->filetype = n ? __WASI_FILETYPE_CHARACTER_DEVICE : __WASI_FILETYPE_UNKNOWN;
    }
    preopens_t found;
    ASK(get_directories(&found));
    for (size_t n = 0; n < found.len; n++) {
        int32_t fd = wasi_file_new(found.ptr[n].descriptor, __WASI_FILETYPE_DIRECTORY);
        if (fd < 0) abort();
        files[fd].preopen = found.ptr[n].name, files[fd].preopen_len = found.ptr[n].len;
    }
}

wasi_file_t *wasi_file(int32_t fd) {
    /* The streams alone need no look at the folders: a program that only prints asks for none. */
    static wasi_file_t standard[3] = {
        {.state = STANDARD, .filetype = __WASI_FILETYPE_UNKNOWN},
        {.state = STANDARD, .filetype = __WASI_FILETYPE_CHARACTER_DEVICE},
        {.state = STANDARD, .filetype = __WASI_FILETYPE_CHARACTER_DEVICE},
    };
    if (fd >= 0 && fd < 3 && !count) return &standard[fd];
    if (!count) begin();
    if (fd < 0 || (size_t)fd >= count || files[fd].state == CLOSED) return NULL;
    return &files[fd];
}

int32_t wasi_file_new(int32_t descriptor, uint8_t filetype) {
    wasi_file_t *file = NULL;
    for (size_t n = 3; n < count && !file; n++) {
        if (files[n].state == CLOSED) file = &files[n];
    }
    if (!file) file = grow();
    if (!file) return -1;
    *file = (wasi_file_t){.state = OPEN_FILE, .descriptor = descriptor, .filetype = filetype};
    return (int32_t)(file - files);
}

int32_t wasi_errno(uint8_t code) {
    static const uint8_t errors[] = {
        __WASI_ERRNO_ACCES, __WASI_ERRNO_AGAIN, __WASI_ERRNO_ALREADY, __WASI_ERRNO_BADF, __WASI_ERRNO_BUSY,
        __WASI_ERRNO_DEADLK, __WASI_ERRNO_DQUOT, __WASI_ERRNO_EXIST, __WASI_ERRNO_FBIG, __WASI_ERRNO_ILSEQ,
        __WASI_ERRNO_INPROGRESS, __WASI_ERRNO_INTR, __WASI_ERRNO_INVAL, __WASI_ERRNO_IO, __WASI_ERRNO_ISDIR,
        __WASI_ERRNO_LOOP, __WASI_ERRNO_MLINK, __WASI_ERRNO_MSGSIZE, __WASI_ERRNO_NAMETOOLONG,
        __WASI_ERRNO_NODEV, __WASI_ERRNO_NOENT, __WASI_ERRNO_NOLCK, __WASI_ERRNO_NOMEM, __WASI_ERRNO_NOSPC,
        __WASI_ERRNO_NOTDIR, __WASI_ERRNO_NOTEMPTY, __WASI_ERRNO_NOTRECOVERABLE, __WASI_ERRNO_NOTSUP,
        __WASI_ERRNO_NOTTY, __WASI_ERRNO_NXIO, __WASI_ERRNO_OVERFLOW, __WASI_ERRNO_PERM, __WASI_ERRNO_PIPE,
        __WASI_ERRNO_ROFS, __WASI_ERRNO_SPIPE, __WASI_ERRNO_TXTBSY, __WASI_ERRNO_XDEV,
    };
    return code < sizeof errors ? errors[code] : __WASI_ERRNO_IO;
}

uint8_t wasi_filetype(uint8_t type) {
    static const uint8_t types[] = {
        __WASI_FILETYPE_UNKNOWN, __WASI_FILETYPE_BLOCK_DEVICE, __WASI_FILETYPE_CHARACTER_DEVICE,
        __WASI_FILETYPE_DIRECTORY, __WASI_FILETYPE_UNKNOWN, __WASI_FILETYPE_SYMBOLIC_LINK,
        __WASI_FILETYPE_REGULAR_FILE, __WASI_FILETYPE_SOCKET_STREAM,
    };
    return type < sizeof types ? types[type] : __WASI_FILETYPE_UNKNOWN;
}
