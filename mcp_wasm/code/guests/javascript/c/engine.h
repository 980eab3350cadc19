/* What the runner's own scripts can do with the engine, and how modules are found. */
#ifndef ENGINE_H
#define ENGINE_H

#include "quickjs.h"

/* Add the functions to `object`, of the realm `inner`; they act on the realm `outer`. */
void add_engine(JSContext *inner, JSContext *outer, JSValueConst object);

/* Let imports be answered by `resolve(base, name) -> name` and `load(name) -> exports object | source text`. */
void set_module_loader(JSRuntime *runtime, JSContext *inner, JSValue resolve, JSValue load);

#endif
