/* As much JSON as a program's request and answer take. */
#ifndef MCP_WASM_JSON_H
#define MCP_WASM_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef struct { const char *ptr; size_t len; } json_text_t;
typedef struct { char *ptr; size_t len, capacity; } json_out_t;

/* The value of a key of the object `object`, as its JSON text; false where it has no such key.
   `object` is JSON: the host wrote it. */
bool json_find(json_text_t object, const char *key, json_text_t *value);

/* The text that a JSON string stands for. */
json_text_t json_string(json_text_t quoted);

/* Whether `text` is one JSON value in UTF-8. */
bool json_valid(json_text_t text);

void json_put(json_out_t *out, const char *text);
void json_put_raw(json_out_t *out, json_text_t text);
void json_put_number(json_out_t *out, long number);

/* `text` as a JSON string; bytes that are no UTF-8 become U+FFFD. */
void json_put_string(json_out_t *out, json_text_t text);

#endif
