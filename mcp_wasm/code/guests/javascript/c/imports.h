/* The imports of the runner's world, by their canonical ABI (component-model, CanonicalABI.md).
 * Results that are no single number are written to an area of the caller's, laid out as the ABI says;
 * lists and strings in them are allocated by cabi_realloc and belong to the caller. */
#ifndef IMPORTS_H
#define IMPORTS_H

#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("wasi:cli/environment@0.2.12", "get-environment") void wasi_environment(void *result);
IMPORT("wasi:cli/stdout@0.2.12", "get-stdout") int32_t wasi_stdout(void);
IMPORT("wasi:cli/stderr@0.2.12", "get-stderr") int32_t wasi_stderr(void);

IMPORT("wasi:io/streams@0.2.12", "[method]output-stream.blocking-write-and-flush")
void wasi_write(int32_t stream, const void *data, int32_t size, void *result);
IMPORT("wasi:io/poll@0.2.12", "[method]pollable.block") void wasi_block(int32_t pollable);
IMPORT("wasi:io/poll@0.2.12", "[resource-drop]pollable") void wasi_drop_pollable(int32_t pollable);

IMPORT("wasi:clocks/monotonic-clock@0.2.12", "now") int64_t wasi_monotonic(void);
IMPORT("wasi:clocks/monotonic-clock@0.2.12", "subscribe-duration") int32_t wasi_after(int64_t nanoseconds);
IMPORT("wasi:clocks/wall-clock@0.2.12", "now") void wasi_wall(void *result);
IMPORT("wasi:random/random@0.2.12", "get-random-bytes") void wasi_random(int64_t size, void *result);

IMPORT("wasi:filesystem/preopens@0.2.12", "get-directories") void wasi_folders(void *result);
#define FILES "wasi:filesystem/types@0.2.12"
IMPORT(FILES, "[method]descriptor.open-at")
void wasi_open(int32_t at, int32_t follow, const void *path, int32_t size, int32_t open, int32_t flags, void *result);
IMPORT(FILES, "[method]descriptor.stat-at")
void wasi_stat(int32_t at, int32_t follow, const void *path, int32_t size, void *result);
IMPORT(FILES, "[method]descriptor.stat") void wasi_stat_open(int32_t file, void *result);
IMPORT(FILES, "[method]descriptor.read") void wasi_read(int32_t file, int64_t size, int64_t offset, void *result);
IMPORT(FILES, "[method]descriptor.write")
void wasi_write_at(int32_t file, const void *data, int32_t size, int64_t offset, void *result);
IMPORT(FILES, "[method]descriptor.create-directory-at")
void wasi_mkdir(int32_t at, const void *path, int32_t size, void *result);
IMPORT(FILES, "[method]descriptor.remove-directory-at")
void wasi_rmdir(int32_t at, const void *path, int32_t size, void *result);
IMPORT(FILES, "[method]descriptor.unlink-file-at")
void wasi_unlink(int32_t at, const void *path, int32_t size, void *result);
IMPORT(FILES, "[method]descriptor.rename-at")
void wasi_rename(int32_t at, const void *from, int32_t from_size, int32_t to_at, const void *to, int32_t to_size,
                 void *result);
IMPORT(FILES, "[method]descriptor.read-directory") void wasi_list(int32_t folder, void *result);
IMPORT(FILES, "[resource-drop]descriptor") void wasi_drop_file(int32_t file);
IMPORT(FILES, "[method]directory-entry-stream.read-directory-entry") void wasi_next(int32_t entries, void *result);
IMPORT(FILES, "[resource-drop]directory-entry-stream") void wasi_drop_entries(int32_t entries);

IMPORT("mcp-wasm:tools/call@0.1.0", "list") void tools_list(void *result);
IMPORT("mcp-wasm:tools/call@0.1.0", "call")
void tools_call(const void *name, int32_t name_size, const void *arguments, int32_t arguments_size, void *result);

#endif
