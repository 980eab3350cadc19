/* What C and Zig guests stand on when there is no C library: strings and lists
   of WIT, an allocator, the four memory functions that compilers call, and
   helpers to give errors as text. Bindings for a world are generated on top. */
#ifndef MCP_WASM_WIT_H
#define MCP_WASM_WIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { const uint8_t *ptr; size_t len; } wit_string_t;

/* A block of `size` bytes that lives until the call returns. Traps when the
   memory limit is reached: a tool has no better answer than the host's. */
void *wit_alloc(size_t size, size_t align);

/* Grows the last block in place where it can, else copies. */
void *wit_realloc(void *block, size_t old_size, size_t align, size_t new_size);

/* Forgets every block. The bindings call it when the host has read the result. */
void wit_reset(void);

/* Whether `text` is exactly the C string `expected`. */
bool wit_equals(wit_string_t text, const char *expected);

/* The bindings say so when a function has returned and may still ask the host for something. */
#ifdef MCP_WASM_LIBC
void wit_end(void);
#else
#define wit_end() ((void)0)
#endif

/* Text that grows. `wit_text_string` gives what was written so far. */
typedef struct { uint8_t *ptr; size_t len, capacity; } wit_text_t;
void wit_text_byte(wit_text_t *text, uint8_t byte);
void wit_text_bytes(wit_text_t *text, const void *bytes, size_t len);
void wit_text_c(wit_text_t *text, const char *c_string);
void wit_text_number(wit_text_t *text, uint64_t number);
wit_string_t wit_text_string(const wit_text_t *text);

/* The bits of a float that came as an integer, as cases of variants do. */
static inline float wit_f32(uint32_t bits) { float f; __builtin_memcpy(&f, &bits, 4); return f; }
static inline double wit_f64(uint64_t bits) { double d; __builtin_memcpy(&d, &bits, 8); return d; }

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *left, const void *right, size_t len);
size_t strlen(const char *text);

#endif
