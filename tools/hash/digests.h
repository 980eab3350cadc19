/* The algorithms themselves: bytes in, digest out. They know nothing of WIT. */
#ifndef DIGESTS_H
#define DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#define MAX_DIGEST 64

typedef void (*digest_function)(const uint8_t *data, size_t len, uint8_t *out);

void md5(const uint8_t *data, size_t len, uint8_t *out);
void sha1(const uint8_t *data, size_t len, uint8_t *out);
void sha224(const uint8_t *data, size_t len, uint8_t *out);
void sha256(const uint8_t *data, size_t len, uint8_t *out);
void sha384(const uint8_t *data, size_t len, uint8_t *out);
void sha512(const uint8_t *data, size_t len, uint8_t *out);
void crc32(const uint8_t *data, size_t len, uint8_t *out);
void crc32c(const uint8_t *data, size_t len, uint8_t *out);
void adler32(const uint8_t *data, size_t len, uint8_t *out);

#endif
