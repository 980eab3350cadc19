#include "wit.h"

#ifdef MCP_WASM_LIBC
/* With a C library the allocator is libc/arena.c, and the library has the rest. */
#include <string.h>
#else
#define PAGE 65536u

extern uint8_t __heap_base;
static uintptr_t top, end;
static uint8_t *last;

static void *take(size_t size, size_t align) {
    if (!top) {
        top = (uintptr_t)&__heap_base;
        end = __builtin_wasm_memory_size(0) * PAGE;
    }
    uint64_t start = ((uint64_t)top + align - 1) & ~(uint64_t)(align - 1);
    uint64_t stop = start + size;
    if (stop > UINT32_MAX - PAGE) __builtin_trap();
    if (stop > end) {
        size_t pages = (size_t)((stop - end + PAGE - 1) / PAGE);
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) __builtin_trap();
        end += pages * PAGE;
    }
    top = (uintptr_t)stop;
    last = (uint8_t *)(uintptr_t)start;
    return last;
}

void *wit_alloc(size_t size, size_t align) { return take(size, align); }

void *wit_realloc(void *block, size_t old_size, size_t align, size_t new_size) {
    if (block && block == last && old_size) {
        top = (uintptr_t)block;
        return take(new_size, align);
    }
    if (block && new_size <= old_size) return block;
    void *moved = take(new_size, align);
    if (block) memcpy(moved, block, old_size);
    return moved;
}

void wit_reset(void) {
    top = (uintptr_t)&__heap_base;
    last = 0;
}

__attribute__((export_name("cabi_realloc")))
void *wit_cabi_realloc(void *block, size_t old_size, size_t align, size_t new_size) {
    return wit_realloc(block, old_size, align, new_size);
}

#endif

bool wit_equals(wit_string_t text, const char *expected) {
    size_t len = strlen(expected);
    return text.len == len && memcmp(text.ptr, expected, len) == 0;
}

static void reserve(wit_text_t *text, size_t more) {
    if (text->capacity - text->len >= more) return;
    size_t wanted = text->capacity * 2 > text->len + more ? text->capacity * 2 : text->len + more + 64;
    text->ptr = wit_realloc(text->ptr, text->capacity, 1, wanted);
    text->capacity = wanted;
}

void wit_text_byte(wit_text_t *text, uint8_t byte) {
    reserve(text, 1);
    text->ptr[text->len++] = byte;
}

void wit_text_bytes(wit_text_t *text, const void *bytes, size_t len) {
    reserve(text, len);
    memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
}

void wit_text_c(wit_text_t *text, const char *c_string) { wit_text_bytes(text, c_string, strlen(c_string)); }

void wit_text_number(wit_text_t *text, uint64_t number) {
    uint8_t digits[20];
    size_t n = sizeof digits;
    do digits[--n] = (uint8_t)('0' + number % 10);
    while (number /= 10);
    wit_text_bytes(text, digits + n, sizeof digits - n);
}

wit_string_t wit_text_string(const wit_text_t *text) { return (wit_string_t){text->ptr, text->len}; }

#ifndef MCP_WASM_LIBC
/* The compiler may turn these loops into calls of the very functions they are
   in; the flag -fno-builtin keeps it from that. */
void *memcpy(void *to, const void *from, size_t len) {
    uint8_t *t = to;
    const uint8_t *f = from;
    while (len--) *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t len) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if (t <= f) while (len--) *t++ = *f++;
    else while (len--) t[len] = f[len];
    return to;
}

void *memset(void *to, int byte, size_t len) {
    uint8_t *t = to;
    while (len--) *t++ = (uint8_t)byte;
    return to;
}

int memcmp(const void *left, const void *right, size_t len) {
    const uint8_t *l = left, *r = right;
    for (; len; len--, l++, r++) if (*l != *r) return *l < *r ? -1 : 1;
    return 0;
}

size_t strlen(const char *text) {
    size_t len = 0;
    while (text[len]) len++;
    return len;
}
#endif
