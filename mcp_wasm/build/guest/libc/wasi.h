/* What the files of this folder know of each other: WASI 0.2 under a C library
   that was written for WASI preview 1. Each preview 1 function that the library
   imports is defined here over canonical-ABI imports, so that a program is one
   core module and needs no adapter. Layouts: the component model's
   CanonicalABI.md; meanings: WASI 0.2 and preview 1. */
#ifndef MCP_WASM_WASI_H
#define MCP_WASM_WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasi/api.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

/* The name by which the library calls a preview 1 function. */
#define PREVIEW1(name) __imported_wasi_snapshot_preview1_##name

/* What standard input holds; set before main runs. */
extern const uint8_t *wasi_stdin;
extern size_t wasi_stdin_len;

/* What the end of a program does; a tool traps, a program of run_code answers. */
_Noreturn void wasi_exit(int32_t code);

/* Standard output and error: 1 and 2. */
int32_t wasi_put(int32_t fd, const uint8_t *bytes, size_t len);

/* Writes out what standard output and error hold back; NULL until something was written. */
extern void (*wasi_written)(void);

/* Above 0 while a function of the host runs that hands over a list or string. */
extern int32_t wasi_asking;
#define ASK(call) (wasi_asking++, (call), wasi_asking--)

/* Lets go of a list or string that the host handed over; an empty one is no block. */
void wasi_free(void *block, size_t len);

#endif
