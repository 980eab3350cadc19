/* The functions of the world: inputs read, an algorithm chosen, digests spelled. */

#include "hash.h"

#include "digests.h"

typedef struct { const char *name; digest_function function; uint8_t size, block; } algorithm_t;

/* In the order of the enum in wit/world.wit. A block of 0 means: no HMAC. */
static const algorithm_t ALGORITHMS[] = {
    {"md5", md5, 16, 64},       {"sha1", sha1, 20, 64},     {"sha224", sha224, 28, 64},
    {"sha256", sha256, 32, 64}, {"sha384", sha384, 48, 128}, {"sha512", sha512, 64, 128},
    {"crc32", crc32, 4, 0},     {"crc32c", crc32c, 4, 0},   {"adler32", adler32, 4, 0},
};
#define ALGORITHM_COUNT (sizeof ALGORITHMS / sizeof *ALGORITHMS)

typedef struct { const uint8_t *ptr; size_t len; } bytes_t;
typedef struct { bool failed; wit_string_t error; } outcome_t;

static const outcome_t FINE;

static outcome_t fail(const char *before, const void *quoted, size_t len, const char *after) {
    wit_text_t text = {0};
    wit_text_c(&text, before);
    wit_text_bytes(&text, quoted, len);
    wit_text_c(&text, after);
    return (outcome_t){true, wit_text_string(&text)};
}

static outcome_t fail_at(const char *before, size_t position, const char *after) {
    wit_text_t number = {0};
    wit_text_number(&number, position);
    return fail(before, number.ptr, number.len, after);
}

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_gap(uint8_t c) { return c == ' ' || c == ':' || c == '\n' || c == '\r' || c == '\t'; }

static outcome_t from_hex(wit_string_t text, bytes_t *out) {
    uint8_t *bytes = wit_alloc(text.len / 2 + 1, 1);
    size_t digits = 0, at = text.len >= 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x' ? 2 : 0;
    for (; at < text.len; at++) {
        if (is_gap(text.ptr[at])) continue;
        int digit = hex_digit(text.ptr[at]);
        if (digit < 0) return fail_at("not hexadecimal: the byte at offset ", at, " is no hex digit");
        if (digits % 2) bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | digit);
        else bytes[digits / 2] = (uint8_t)digit;
        digits++;
    }
    if (digits % 2) return fail_at("not hexadecimal: ", digits, " digits, and a byte takes two");
    *out = (bytes_t){bytes, digits / 2};
    return FINE;
}

static outcome_t read_input(const hash_input_t *input, bytes_t *out) {
    switch (input->tag) {
    case HASH_INPUT_HEX: return from_hex(input->val.hex, out);
    case HASH_INPUT_BYTES: *out = (bytes_t){input->val.bytes.ptr, input->val.bytes.len}; return FINE;
    default: *out = (bytes_t){input->val.text.ptr, input->val.text.len}; return FINE;
    }
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static wit_string_t to_base64(const uint8_t *data, size_t len) {
    wit_text_t out = {0};
    for (size_t at = 0; at < len; at += 3) {
        size_t left = len - at;
        uint32_t group = (uint32_t)data[at] << 16;
        if (left > 1) group |= (uint32_t)data[at + 1] << 8;
        if (left > 2) group |= data[at + 2];
        wit_text_byte(&out, (uint8_t)BASE64[group >> 18]);
        wit_text_byte(&out, (uint8_t)BASE64[group >> 12 & 63]);
        wit_text_byte(&out, (uint8_t)(left > 1 ? BASE64[group >> 6 & 63] : '='));
        wit_text_byte(&out, (uint8_t)(left > 2 ? BASE64[group & 63] : '='));
    }
    return wit_text_string(&out);
}

static int base64_digit(uint8_t c) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    for (int i = 0; i < 64; i++) if (BASE64[i] == c) return i;
    return -1;
}

static bool from_base64(wit_string_t text, bytes_t *out) {
    uint8_t *bytes = wit_alloc(text.len + 1, 1);
    size_t len = 0, end = text.len;
    uint32_t group = 0, bits = 0;
    while (end && text.ptr[end - 1] == '=') end--;
    for (size_t at = 0; at < end; at++) {
        int digit = base64_digit(text.ptr[at]);
        if (digit < 0) return false;
        group = group << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) bits -= 8, bytes[len++] = (uint8_t)(group >> bits);
    }
    *out = (bytes_t){bytes, len};
    return true;
}

static wit_string_t to_hex(const uint8_t *data, size_t len) {
    wit_text_t out = {0};
    for (size_t i = 0; i < len; i++) {
        wit_text_byte(&out, (uint8_t)"0123456789abcdef"[data[i] >> 4]);
        wit_text_byte(&out, (uint8_t)"0123456789abcdef"[data[i] & 15]);
    }
    return wit_text_string(&out);
}

static hash_digest_value_t spell(const uint8_t *digest, size_t size, size_t hashed) {
    return (hash_digest_value_t){to_hex(digest, size), to_base64(digest, size), hashed};
}

static const algorithm_t *chosen(const hash_option_algorithm_t *wanted) {
    return &ALGORITHMS[wanted->is_some ? wanted->val : HASH_ALGORITHM_SHA256];
}

void hash_digest(const hash_digest_args_t *args, hash_result_digest_value_string_t *result) {
    uint8_t digest[MAX_DIGEST];
    bytes_t data;
    outcome_t read = read_input(&args->data, &data);
    result->is_err = read.failed;
    if (read.failed) {
        result->val.err = read.error;
        return;
    }
    const algorithm_t *algorithm = chosen(&args->algorithm);
    algorithm->function(data.ptr, data.len, digest);
    result->val.ok = spell(digest, algorithm->size, data.len);
}

/* RFC 2104: H(key ^ opad, H(key ^ ipad, message)). */
static void hmac(const algorithm_t *algorithm, bytes_t key, bytes_t message, uint8_t *out) {
    uint8_t block[128] = {0}, inner[128 + MAX_DIGEST];
    if (key.len > algorithm->block) algorithm->function(key.ptr, key.len, block);
    else memcpy(block, key.ptr, key.len);
    uint8_t *joined = wit_alloc(algorithm->block + message.len, 1);
    for (size_t i = 0; i < algorithm->block; i++) joined[i] = block[i] ^ 0x36, inner[i] = block[i] ^ 0x5c;
    memcpy(joined + algorithm->block, message.ptr, message.len);
    algorithm->function(joined, algorithm->block + message.len, inner + algorithm->block);
    algorithm->function(inner, (size_t)algorithm->block + algorithm->size, out);
}

void hash_hmac(const hash_hmac_args_t *args, hash_result_digest_value_string_t *result) {
    uint8_t digest[MAX_DIGEST];
    bytes_t data, key;
    const algorithm_t *algorithm = chosen(&args->algorithm);
    outcome_t read = read_input(&args->data, &data);
    if (!read.failed) read = read_input(&args->key, &key);
    if (!read.failed && !algorithm->block)
        read = fail("", algorithm->name, strlen(algorithm->name),
                    " is a checksum and has no HMAC; use md5, sha1, sha224, sha256, sha384 or sha512");
    result->is_err = read.failed;
    if (read.failed) {
        result->val.err = read.error;
        return;
    }
    hmac(algorithm, key, data, digest);
    result->val.ok = spell(digest, algorithm->size, data.len);
}

static const algorithm_t *by_size(size_t size) {
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        if (ALGORITHMS[i].size == size && ALGORITHMS[i].block) return &ALGORITHMS[i];
    return 0;
}

/* Drops "sha256:" or "sha256-", as container images and subresource integrity write it. */
static void take_prefix(wit_string_t *text, const algorithm_t **algorithm) {
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        size_t len = strlen(ALGORITHMS[i].name);
        if (text->len <= len || memcmp(text->ptr, ALGORITHMS[i].name, len)) continue;
        if (text->ptr[len] != ':' && text->ptr[len] != '-') continue;
        text->ptr += len + 1;
        text->len -= len + 1;
        if (!*algorithm) *algorithm = &ALGORITHMS[i];
        return;
    }
}

static wit_string_t trimmed(wit_string_t text) {
    while (text.len && is_gap(text.ptr[text.len - 1])) text.len--;
    while (text.len && is_gap(*text.ptr)) text.ptr++, text.len--;
    return text;
}

/* Hexadecimal where it is that and of a digest's length, else base64. */
static outcome_t read_expected(wit_string_t text, const algorithm_t *algorithm, bytes_t *out) {
    bytes_t hex = {0}, base64 = {0};
    bool is_hex = !from_hex(text, &hex).failed, is_base64 = from_base64(text, &base64);
    size_t wanted = algorithm ? algorithm->size : 0;
    if (is_hex && (wanted ? hex.len == wanted : by_size(hex.len) != 0)) return *out = hex, FINE;
    if (is_base64 && (wanted ? base64.len == wanted : by_size(base64.len) != 0)) return *out = base64, FINE;
    if (!is_hex && !is_base64) return fail("the expected digest is neither hexadecimal nor base64", "", 0, "");
    if (!wanted)
        return fail_at("no digest has the length of the expected one (", is_hex ? hex.len : base64.len,
                       " bytes); name the algorithm of a checksum");
    wit_text_t text_of = {0};
    wit_text_c(&text_of, "the expected digest has ");
    wit_text_number(&text_of, is_hex ? hex.len : base64.len);
    wit_text_c(&text_of, " bytes, and ");
    wit_text_c(&text_of, algorithm->name);
    wit_text_c(&text_of, " makes ");
    wit_text_number(&text_of, wanted);
    return (outcome_t){true, wit_text_string(&text_of)};
}

void hash_verify(const hash_verify_args_t *args, hash_result_bool_string_t *result) {
    uint8_t digest[MAX_DIGEST];
    bytes_t data, expected;
    wit_string_t text = trimmed(args->expected);
    const algorithm_t *algorithm = args->algorithm.is_some ? &ALGORITHMS[args->algorithm.val] : 0;
    take_prefix(&text, &algorithm);
    outcome_t read = read_input(&args->data, &data);
    if (!read.failed) read = read_expected(text, algorithm, &expected);
    result->is_err = read.failed;
    if (read.failed) {
        result->val.err = read.error;
        return;
    }
    if (!algorithm) algorithm = by_size(expected.len);
    algorithm->function(data.ptr, data.len, digest);
    result->val.ok = memcmp(digest, expected.ptr, expected.len) == 0;
}
