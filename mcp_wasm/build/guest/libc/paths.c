/* The path_* functions of preview 1, and what needs a folder or the state of a file. */
#include "files.h"
#include <stdlib.h>
#include <string.h>

typedef struct { uint8_t is_err; union { uint8_t error; int32_t handle; }; } handle_t;
typedef struct {
    uint8_t is_err;
    union {
        uint8_t error;
        struct { uint8_t is_some; struct { uint8_t type; char *name; size_t len; } found; } entry;
    };
} entry_t;
_Static_assert(sizeof(handle_t) == 8 && sizeof(entry_t) == 20, "layouts of results");

IMPORT(FILES, "[method]descriptor.stat-at")
void stat_at(int32_t self, int32_t flags, int32_t path, int32_t len, wasi_stat_t *result);
IMPORT(FILES, "[method]descriptor.open-at")
void open_at(int32_t self, int32_t flags, int32_t path, int32_t len, int32_t how, int32_t what, handle_t *result);
IMPORT(FILES, "[method]descriptor.create-directory-at")
void create_directory_at(int32_t self, int32_t path, int32_t len, wasi_done_t *result);
IMPORT(FILES, "[method]descriptor.remove-directory-at")
void remove_directory_at(int32_t self, int32_t path, int32_t len, wasi_done_t *result);
IMPORT(FILES, "[method]descriptor.unlink-file-at")
void unlink_file_at(int32_t self, int32_t path, int32_t len, wasi_done_t *result);
IMPORT(FILES, "[method]descriptor.rename-at")
void rename_at(int32_t self, int32_t path, int32_t len, int32_t to, int32_t new_path, int32_t new_len,
               wasi_done_t *result);
IMPORT(FILES, "[method]descriptor.read-directory") void read_directory(int32_t self, handle_t *result);
IMPORT(FILES, "[method]directory-entry-stream.read-directory-entry")
void read_directory_entry(int32_t self, entry_t *result);
IMPORT(FILES, "[resource-drop]directory-entry-stream") void listing_drop(int32_t self);

enum { READ = 1, WRITE = 2, DIRECTORY = 2, MUTATE = 32 };

#define FOLDER_OR_RETURN(name, fd)                     \
    wasi_file_t *name = wasi_file(fd);                 \
    if (!name) return __WASI_ERRNO_BADF;               \
    if (name->state == STANDARD) return __WASI_ERRNO_NOTDIR;

static uint64_t nanoseconds(wasi_time_t time) {
    return time.is_some ? time.seconds * 1000000000u + time.nanoseconds : 0;
}

static int32_t told(const wasi_stat_t *found, int32_t result) {
    if (found->is_err) return wasi_errno(found->error);
    /* A number that is not 0 keeps the library from asking again for each entry of a folder. */
    *(__wasi_filestat_t *)result = (__wasi_filestat_t){
        .ino = 1,
        .filetype = wasi_filetype(found->stat.type),
        .nlink = found->stat.links,
        .size = found->stat.size,
        .atim = nanoseconds(found->stat.accessed),
        .mtim = nanoseconds(found->stat.modified),
        .ctim = nanoseconds(found->stat.changed),
    };
    return 0;
}

int32_t PREVIEW1(fd_filestat_get)(int32_t fd, int32_t result) {
    wasi_file_t *file = wasi_file(fd);
    if (!file) return __WASI_ERRNO_BADF;
    if (file->state == STANDARD) {
        *(__wasi_filestat_t *)result = (__wasi_filestat_t){.filetype = file->filetype};
        return 0;
    }
    wasi_stat_t found;
    wasi_descriptor_stat(file->descriptor, &found);
    return told(&found, result);
}

int32_t PREVIEW1(path_filestat_get)(int32_t fd, int32_t flags, int32_t path, int32_t len, int32_t result) {
    FOLDER_OR_RETURN(folder, fd)
    wasi_stat_t found;
    stat_at(folder->descriptor, flags & 1, path, len, &found);
    return told(&found, result);
}

int32_t PREVIEW1(path_open)(int32_t fd, int32_t flags, int32_t path, int32_t len, int32_t how, int64_t rights,
                            int64_t inherited, int32_t fdflags, int32_t result) {
    (void)inherited;
    FOLDER_OR_RETURN(folder, fd)
    int32_t parent = folder->descriptor;
    int32_t what = rights & __WASI_RIGHTS_FD_WRITE ? WRITE : 0;
    if (rights & (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_READDIR) || !what) what |= READ;
    if (how & __WASI_OFLAGS_DIRECTORY) what = READ;
    handle_t opened;
    open_at(parent, flags & 1, path, len, how, what, &opened);
    if (opened.is_err) return wasi_errno(opened.error);
    wasi_stat_t found;
    wasi_descriptor_stat(opened.handle, &found);
    uint8_t type = found.is_err ? __WASI_FILETYPE_UNKNOWN : wasi_filetype(found.stat.type);
    int32_t made = wasi_file_new(opened.handle, type);
    if (made < 0) return __WASI_ERRNO_NOMEM;
    wasi_file(made)->append = fdflags & __WASI_FDFLAGS_APPEND;
    *(int32_t *)result = made;
    return 0;
}

#define AT(name, done_by)                                                       \
    int32_t PREVIEW1(name)(int32_t fd, int32_t path, int32_t len) {             \
        FOLDER_OR_RETURN(folder, fd)                                            \
        wasi_done_t done;                                                       \
        done_by(folder->descriptor, path, len, &done);                          \
        return done.is_err ? wasi_errno(done.error) : 0;                        \
    }
AT(path_create_directory, create_directory_at)
AT(path_remove_directory, remove_directory_at)
AT(path_unlink_file, unlink_file_at)

int32_t PREVIEW1(path_rename)(int32_t fd, int32_t path, int32_t len, int32_t new_fd, int32_t new_path,
                              int32_t new_len) {
    FOLDER_OR_RETURN(from, fd)
    FOLDER_OR_RETURN(to, new_fd)
    wasi_done_t done;
    rename_at(from->descriptor, path, len, to->descriptor, new_path, new_len, &done);
    return done.is_err ? wasi_errno(done.error) : 0;
}

static int32_t begin_listing(wasi_file_t *file) {
    if (file->is_listing) listing_drop(file->listing);
    file->is_listing = false;
    handle_t opened;
    read_directory(file->descriptor, &opened);
    if (opened.is_err) return wasi_errno(opened.error);
    file->is_listing = true, file->listing = opened.handle, file->listed = 0;
    return 0;
}

int32_t PREVIEW1(fd_readdir)(int32_t fd, int32_t buffer, int32_t room, int64_t cookie, int32_t result) {
    FOLDER_OR_RETURN(file, fd)
    uint8_t *to = (uint8_t *)buffer;
    size_t left = (size_t)room, *used = (size_t *)result;
    *used = 0;
    if (!file->is_listing || file->listed != (uint64_t)cookie) {
        int32_t failed = begin_listing(file);
        if (failed) return failed;
    }
    while (left) {
        entry_t next;
        ASK(read_directory_entry(file->listing, &next));
        if (next.is_err) return wasi_errno(next.error);
        if (!next.entry.is_some) return 0;
        file->listed++;
        if (file->listed > (uint64_t)cookie) {
            __wasi_dirent_t entry = {file->listed, 1, next.entry.found.len, wasi_filetype(next.entry.found.type)};
            size_t head = sizeof entry < left ? sizeof entry : left;
            memcpy(to, &entry, head);
            to += head, left -= head, *used += head;
            size_t name = next.entry.found.len < left ? next.entry.found.len : left;
            memcpy(to, next.entry.found.name, name);
            to += name, left -= name, *used += name;
            /* The reader asks again for an entry that did not fit; the stream is past it. */
            if (name < next.entry.found.len) file->listed = UINT64_MAX;
        }
        wasi_free(next.entry.found.name, next.entry.found.len);
    }
    return 0;
}
