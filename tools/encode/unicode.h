/* UTF-8, and what is worth saying about a code point. */
#ifndef UNICODE_H
#define UNICODE_H

#include "wit.h"

/* Whether bytes are UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF. */
bool is_utf8(const uint8_t *bytes, size_t len);

/* The size in bytes of the character that begins with `first`, in valid UTF-8. */
size_t utf8_size(uint8_t first);

/* The code point of the `size` bytes at `bytes`, in valid UTF-8. */
uint32_t utf8_point(const uint8_t *bytes, size_t size);

/* What a reader may not see of a code point, or 0. */
const char *note_of(uint32_t point);

#endif
