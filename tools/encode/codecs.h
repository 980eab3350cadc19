/* The codecs: bytes to text and back. They know the runtime's text and nothing of the world. */
#ifndef CODECS_H
#define CODECS_H

#include "wit.h"

typedef struct { const uint8_t *ptr; size_t len; } bytes_t;

/* Why and where a text is not of its encoding; `reason` 0 when all is well. */
typedef struct { const char *reason; size_t offset; } fault_t;

typedef void (*encode_function)(bytes_t data, wit_text_t *out);
typedef fault_t (*decode_function)(bytes_t text, wit_text_t *out);

typedef struct { const char *name; encode_function encode; decode_function decode; } codec_t;

/* In the order of the enum in wit/world.wit. */
extern const codec_t CODECS[];

#endif
