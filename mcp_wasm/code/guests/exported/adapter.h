/* Between a typed world and a runner: values of WIT as plain JSON, which is the
   request, and the answer's JSON as values. What is generated for each type
   calls these. Reading never traps: what does not fit sets `wrong`. */
#ifndef MCP_WASM_ADAPTER_H
#define MCP_WASM_ADAPTER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wit.h"

#define ERROR_TEXT 16384
#define SAFE 9007199254740991LL

typedef struct { const uint8_t *at, *end; bool wrong; } reader_t;

__attribute__((import_module("runner"), import_name("run")))
void runner_run(const uint8_t *request, size_t len, wit_string_t *answer);

static inline wit_string_t c_text(const char *text) { return (wit_string_t){(const uint8_t *)text, strlen(text)}; }

/* Writing. */

static inline void put_string(wit_text_t *out, const wit_string_t *text) {
    static const char HEX[] = "0123456789abcdef";
    wit_text_byte(out, '"');
    size_t start = 0;
    for (size_t i = 0; i < text->len; i++) {
        uint8_t c = text->ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        wit_text_bytes(out, text->ptr + start, i - start);
        start = i + 1;
        if (c >= 0x20) {
            wit_text_byte(out, '\\');
            wit_text_byte(out, c);
        } else {
            wit_text_c(out, "\\u00");
            wit_text_byte(out, (uint8_t)HEX[c >> 4]);
            wit_text_byte(out, (uint8_t)HEX[c & 15]);
        }
    }
    wit_text_bytes(out, text->ptr + start, text->len - start);
    wit_text_byte(out, '"');
}

static inline void put_bool(wit_text_t *out, const bool *value) { wit_text_c(out, *value ? "true" : "false"); }

static inline void put_double(wit_text_t *out, const double *value) {
    char digits[40];
    if (*value != *value) wit_text_c(out, "\"NaN\"");
    else if (*value - *value != 0) wit_text_c(out, *value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else {
        snprintf(digits, sizeof digits, "%.17g", *value);
        wit_text_c(out, digits);
    }
}

static inline void put_int64_t(wit_text_t *out, const int64_t *value) {
    const char *quote = *value > SAFE || *value < -SAFE ? "\"" : "";
    wit_text_c(out, quote);
    if (*value < 0) wit_text_byte(out, '-');
    wit_text_number(out, *value < 0 ? 0 - (uint64_t)*value : (uint64_t)*value);
    wit_text_c(out, quote);
}

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline void put_base64(wit_text_t *out, const uint8_t *bytes, size_t len) {
    wit_text_byte(out, '"');
    for (size_t i = 0; i < len; i += 3) {
        uint32_t a = bytes[i], b = i + 1 < len ? bytes[i + 1] : 0, c = i + 2 < len ? bytes[i + 2] : 0;
        char four[4] = {DIGITS[a >> 2], DIGITS[(a & 3) << 4 | b >> 4], DIGITS[(b & 15) << 2 | c >> 6], DIGITS[c & 63]};
        if (i + 1 >= len) four[2] = '=';
        if (i + 2 >= len) four[3] = '=';
        wit_text_bytes(out, four, 4);
    }
    wit_text_byte(out, '"');
}

/* Reading. */

static inline void skip_space(reader_t *in) {
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t')) in->at++;
}

static inline bool sees(reader_t *in, uint8_t c) {
    skip_space(in);
    return in->at < in->end && *in->at == c;
}

static inline bool take(reader_t *in, uint8_t c) {
    if (!sees(in, c)) return false;
    in->at++;
    return true;
}

static inline void expect(reader_t *in, uint8_t c) {
    if (!take(in, c)) {
        in->wrong = true;
        in->at = in->end;
    }
}

/* Whether there is one more item before `close`; `first` says whether it is the first. */
static inline bool another(reader_t *in, bool *first, uint8_t close) {
    if (in->wrong || take(in, close)) return false;
    if (!*first) expect(in, ',');
    *first = false;
    return !in->wrong;
}

static inline uint32_t hex4(reader_t *in) {
    uint32_t value = 0;
    for (int i = 0; i < 4 && in->at < in->end; i++) {
        uint8_t c = *in->at++;
        value = value << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

static inline void put_utf8(wit_text_t *out, uint32_t code) {
    if (code < 0x80) wit_text_byte(out, (uint8_t)code);
    else if (code < 0x800) {
        wit_text_byte(out, (uint8_t)(0xc0 | code >> 6));
        wit_text_byte(out, (uint8_t)(0x80 | (code & 63)));
    } else if (code < 0x10000) {
        wit_text_byte(out, (uint8_t)(0xe0 | code >> 12));
        wit_text_byte(out, (uint8_t)(0x80 | (code >> 6 & 63)));
        wit_text_byte(out, (uint8_t)(0x80 | (code & 63)));
    } else {
        wit_text_byte(out, (uint8_t)(0xf0 | code >> 18));
        wit_text_byte(out, (uint8_t)(0x80 | (code >> 12 & 63)));
        wit_text_byte(out, (uint8_t)(0x80 | (code >> 6 & 63)));
        wit_text_byte(out, (uint8_t)(0x80 | (code & 63)));
    }
}

static inline void escaped(reader_t *in, wit_text_t *out) {
    uint8_t c = in->at < in->end ? *in->at++ : 0;
    uint32_t code;
    switch (c) {
    case 'n': wit_text_byte(out, '\n'); break;
    case 't': wit_text_byte(out, '\t'); break;
    case 'r': wit_text_byte(out, '\r'); break;
    case 'b': wit_text_byte(out, '\b'); break;
    case 'f': wit_text_byte(out, '\f'); break;
    case 'u':
        code = hex4(in);
        if (code >= 0xd800 && code < 0xdc00 && in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u') {
            in->at += 2;
            code = 0x10000 + ((code - 0xd800) << 10) + (hex4(in) - 0xdc00);
        }
        /* Half a pair is no character; what stands for it is what everybody puts there. */
        put_utf8(out, (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? 0xfffd : code);
        break;
    default: wit_text_byte(out, c);
    }
}

static inline void get_string(reader_t *in, wit_string_t *text) {
    wit_text_t made = {0};
    expect(in, '"');
    while (in->at < in->end && *in->at != '"') {
        const uint8_t *start = in->at;
        while (in->at < in->end && *in->at != '"' && *in->at != '\\') in->at++;
        wit_text_bytes(&made, start, (size_t)(in->at - start));
        if (in->at < in->end && *in->at == '\\') {
            in->at++;
            escaped(in, &made);
        }
    }
    expect(in, '"');
    *text = wit_text_string(&made);
}

static inline void skip_string(reader_t *in) {
    expect(in, '"');
    while (in->at < in->end && *in->at != '"') in->at += *in->at == '\\' && in->end - in->at > 1 ? 2 : 1;
    expect(in, '"');
}

static inline void skip_value(reader_t *in) {
    size_t depth = 0;
    do {
        skip_space(in);
        if (in->at >= in->end) {
            in->wrong = true;
            return;
        }
        uint8_t c = *in->at;
        if (c == '"') skip_string(in);
        else {
            in->at++;
            if (c == '{' || c == '[') depth++;
            else if (c == '}' || c == ']') depth--;
            else if (depth == 0)
                while (in->at < in->end && *in->at != ',' && *in->at != '}' && *in->at != ']') in->at++;
        }
    } while (depth > 0 && !in->wrong);
}

/* The next key of an object, "" where there is none. */
static inline wit_string_t key(reader_t *in) {
    wit_string_t name;
    get_string(in, &name);
    expect(in, ':');
    return name;
}

static inline void get_bool(reader_t *in, bool *value) {
    *value = sees(in, 't');
    if (!*value && !sees(in, 'f')) in->wrong = true;
    skip_value(in);
}

static inline void get_double(reader_t *in, double *value) {
    wit_string_t text;
    if (sees(in, '"')) {
        get_string(in, &text);
        *value = wit_equals(text, "NaN") ? __builtin_nan("") : __builtin_inf();
        if (wit_equals(text, "-Infinity")) *value = -*value;
        return;
    }
    const uint8_t *start = in->at;
    skip_value(in);
    size_t len = (size_t)(in->at - start);
    char *digits = wit_alloc(len + 1, 1), *end;
    memcpy(digits, start, len);
    digits[len] = 0;
    *value = strtod(digits, &end);
    if (end == digits) in->wrong = true;
}

static inline void get_int64_t(reader_t *in, int64_t *value) {
    wit_string_t text = {0};
    if (sees(in, '"')) get_string(in, &text);
    else {
        const uint8_t *start = in->at;
        skip_value(in);
        text = (wit_string_t){start, (size_t)(in->at - start)};
        while (text.len && text.ptr[text.len - 1] <= ' ') text.len--;
    }
    uint64_t number = 0;
    size_t i = text.len && text.ptr[0] == '-';
    if (i == text.len) in->wrong = true;
    for (size_t n = i; n < text.len; n++) {
        uint8_t digit = text.ptr[n] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number)) in->wrong = true;
        if (__builtin_add_overflow(number, (uint64_t)digit, &number)) in->wrong = true;
    }
    if (number > (uint64_t)INT64_MAX + i) in->wrong = true;
    *value = (int64_t)(i ? 0 - number : number);
}

static inline void get_base64(reader_t *in, const uint8_t **bytes, size_t *len) {
    wit_string_t text;
    get_string(in, &text);
    uint8_t *made = wit_alloc(text.len + 1, 1);
    uint32_t held = 0, bits = 0;
    *bytes = made;
    *len = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        const char *found = memchr(DIGITS, text.ptr[i], 64);
        if (found == NULL) {
            in->wrong = true;
            return;
        }
        held = held << 6 | (uint32_t)(found - DIGITS);
        bits += 6;
        if (bits >= 8) made[(*len)++] = (uint8_t)(held >> (bits -= 8));
    }
}

/* Requests and answers. */

static inline wit_string_t error_text(reader_t *in) {
    wit_string_t parts[4] = {0};
    static const char *const NAMES[] = {"type", "message", "traceback", "hint"};
    bool first = true;
    expect(in, '{');
    while (another(in, &first, '}')) {
        wit_string_t name = key(in);
        int which = 0;
        while (which < 4 && !wit_equals(name, NAMES[which])) which++;
        if (which < 4 && sees(in, '"')) get_string(in, &parts[which]);
        else skip_value(in);
    }
    wit_text_t text = {0};
    if (parts[0].len) wit_text_bytes(&text, parts[0].ptr, parts[0].len);
    else wit_text_c(&text, "Error");
    for (int i = 1; i < 4; i++) {
        if (!parts[i].len) continue;
        wit_text_c(&text, i == 1 ? ": " : "\n");
        wit_text_bytes(&text, parts[i].ptr, parts[i].len);
    }
    wit_string_t whole = wit_text_string(&text);
    if (whole.len > ERROR_TEXT) {
        whole.len = ERROR_TEXT;
        while ((whole.ptr[whole.len] & 0xc0) == 0x80) whole.len--;
    }
    return whole;
}

/* Sends the request. Whether there is a value, which `in` stands at then; else the error's text. */
static inline bool answered(const wit_text_t *request, reader_t *in, wit_string_t *error) {
    wit_string_t answer, sent = wit_text_string(request);
    runner_run(sent.ptr, sent.len, &answer);
    reader_t all = {answer.ptr, answer.ptr + answer.len, false};
    *in = (reader_t){(const uint8_t *)"null", (const uint8_t *)"null" + 4, false};
    bool first = true, failed = false;
    expect(&all, '{');
    while (another(&all, &first, '}')) {
        wit_string_t name = key(&all);
        if (wit_equals(name, "error") && sees(&all, '{')) {
            *error = error_text(&all);
            failed = true;
            continue;
        }
        if (wit_equals(name, "value")) *in = (reader_t){all.at, all.end, false};
        skip_value(&all);
    }
    if (all.wrong && !failed) {
        *error = c_text("the code ended its runner without an answer");
        failed = true;
    }
    return !failed;
}

#endif
