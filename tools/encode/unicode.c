#include "unicode.h"

size_t utf8_size(uint8_t first) { return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4; }

uint32_t utf8_point(const uint8_t *bytes, size_t size) {
    static const uint8_t KEPT[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = bytes[0] & KEPT[size];
    for (size_t i = 1; i < size; i++) point = point << 6 | (bytes[i] & 0x3f);
    return point;
}

bool is_utf8(const uint8_t *bytes, size_t len) {
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t at = 0; at < len;) {
        uint8_t first = bytes[at];
        size_t size = utf8_size(first);
        if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || size > len - at) return false;
        for (size_t i = 1; i < size; i++) if ((bytes[at + i] & 0xc0) != 0x80) return false;
        uint32_t point = utf8_point(bytes + at, size);
        if (point < LEAST[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
        at += size;
    }
    return true;
}

typedef struct { uint32_t first, last; const char *note; } range_t;

static const range_t NOTES[] = {
    {0x00, 0x08, "control character"},
    {0x09, 0x09, "tab"},
    {0x0a, 0x0a, "line feed"},
    {0x0b, 0x0c, "control character"},
    {0x0d, 0x0d, "carriage return"},
    {0x0e, 0x1f, "control character"},
    {0x7f, 0x9f, "control character"},
    {0xa0, 0xa0, "no-break space"},
    {0xad, 0xad, "soft hyphen: invisible unless a line breaks there"},
    {0x34f, 0x34f, "combining grapheme joiner: invisible"},
    {0x37e, 0x37e, "Greek question mark: looks like a semicolon"},
    {0x391, 0x391, "Greek: looks like Latin A"},
    {0x392, 0x392, "Greek: looks like Latin B"},
    {0x395, 0x395, "Greek: looks like Latin E"},
    {0x397, 0x397, "Greek: looks like Latin H"},
    {0x399, 0x399, "Greek: looks like Latin I"},
    {0x39a, 0x39a, "Greek: looks like Latin K"},
    {0x39c, 0x39c, "Greek: looks like Latin M"},
    {0x39d, 0x39d, "Greek: looks like Latin N"},
    {0x39f, 0x39f, "Greek: looks like Latin O"},
    {0x3a1, 0x3a1, "Greek: looks like Latin P"},
    {0x3a4, 0x3a4, "Greek: looks like Latin T"},
    {0x3a7, 0x3a7, "Greek: looks like Latin X"},
    {0x3bf, 0x3bf, "Greek: looks like Latin o"},
    {0x410, 0x410, "Cyrillic: looks like Latin A"},
    {0x412, 0x412, "Cyrillic: looks like Latin B"},
    {0x415, 0x415, "Cyrillic: looks like Latin E"},
    {0x41a, 0x41a, "Cyrillic: looks like Latin K"},
    {0x41c, 0x41c, "Cyrillic: looks like Latin M"},
    {0x41d, 0x41d, "Cyrillic: looks like Latin H"},
    {0x41e, 0x41e, "Cyrillic: looks like Latin O"},
    {0x420, 0x420, "Cyrillic: looks like Latin P"},
    {0x421, 0x421, "Cyrillic: looks like Latin C"},
    {0x422, 0x422, "Cyrillic: looks like Latin T"},
    {0x425, 0x425, "Cyrillic: looks like Latin X"},
    {0x430, 0x430, "Cyrillic: looks like Latin a"},
    {0x435, 0x435, "Cyrillic: looks like Latin e"},
    {0x43e, 0x43e, "Cyrillic: looks like Latin o"},
    {0x440, 0x440, "Cyrillic: looks like Latin p"},
    {0x441, 0x441, "Cyrillic: looks like Latin c"},
    {0x443, 0x443, "Cyrillic: looks like Latin y"},
    {0x445, 0x445, "Cyrillic: looks like Latin x"},
    {0x455, 0x455, "Cyrillic: looks like Latin s"},
    {0x456, 0x456, "Cyrillic: looks like Latin i"},
    {0x458, 0x458, "Cyrillic: looks like Latin j"},
    {0x61c, 0x61c, "direction mark: invisible"},
    {0x115f, 0x1160, "Hangul filler: invisible"},
    {0x1680, 0x1680, "unusual space"},
    {0x180e, 0x180e, "vowel separator: invisible"},
    {0x2000, 0x200a, "unusual space"},
    {0x200b, 0x200b, "zero-width space: invisible"},
    {0x200c, 0x200c, "zero-width non-joiner: invisible"},
    {0x200d, 0x200d, "zero-width joiner: invisible"},
    {0x200e, 0x200f, "direction mark: invisible"},
    {0x2028, 0x2028, "line separator"},
    {0x2029, 0x2029, "paragraph separator"},
    {0x202a, 0x202e, "direction override: can make text read differently from how it is stored"},
    {0x202f, 0x202f, "narrow no-break space"},
    {0x205f, 0x205f, "unusual space"},
    {0x2060, 0x2064, "invisible character"},
    {0x2066, 0x2069, "direction isolate: can make text read differently from how it is stored"},
    {0x206a, 0x206f, "deprecated format character: invisible"},
    {0x2800, 0x2800, "blank Braille pattern: looks like a space"},
    {0x3000, 0x3000, "ideographic space"},
    {0x3164, 0x3164, "Hangul filler: invisible"},
    {0xe000, 0xf8ff, "private use: shown only by fonts that know it"},
    {0xfe00, 0xfe0f, "variation selector: invisible"},
    {0xfeff, 0xfeff, "byte order mark, or zero-width no-break space: invisible"},
    {0xff01, 0xff5e, "full-width form of an ASCII character"},
    {0xffa0, 0xffa0, "Hangul filler: invisible"},
    {0xfff9, 0xfffb, "annotation mark: invisible"},
    {0xfffd, 0xfffd, "replacement character: something was not decodable before"},
    {0xfffe, 0xffff, "not a character"},
    {0xe0000, 0xe007f, "tag character: invisible, can hide a message from people"},
    {0xe0100, 0xe01ef, "variation selector: invisible, can hide a message from people"},
    {0xf0000, 0x10ffff, "private use: shown only by fonts that know it"},
};

const char *note_of(uint32_t point) {
    size_t low = 0, high = sizeof NOTES / sizeof *NOTES;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (point > NOTES[middle].last) low = middle + 1;
        else high = middle;
    }
    bool inside = low < sizeof NOTES / sizeof *NOTES && point >= NOTES[low].first;
    return inside ? NOTES[low].note : 0;
}
