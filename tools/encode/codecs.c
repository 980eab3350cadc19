#include "codecs.h"

static const fault_t FINE;
static const char HEX[] = "0123456789ABCDEF";

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static bool is_letter_or_digit(uint8_t c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Base64 and base32 are one scheme: digits of 6 or 5 bits, groups padded to 4 or 8 digits. */

typedef struct { const char *digits; unsigned bits, group; bool padded; } radix_t;

static const radix_t BASE64 = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, 4, true};
static const radix_t BASE64URL = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6, 4, false};
static const radix_t BASE32 = {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 8, true};

static void encode_radix(radix_t radix, bytes_t data, wit_text_t *out) {
    uint32_t bits = 0, held = 0;
    size_t digits = 0;
    for (size_t i = 0; i < data.len; i++) {
        bits = bits << 8 | data.ptr[i];
        for (held += 8; held >= radix.bits; digits++) {
            held -= radix.bits;
            wit_text_byte(out, (uint8_t)radix.digits[bits >> held & ((1u << radix.bits) - 1)]);
        }
    }
    if (held) {
        wit_text_byte(out, (uint8_t)radix.digits[bits << (radix.bits - held) & ((1u << radix.bits) - 1)]);
        digits++;
    }
    if (radix.padded) while (digits++ % radix.group) wit_text_byte(out, '=');
}

static int radix_digit(radix_t radix, uint8_t c) {
    if (radix.bits == 5 && c >= 'a' && c <= 'z') c -= 32;
    for (int i = 0; i < 1 << radix.bits; i++) if ((uint8_t)radix.digits[i] == c) return i;
    return -1;
}

static const char *wrong_digit(radix_t radix, uint8_t c) {
    if (radix.bits == 6 && (c == '-' || c == '_')) return "has a digit of base64url";
    if (radix.bits == 6 && (c == '+' || c == '/')) return "has a digit of plain base64";
    return "has a character that is no digit of it";
}

static fault_t decode_radix(radix_t radix, bytes_t text, wit_text_t *out) {
    uint32_t bits = 0, held = 0;
    size_t digits = 0, padding = 0, at = 0;
    for (; at < text.len; at++) {
        if (is_space(text.ptr[at])) continue;
        if (text.ptr[at] == '=') {
            padding++;
            continue;
        }
        int digit = radix_digit(radix, text.ptr[at]);
        if (digit < 0) return (fault_t){wrong_digit(radix, text.ptr[at]), at};
        if (padding) return (fault_t){"goes on after its padding", at};
        bits = bits << radix.bits | (uint32_t)digit;
        held += radix.bits;
        digits++;
        if (held < 8) continue;
        held -= 8;
        wit_text_byte(out, (uint8_t)(bits >> held));
    }
    if (held >= radix.bits) return (fault_t){"is cut off: its last digit begins a byte that does not end", at};
    if (padding && (digits + padding) % radix.group) return (fault_t){"has the wrong number of = at its end", at};
    if (bits & ((1u << held) - 1)) return (fault_t){"has bits after its last byte that are not zero", at};
    return FINE;
}

static void encode_base64(bytes_t data, wit_text_t *out) { encode_radix(BASE64, data, out); }
static void encode_base64url(bytes_t data, wit_text_t *out) { encode_radix(BASE64URL, data, out); }
static void encode_base32(bytes_t data, wit_text_t *out) { encode_radix(BASE32, data, out); }
static fault_t decode_base64(bytes_t text, wit_text_t *out) { return decode_radix(BASE64, text, out); }
static fault_t decode_base64url(bytes_t text, wit_text_t *out) { return decode_radix(BASE64URL, text, out); }
static fault_t decode_base32(bytes_t text, wit_text_t *out) { return decode_radix(BASE32, text, out); }

static void encode_hex(bytes_t data, wit_text_t *out) {
    for (size_t i = 0; i < data.len; i++) {
        wit_text_byte(out, (uint8_t)"0123456789abcdef"[data.ptr[i] >> 4]);
        wit_text_byte(out, (uint8_t)"0123456789abcdef"[data.ptr[i] & 15]);
    }
}

/* Digits of one or four bits, most significant first, with gaps anywhere. */
static fault_t decode_digits(bytes_t text, wit_text_t *out, unsigned bits_each, bool colons) {
    unsigned byte = 0, held = 0;
    size_t at = !colons || text.len < 2 || text.ptr[0] != '0' || (text.ptr[1] | 0x20) != 'x' ? 0 : 2;
    for (; at < text.len; at++) {
        uint8_t c = text.ptr[at];
        if (is_space(c) || (colons && c == ':')) continue;
        int digit = hex_digit(c);
        if (digit < 0 || digit >= 1 << bits_each) return (fault_t){"has a character that is no digit of it", at};
        byte = byte << bits_each | (unsigned)digit;
        held += bits_each;
        if (held < 8) continue;
        wit_text_byte(out, (uint8_t)byte);
        byte = held = 0;
    }
    return held ? (fault_t){"is cut off in the middle of a byte", at} : FINE;
}

static fault_t decode_hex(bytes_t text, wit_text_t *out) { return decode_digits(text, out, 4, true); }
static fault_t decode_binary(bytes_t text, wit_text_t *out) { return decode_digits(text, out, 1, false); }

static void encode_binary(bytes_t data, wit_text_t *out) {
    for (size_t i = 0; i < data.len; i++) {
        if (i) wit_text_byte(out, ' ');
        for (int bit = 7; bit >= 0; bit--) wit_text_byte(out, (uint8_t)('0' + (data.ptr[i] >> bit & 1)));
    }
}

static void put_escape(wit_text_t *out, char mark, uint8_t byte) {
    wit_text_byte(out, (uint8_t)mark);
    wit_text_byte(out, (uint8_t)HEX[byte >> 4]);
    wit_text_byte(out, (uint8_t)HEX[byte & 15]);
}

static void encode_url(bytes_t data, wit_text_t *out, bool form) {
    for (size_t i = 0; i < data.len; i++) {
        uint8_t c = data.ptr[i];
        bool plain = is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || (form ? c == '*' : c == '~');
        if (plain) wit_text_byte(out, c);
        else if (form && c == ' ') wit_text_byte(out, '+');
        else put_escape(out, '%', c);
    }
}

static fault_t decode_url(bytes_t text, wit_text_t *out, bool form) {
    for (size_t at = 0; at < text.len; at++) {
        uint8_t c = text.ptr[at];
        if (form && c == '+') c = ' ';
        else if (c == '%') {
            if (text.len - at < 3 || hex_digit(text.ptr[at + 1]) < 0 || hex_digit(text.ptr[at + 2]) < 0)
                return (fault_t){"has a % without two hexadecimal digits after it", at};
            c = (uint8_t)(hex_digit(text.ptr[at + 1]) << 4 | hex_digit(text.ptr[at + 2]));
            at += 2;
        }
        wit_text_byte(out, c);
    }
    return FINE;
}

static void encode_percent(bytes_t data, wit_text_t *out) { encode_url(data, out, false); }
static void encode_form(bytes_t data, wit_text_t *out) { encode_url(data, out, true); }
static fault_t decode_percent(bytes_t text, wit_text_t *out) { return decode_url(text, out, false); }
static fault_t decode_form(bytes_t text, wit_text_t *out) { return decode_url(text, out, true); }

/* Line breaks (LF and CR LF) stay line breaks; a line is broken softly before it passes 76 characters. */
static void encode_quoted(bytes_t data, wit_text_t *out) {
    size_t column = 0;
    for (size_t i = 0; i < data.len; i++) {
        uint8_t c = data.ptr[i];
        bool ends = i + 1 == data.len || data.ptr[i + 1] == '\n' ||
                    (data.ptr[i + 1] == '\r' && i + 2 < data.len && data.ptr[i + 2] == '\n');
        if (c == '\n' || (c == '\r' && i + 1 < data.len && data.ptr[i + 1] == '\n')) {
            wit_text_byte(out, c);
            column = 0;
            continue;
        }
        bool plain = (c >= 33 && c <= 126 && c != '=') || ((c == ' ' || c == '\t') && !ends);
        size_t width = plain ? 1 : 3;
        if (column + width > 75) {
            wit_text_c(out, "=\r\n");
            column = 0;
        }
        if (plain) wit_text_byte(out, c);
        else put_escape(out, '=', c);
        column += width;
    }
}

static fault_t decode_quoted(bytes_t text, wit_text_t *out) {
    for (size_t at = 0; at < text.len; at++) {
        uint8_t c = text.ptr[at];
        if (c != '=') {
            wit_text_byte(out, c);
            continue;
        }
        size_t left = text.len - at;
        if (left > 1 && text.ptr[at + 1] == '\n') at += 1;
        else if (left > 2 && text.ptr[at + 1] == '\r' && text.ptr[at + 2] == '\n') at += 2;
        else if (left > 2 && hex_digit(text.ptr[at + 1]) >= 0 && hex_digit(text.ptr[at + 2]) >= 0) {
            wit_text_byte(out, (uint8_t)(hex_digit(text.ptr[at + 1]) << 4 | hex_digit(text.ptr[at + 2])));
            at += 2;
        } else return (fault_t){"has a = without two hexadecimal digits or a line break after it", at};
    }
    return FINE;
}

const codec_t CODECS[] = {
    {"base64", encode_base64, decode_base64},    {"base64url", encode_base64url, decode_base64url},
    {"base32", encode_base32, decode_base32},    {"hex", encode_hex, decode_hex},
    {"percent", encode_percent, decode_percent}, {"form", encode_form, decode_form},
    {"quoted-printable", encode_quoted, decode_quoted}, {"binary", encode_binary, decode_binary},
};
