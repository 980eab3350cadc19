/* Searching and splitting of strings. The library that zig brings measures the whole
   rest of a string on each of these calls, so that splitting a text of 100 KB into
   words takes a second; its definitions are weak and give way to these. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

char *strchrnul(const char *text, int wanted) {
    while (*text && *text != (char)wanted) text++;
    return (char *)text;
}

char *strchr(const char *text, int wanted) {
    char *found = strchrnul(text, wanted);
    return *found == (char)wanted ? found : NULL;
}

/* How many bytes of `text` come before the first that is in `set`, or (with `not`) is not. */
static size_t span(const char *text, const char *set, bool not) {
    uint32_t in[8] = {0};
    for (const uint8_t *s = (const uint8_t *)set; *s; s++) in[*s >> 5] |= 1u << (*s & 31);
    const uint8_t *p = (const uint8_t *)text;
    while (*p && (in[*p >> 5] >> (*p & 31) & 1) == not) p++;
    return (size_t)(p - (const uint8_t *)text);
}

size_t strcspn(const char *text, const char *set) { return span(text, set, false); }

size_t strspn(const char *text, const char *set) { return span(text, set, true); }

char *strpbrk(const char *text, const char *set) {
    text += span(text, set, false);
    return *text ? (char *)text : NULL;
}

char *strsep(char **rest, const char *set) {
    char *begin = *rest;
    if (!begin) return NULL;
    char *end = begin + span(begin, set, false);
    *rest = *end ? end + 1 : NULL;
    *end = 0;
    return begin;
}

char *strtok_r(char *restrict text, const char *restrict set, char **restrict rest) {
    if (!text) text = *rest;
    if (!text) return NULL;
    text += span(text, set, true);
    *rest = text;
    return *text ? strsep(rest, set) : NULL;
}

char *strtok(char *restrict text, const char *restrict set) {
    static char *rest;
    return strtok_r(text, set, &rest);
}

char *strstr(const char *text, const char *wanted) {
    size_t len = strlen(wanted);
    if (!len) return (char *)text;
    for (; (text = strchr(text, *wanted)); text++) if (!strncmp(text, wanted, len)) return (char *)text;
    return NULL;
}
