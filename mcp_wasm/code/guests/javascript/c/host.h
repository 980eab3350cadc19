/* What the scripts of the runner are given of the world outside: output, time, chance, files, tools. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "quickjs.h"

/* False until the first request: before it, the snapshot is being made and there is no world to ask. */
extern bool live;

/* Text for stdout (1) or stderr (2); kept until 4 KiB are together, or until output_flush. */
void output_write(int stream, const char *text, size_t size);
void output_flush(void);

/* Free what an import returned; where that is empty nothing was allocated. */
void release(void *memory, size_t size);

double clock_monotonic_ms(void);
void random_bytes(void *into, size_t size);

/* The functions of output, time and chance, of files, and of tools, as properties of `object`. */
void add_host(JSContext *ctx, JSValueConst object);
void add_files(JSContext *ctx, JSValueConst object);
void add_tools(JSContext *ctx, JSValueConst object);

#endif
