/* The fd_* functions of preview 1. */
#include "files.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t is_err;
    union { uint8_t error; struct { uint8_t *ptr; size_t len; uint8_t end; } data; };
} read_t;
typedef struct { uint8_t is_err; union { uint8_t error; uint64_t size; }; } written_t;
_Static_assert(sizeof(read_t) == 16 && sizeof(written_t) == 16, "layouts of results");

IMPORT(FILES, "[method]descriptor.read")
void descriptor_read(int32_t self, uint64_t len, uint64_t at, read_t *result);
IMPORT(FILES, "[method]descriptor.write")
void descriptor_write(int32_t self, const uint8_t *bytes, size_t len, uint64_t at, written_t *result);
IMPORT(FILES, "[method]descriptor.set-size")
void descriptor_set_size(int32_t self, uint64_t size, wasi_done_t *result);
IMPORT(FILES, "[resource-drop]descriptor") void descriptor_drop(int32_t self);
IMPORT(FILES, "[resource-drop]directory-entry-stream") void listing_drop(int32_t self);

enum { LARGEST = 1 << 20 };
/* The host copies at most so much at a time. */

#define FILE_OR_RETURN(name, fd)           \
    wasi_file_t *name = wasi_file(fd);     \
    if (!name) return __WASI_ERRNO_BADF;

int32_t PREVIEW1(fd_close)(int32_t fd) {
    FILE_OR_RETURN(file, fd)
    if (file->is_listing) listing_drop(file->listing);
    if (file->state == OPEN_FILE) descriptor_drop(file->descriptor);
    file->is_listing = false;
    file->state = CLOSED;
    return 0;
}

/* The part of zig's C library that is written in Zig asks for it by this name. */
int32_t zig_close(int32_t fd) __asm__("fd_close|wasi_snapshot_preview1");
int32_t zig_close(int32_t fd) { return PREVIEW1(fd_close)(fd); }

static int32_t read_at(wasi_file_t *file, uint64_t at, const __wasi_iovec_t *parts, int32_t n, size_t *total) {
    *total = 0;
    for (int32_t i = 0; i < n; i++) {
        size_t wanted = parts[i].buf_len < LARGEST ? parts[i].buf_len : LARGEST;
        if (!wanted) continue;
        read_t result;
        ASK(descriptor_read(file->descriptor, wanted, at + *total, &result));
        if (result.is_err) return *total ? 0 : wasi_errno(result.error);
        memcpy(parts[i].buf, result.data.ptr, result.data.len);
        wasi_free(result.data.ptr, result.data.len);
        *total += result.data.len;
        if (result.data.len < parts[i].buf_len) break;
    }
    return 0;
}

static int32_t write_at(wasi_file_t *file, uint64_t at, const __wasi_ciovec_t *parts, int32_t n, size_t *total) {
    *total = 0;
    for (int32_t i = 0; i < n; i++) {
        for (size_t done = 0; done < parts[i].buf_len;) {
            size_t left = parts[i].buf_len - done;
            written_t result;
            descriptor_write(file->descriptor, parts[i].buf + done, left < LARGEST ? left : LARGEST,
                             at + *total, &result);
            if (result.is_err) return *total ? 0 : wasi_errno(result.error);
            if (!result.size) return 0;
            done += (size_t)result.size, *total += (size_t)result.size;
        }
    }
    return 0;
}

static size_t read_input(const __wasi_iovec_t *parts, int32_t n) {
    size_t total = 0;
    for (int32_t i = 0; i < n; i++) {
        size_t part = parts[i].buf_len < wasi_stdin_len ? parts[i].buf_len : wasi_stdin_len;
        if (part) memcpy(parts[i].buf, wasi_stdin, part);
        wasi_stdin += part, wasi_stdin_len -= part, total += part;
    }
    return total;
}

int32_t PREVIEW1(fd_read)(int32_t fd, int32_t parts, int32_t n, int32_t result) {
    FILE_OR_RETURN(file, fd)
    size_t *total = (size_t *)result;
    if (file->state == STANDARD) {
        if (fd) return __WASI_ERRNO_BADF;
        *total = read_input((const __wasi_iovec_t *)parts, n);
        return 0;
    }
    int32_t failed = read_at(file, file->at, (const __wasi_iovec_t *)parts, n, total);
    file->at += *total;
    return failed;
}

int32_t PREVIEW1(fd_pread)(int32_t fd, int32_t parts, int32_t n, int64_t at, int32_t result) {
    FILE_OR_RETURN(file, fd)
    if (file->state == STANDARD) return __WASI_ERRNO_SPIPE;
    return read_at(file, (uint64_t)at, (const __wasi_iovec_t *)parts, n, (size_t *)result);
}

static int32_t size_of(wasi_file_t *file, uint64_t *size) {
    wasi_stat_t found;
    wasi_descriptor_stat(file->descriptor, &found);
    if (found.is_err) return wasi_errno(found.error);
    *size = found.stat.size;
    return 0;
}

int32_t PREVIEW1(fd_write)(int32_t fd, int32_t parts, int32_t n, int32_t result) {
    FILE_OR_RETURN(file, fd)
    const __wasi_ciovec_t *from = (const __wasi_ciovec_t *)parts;
    size_t *total = (size_t *)result;
    if (file->state != STANDARD) {
        int32_t failed = file->append ? size_of(file, &file->at) : 0;
        if (!failed) failed = write_at(file, file->at, from, n, total);
        if (!failed) file->at += *total;
        return failed;
    }
    if (!fd) return __WASI_ERRNO_BADF;
    *total = 0;
    for (int32_t i = 0; i < n; i++) {
        if (!from[i].buf_len) continue;
        int32_t failed = wasi_put(fd, from[i].buf, from[i].buf_len);
        if (failed) return failed;
        *total += from[i].buf_len;
    }
    return 0;
}

int32_t PREVIEW1(fd_pwrite)(int32_t fd, int32_t parts, int32_t n, int64_t at, int32_t result) {
    FILE_OR_RETURN(file, fd)
    if (file->state == STANDARD) return __WASI_ERRNO_SPIPE;
    return write_at(file, (uint64_t)at, (const __wasi_ciovec_t *)parts, n, (size_t *)result);
}

int32_t PREVIEW1(fd_seek)(int32_t fd, int64_t offset, int32_t whence, int32_t result) {
    FILE_OR_RETURN(file, fd)
    if (file->state == STANDARD) return __WASI_ERRNO_SPIPE;
    uint64_t from = whence == __WASI_WHENCE_SET ? 0 : file->at;
    if (whence == __WASI_WHENCE_END) {
        int32_t failed = size_of(file, &from);
        if (failed) return failed;
    }
    if (offset < 0 && (uint64_t)-offset > from) return __WASI_ERRNO_INVAL;
    *(uint64_t *)result = file->at = from + (uint64_t)offset;
    return 0;
}

int32_t PREVIEW1(fd_tell)(int32_t fd, int32_t result) {
    return PREVIEW1(fd_seek)(fd, 0, __WASI_WHENCE_CUR, result);
}

int32_t PREVIEW1(fd_fdstat_get)(int32_t fd, int32_t result) {
    FILE_OR_RETURN(file, fd)
    __wasi_fdstat_t *stat = (__wasi_fdstat_t *)result;
    *stat = (__wasi_fdstat_t){.fs_filetype = file->filetype};
    if (file->state == OPEN_FILE) stat->fs_rights_base = stat->fs_rights_inheriting = ~0ull;
    if (file->append) stat->fs_flags = __WASI_FDFLAGS_APPEND;
    return 0;
}

int32_t PREVIEW1(fd_fdstat_set_flags)(int32_t fd, int32_t flags) {
    FILE_OR_RETURN(file, fd)
    file->append = flags & __WASI_FDFLAGS_APPEND;
    return 0;
}

int32_t PREVIEW1(fd_filestat_set_size)(int32_t fd, int64_t size) {
    FILE_OR_RETURN(file, fd)
    if (file->state == STANDARD) return __WASI_ERRNO_INVAL;
    wasi_done_t done;
    descriptor_set_size(file->descriptor, (uint64_t)size, &done);
    return done.is_err ? wasi_errno(done.error) : 0;
}

int32_t PREVIEW1(fd_prestat_get)(int32_t fd, int32_t result) {
    if (!wasi_file(3)) return __WASI_ERRNO_BADF;
    FILE_OR_RETURN(file, fd)
    if (!file->preopen) return __WASI_ERRNO_BADF;
    __wasi_prestat_t *prestat = (__wasi_prestat_t *)result;
    prestat->tag = __WASI_PREOPENTYPE_DIR;
    prestat->u.dir.pr_name_len = file->preopen_len;
    return 0;
}

int32_t PREVIEW1(fd_prestat_dir_name)(int32_t fd, int32_t name, int32_t len) {
    FILE_OR_RETURN(file, fd)
    if (!file->preopen || (size_t)len < file->preopen_len) return __WASI_ERRNO_INVAL;
    memcpy((char *)name, file->preopen, file->preopen_len);
    return 0;
}

int32_t PREVIEW1(fd_renumber)(int32_t from, int32_t to) {
    FILE_OR_RETURN(source, from)
    FILE_OR_RETURN(target, to)
    PREVIEW1(fd_close)(to);
    *target = *source;
    source->state = CLOSED;
    return 0;
}
