/* How a program that is run ends before its time: an answer with an error in it. */
#ifndef MCP_WASM_RUN_H
#define MCP_WASM_RUN_H

#include <stdint.h>

/* `file`, `line` and `column` say where, as far as that is known (NULL and 0). */
_Noreturn void run_failed(const char *type, const char *message, const char *hint, const char *file,
                          uint32_t line, uint32_t column);

#endif
