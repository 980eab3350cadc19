/* What the runner's own scripts can do with the engine, and how modules are found. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include "quickjs.h"

/* Add the functions to `object`, of the realm `inner`; they act on the realm `outer`. */
void add_engine(JSContext *inner, JSContext *outer, JSValueConst object);

/* Whether the code has ended itself since this was last asked. */
bool take_ended(void);

/* Let imports be answered by `resolve(base, name) -> name` and `load(name) -> exports object | source text`. */
void set_module_loader(JSRuntime *runtime, JSContext *inner, JSValue resolve, JSValue load);

#endif
