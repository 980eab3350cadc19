/* The table of open files, and wasi:filesystem as the canonical ABI passes it. */
#ifndef MCP_WASM_FILES_H
#define MCP_WASM_FILES_H

#include "wasi.h"

#define FILES "wasi:filesystem/types@0.2.0"

typedef enum { CLOSED, STANDARD, OPEN_FILE } wasi_open_t;

/* `listing` is a stream of directory entries of which `listed` were read. */
typedef struct {
    wasi_open_t state;
    int32_t descriptor;
    uint8_t filetype;
    bool append;
    uint64_t at;
    char *preopen;
    size_t preopen_len;
    bool is_listing;
    int32_t listing;
    uint64_t listed;
} wasi_file_t;

/* The open file of that number, or NULL. */
wasi_file_t *wasi_file(int32_t fd);

/* A place in the table for a descriptor; -1 when memory is out. */
int32_t wasi_file_new(int32_t descriptor, uint8_t filetype);

/* The preview 1 error of an error code of WASI 0.2. */
int32_t wasi_errno(uint8_t code);

/* The preview 1 file type of a descriptor type of WASI 0.2. */
uint8_t wasi_filetype(uint8_t type);

typedef struct { uint8_t is_err; uint8_t error; } wasi_done_t;
typedef struct { uint8_t is_some; uint64_t seconds; uint32_t nanoseconds; } wasi_time_t;
typedef struct {
    uint8_t is_err;
    union {
        uint8_t error;
        struct { uint8_t type; uint64_t links, size; wasi_time_t accessed, modified, changed; } stat;
    };
} wasi_stat_t;
_Static_assert(sizeof(wasi_stat_t) == 104, "the layout of result<descriptor-stat, error-code>");

IMPORT(FILES, "[method]descriptor.stat") void wasi_descriptor_stat(int32_t self, wasi_stat_t *result);

#endif
