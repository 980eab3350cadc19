// structuredClone, for what has no wire: all that JSON has, and what it has not.

export function structuredClone(value) {
  return clone(value, new Map());
}

const TYPES = [Number, String, Boolean, BigInt];

function clone(value, known) {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new DOMException(`${String(value).slice(0, 60)} could not be cloned.`, "DataCloneError");
  }
  if (typeof value !== "object" || value === null) return value;
  if (known.has(value)) return known.get(value);
  const remember = (made) => (known.set(value, made), made);
  if (value instanceof Date) return remember(new Date(value.getTime()));
  if (value instanceof RegExp) return remember(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return remember(value.slice(0));
  if (ArrayBuffer.isView(value)) {
    const buffer = clone(value.buffer, known), { byteOffset } = value;
    const length = value instanceof DataView ? value.byteLength : value.length;
    return remember(new value.constructor(buffer, byteOffset, length));
  }
  if (TYPES.some((type) => value instanceof type)) return remember(Object(value.valueOf()));
  if (value instanceof Map) {
    const made = remember(new Map());
    for (const [key, item] of [...value]) made.set(clone(key, known), clone(item, known));
    return made;
  }
  if (value instanceof Set) {
    const made = remember(new Set());
    for (const item of [...value]) made.add(clone(item, known));
    return made;
  }
  if (value instanceof Error) {
    const type = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }[value.name] ?? Error;
    const made = remember(new type(value.message));
    if ("cause" in value) made.cause = clone(value.cause, known);
    return made;
  }
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
    throw new DOMException(`${Object.prototype.toString.call(value)} could not be cloned.`, "DataCloneError");
  }
  const made = remember(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) made[key] = clone(value[key], known);
  return made;
}
