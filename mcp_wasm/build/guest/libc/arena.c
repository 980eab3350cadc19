/* wit.h over the C library's own heap: what the host hands over and what wit_alloc
   gives lives until the host has read the result, and is freed then. What a
   source takes with malloc is its own. */
#include "../wit.h"
#include "wasi.h"
#include <stdlib.h>

typedef struct block { struct block *before, *after; } block_t;
enum { HEAD = 16 };

static block_t blocks = {&blocks, &blocks};

extern void __wasm_call_ctors(void);

/* Defined where a source may print (flush.c). */
__attribute__((weak)) void wit_flush(void);

/* Called once, when the component is instantiated; without it each call would be a start and an end. */
__attribute__((export_name("_initialize"))) void _initialize(void) { __wasm_call_ctors(); }

static void *linked(block_t *block) {
    if (!block) __builtin_trap();
    block->before = &blocks, block->after = blocks.after;
    blocks.after->before = block, blocks.after = block;
    return (uint8_t *)block + HEAD;
}

static block_t *unlinked(void *given) {
    block_t *block = (block_t *)((uint8_t *)given - HEAD);
    block->before->after = block->after, block->after->before = block->before;
    return block;
}

void *wit_alloc(size_t size, size_t align) {
    (void)align;
    return size > SIZE_MAX - HEAD ? linked(NULL) : linked(malloc(size + HEAD));
}

void *wit_realloc(void *block, size_t old_size, size_t align, size_t new_size) {
    if (!block || !old_size) return wit_alloc(new_size, align);
    if (new_size > SIZE_MAX - HEAD) __builtin_trap();
    return linked(realloc(unlinked(block), new_size + HEAD));
}

void wit_end(void) {
    if (wit_flush) wit_flush();
    if (wasi_written) wasi_written();
}

void wit_reset(void) {
    while (blocks.after != &blocks) free(unlinked((uint8_t *)blocks.after + HEAD));
}

/* What the library below asks the host for is its own, and lives as long as that wants. */
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *block, size_t old_size, size_t align, size_t new_size) {
    if (!new_size) return (void *)align;
    if (!wasi_asking) return wit_realloc(block, old_size, align, new_size);
    void *moved = realloc(block, new_size);
    if (!moved) __builtin_trap();
    return moved;
}

_Noreturn void wasi_exit(int32_t code) {
    (void)code;
    __builtin_trap();
}
