#include "json.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 200 };

static const char *blank(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    return p;
}

/* Past a value that is known to be JSON. */
static const char *skip(const char *p, const char *end) {
    size_t depth = 0;
    do {
        p = blank(p, end);
        if (p == end) return end;
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++) p += *p == '\\';
            p++;
        } else if (*p == '{' || *p == '[') {
            depth++, p++;
        } else if (*p == '}' || *p == ']') {
            depth--, p++;
        } else if (*p == ',' || *p == ':') {
            p++;
        } else {
            while (p < end && !strchr(",:]} \t\r\n", *p)) p++;
        }
    } while (depth);
    return p;
}

bool json_find(json_text_t object, const char *key, json_text_t *value) {
    const char *end = object.ptr + object.len, *p = blank(object.ptr, end) + 1;
    while ((p = blank(p, end)) < end && *p == '"') {
        const char *name = p + 1;
        p = skip(p, end);
        size_t len = (size_t)(p - name) - 1;
        p = blank(blank(p, end) + 1, end);
        const char *begin = p;
        p = skip(p, end);
        if (len == strlen(key) && !memcmp(name, key, len)) {
            *value = (json_text_t){begin, (size_t)(p - begin)};
            return true;
        }
        p = blank(p, end);
        if (p < end && *p == ',') p++;
    }
    return false;
}

static unsigned hex(const char *p) {
    unsigned n = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];
        n = n * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return n;
}

static char *encode(char *to, unsigned point) {
    if (point < 0x80) return *to++ = (char)point, to;
    if (point < 0x800) *to++ = (char)(0xc0 | point >> 6);
    else if (point < 0x10000) *to++ = (char)(0xe0 | point >> 12), *to++ = (char)(0x80 | (point >> 6 & 63));
    else {
        *to++ = (char)(0xf0 | point >> 18), *to++ = (char)(0x80 | (point >> 12 & 63));
        *to++ = (char)(0x80 | (point >> 6 & 63));
    }
    *to++ = (char)(0x80 | (point & 63));
    return to;
}

json_text_t json_string(json_text_t quoted) {
    char *text = malloc(quoted.len + 1), *to = text;
    if (!text) abort();
    const char *p = quoted.ptr + 1, *end = quoted.ptr + quoted.len - 1;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        char kind = p[1];
        p += 2;
        if (kind == 'u') {
            unsigned point = hex(p);
            p += 4;
            if (point >> 10 == 0x36 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
                point = 0x10000 + ((point & 0x3ff) << 10) + (hex(p + 2) & 0x3ff);
                p += 6;
            }
            to = encode(to, point);
        } else {
            const char *from = "bfnrt", *found = strchr(from, kind);
            *to++ = found ? "\b\f\n\r\t"[found - from] : kind;
        }
    }
    *to = 0;
    return (json_text_t){text, (size_t)(to - text)};
}

/* The bytes of the UTF-8 sequence at `p`, 0 where there is none. */
static size_t sequence(const char *p, const char *end) {
    const uint8_t *b = (const uint8_t *)p;
    size_t len = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
    if (!len || (size_t)(end - p) < len) return 0;
    for (size_t n = 1; n < len; n++) if (b[n] >> 6 != 2) return 0;
    if (b[0] == 0xe0 && b[1] < 0xa0) return 0;
    if (b[0] == 0xed && b[1] > 0x9f) return 0;
    if (b[0] == 0xf0 && b[1] < 0x90) return 0;
    if (b[0] == 0xf4 && b[1] > 0x8f) return 0;
    return len;
}

static const char *valid_string(const char *p, const char *end) {
    if (p == end || *p++ != '"') return NULL;
    while (p < end && *p != '"') {
        if ((uint8_t)*p < 0x20) return NULL;
        if (*p == '\\') {
            if (end - p < 2 || !strchr("\"\\/bfnrtu", p[1]) || !p[1]) return NULL;
            if (p[1] == 'u') {
                if (end - p < 6) return NULL;
                for (int n = 2; n < 6; n++) if (!p[n] || !strchr("0123456789abcdefABCDEF", p[n])) return NULL;
                p += 4;
            }
            p += 2;
        } else {
            size_t len = sequence(p, end);
            if (!len) return NULL;
            p += len;
        }
    }
    return p < end ? p + 1 : NULL;
}

static const char *digits(const char *p, const char *end) {
    const char *first = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p == first ? NULL : p;
}

static const char *valid_number(const char *p, const char *end) {
    if (p < end && *p == '-') p++;
    const char *first = p;
    p = digits(p, end);
    if (!p || (*first == '0' && p - first > 1)) return NULL;
    if (p < end && *p == '.') p = digits(p + 1, end);
    if (p && p < end && (*p | 32) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        p = digits(p, end);
    }
    return p;
}

static const char *valid_word(const char *p, const char *end) {
    static const char *const words[] = {"true", "false", "null"};
    for (int n = 0; n < 3; n++) {
        size_t len = strlen(words[n]);
        if ((size_t)(end - p) >= len && !memcmp(p, words[n], len)) return p + len;
    }
    return valid_number(p, end);
}

static const char *valid_value(const char *p, const char *end, int depth) {
    p = blank(p, end);
    if (p == end || depth > DEEPEST) return NULL;
    if (*p == '"') return valid_string(p, end);
    if (*p != '{' && *p != '[') return valid_word(p, end);
    bool object = *p == '{';
    char close = object ? '}' : ']';
    p = blank(p + 1, end);
    if (p < end && *p == close) return p + 1;
    for (;;) {
        if (object) {
            p = valid_string(blank(p, end), end);
            if (!p) return NULL;
            p = blank(p, end);
            if (p == end || *p++ != ':') return NULL;
        }
        p = valid_value(p, end, depth + 1);
        if (!p) return NULL;
        p = blank(p, end);
        if (p == end) return NULL;
        if (*p == close) return p + 1;
        if (*p++ != ',') return NULL;
    }
}

bool json_valid(json_text_t text) {
    const char *end = text.ptr + text.len, *p = valid_value(text.ptr, end, 0);
    return p && blank(p, end) == end;
}

void json_put_raw(json_out_t *out, json_text_t text) {
    if (out->capacity - out->len < text.len) {
        size_t wanted = 2 * out->capacity + text.len + 256;
        char *moved = realloc(out->ptr, wanted);
        if (!moved) abort();
        out->ptr = moved, out->capacity = wanted;
    }
    memcpy(out->ptr + out->len, text.ptr, text.len);
    out->len += text.len;
}

void json_put(json_out_t *out, const char *text) { json_put_raw(out, (json_text_t){text, strlen(text)}); }

void json_put_number(json_out_t *out, long number) {
    char digit[12];
    size_t n = sizeof digit;
    unsigned long left = number < 0 ? 0 - (unsigned long)number : (unsigned long)number;
    do digit[--n] = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0) digit[--n] = '-';
    json_put_raw(out, (json_text_t){digit + n, sizeof digit - n});
}

void json_put_string(json_out_t *out, json_text_t text) {
    const char *p = text.ptr, *end = p + text.len;
    json_put(out, "\"");
    while (p < end) {
        size_t len = sequence(p, end);
        if (!len) {
            json_put(out, "\xef\xbf\xbd");
            p++;
        } else if (len == 1 && ((uint8_t)*p < 0x20 || *p == '"' || *p == '\\')) {
            const char *hexes = "0123456789abcdef";
            char escape[] = {'\\', 'u', '0', '0', hexes[(uint8_t)*p >> 4], hexes[*p & 15], 0};
            json_put(out, *p == '\n' ? "\\n" : *p == '"' ? "\\\"" : *p == '\\' ? "\\\\" : escape);
            p++;
        } else {
            json_put_raw(out, (json_text_t){p, len});
            p += len;
        }
    }
    json_put(out, "\"");
}
