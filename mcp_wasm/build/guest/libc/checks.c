/* What the compiler's checks call when code would do what C leaves undefined: an
   error with line and column instead of a wrong answer. Layouts: LLVM's
   compiler-rt, ubsan_handlers.h. */
#include "run.h"
#include <stddef.h>
#include <stdio.h>

typedef struct { const char *file; uint32_t line, column; } place_t;
typedef struct { uint16_t kind, info; char name[]; } type_t;
typedef struct { place_t at; const type_t *type; uint8_t log_align, kind; } mismatch_t;
typedef struct { place_t at; const type_t *array, *index; } bounds_t;

static _Noreturn void fail(const place_t *at, const char *type, const char *message, const char *hint) {
    run_failed(type, message, hint, at->file, at->line, at->column);
}

_Noreturn void __ubsan_handle_type_mismatch_v1_abort(const mismatch_t *data, size_t pointer) {
    static const char *const doing[] = {
        "load of", "store to", "reference to", "access of a member of", "call of a member of",
    };
    const char *what = data->kind < sizeof doing / sizeof *doing ? doing[data->kind] : "use of";
    char message[300];
    snprintf(message, sizeof message, "%s %s pointer of type %s", what, pointer ? "a misaligned" : "a null",
             data->type->name);
    fail(&data->at, "NullPointer", message, "Check what returned this pointer before it is used.");
}

_Noreturn void __ubsan_handle_out_of_bounds_abort(const bounds_t *data, size_t index) {
    char message[300];
    snprintf(message, sizeof message, "index %d is out of bounds for type %s", (int)index, data->array->name);
    fail(&data->at, "OutOfBounds", message, NULL);
}

_Noreturn void __ubsan_handle_divrem_overflow_abort(const place_t *at, size_t left, size_t right) {
    (void)left, (void)right;
    fail(at, "DivisionByZero", "division by zero", NULL);
}

_Noreturn void __ubsan_handle_vla_bound_not_positive_abort(const place_t *at, size_t bound) {
    (void)bound;
    fail(at, "OutOfBounds", "the length of a variable length array is not positive", NULL);
}

_Noreturn void __ubsan_handle_builtin_unreachable(const place_t *at) {
    fail(at, "Unreachable", "code was reached that was marked as unreachable", NULL);
}
