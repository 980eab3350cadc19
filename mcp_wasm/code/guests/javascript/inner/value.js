// From a value of the code to the answer's JSON. What is no JSON is converted where that loses nothing of
// meaning, and is always shown as text too.
import { inspect } from "./inspect.js";
import { kindOf } from "./kinds.js";

const TEXT = 8192;
const DEEPEST = 100; // the host takes no more
const { apply } = Reflect;

class NoJson extends Error {}

/** `{value, text}` of the answer; nothing for undefined and null. */
export function told(value) {
  if (value === undefined || value === null) return {};
  const made = plainOf(value);
  const answer = made.plain === undefined ? {} : { value: made.plain };
  if (!made.exact) answer.text = cut(inspect(value, { depth: 4 }));
  return answer;
}

/** `{plain, exact}`: the JSON value or undefined, and whether it is just what was given. */
export function plainOf(value) {
  const state = { exact: true, above: [], node: 0 };
  try {
    return { plain: convert(value, state), exact: state.exact };
  } catch (error) {
    if (!(error instanceof NoJson)) throw error;
    return { plain: undefined, exact: false };
  }
}

function cut(text) {
  return text.length <= TEXT ? text : `${text.slice(0, TEXT)}… (${text.length - TEXT} more characters)`;
}

function convert(value, state) {
  switch (typeof value) {
    case "string": return value.isWellFormed() ? value : inexact(state, value.toWellFormed());
    case "boolean": return value;
    case "number":
      if (Number.isFinite(value)) return Object.is(value, -0) ? 0 : value;
      return inexact(state, String(value));
    case "bigint": {
      const safe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
      return inexact(state, safe ? Number(value) : String(value));
    }
    case "object": return value === null ? null : nested(value, state);
    default: throw new NoJson();
  }
}

function inexact(state, value) {
  state.exact = false;
  return value;
}

function nested(value, state) {
  if (state.above.includes(value) || state.above.length >= DEEPEST) throw new NoJson();
  state.above.push(value);
  try {
    return object(value, state);
  } finally {
    state.above.pop();
  }
}

function object(value, state) {
  const kind = kindOf(value);
  switch (kind) {
    case "Array": return list(value, state);
    case "Map": return inexact(state, fromMap(value, state));
    case "Set": return inexact(state, list([...apply(Set.prototype.values, value, [])], state));
    case "Date": {
      const time = apply(Date.prototype.getTime, value, []);
      return inexact(state, Number.isNaN(time) ? "Invalid Date" : new Date(time).toISOString());
    }
    case "RegExp": return inexact(state, String(apply(RegExp.prototype.toString, value, [])));
    case "Number": case "String": case "Boolean": case "BigInt": return inexact(state, convert(value.valueOf(), state));
    case "TypedArray": return inexact(state, typed(value, state));
    case "ArrayBuffer": return inexact(state, { base64: base64(new Uint8Array(value)) });
    case "Error": return inexact(state, { name: String(value.name), message: String(value.message) });
    case "Object": case "Arguments": case "Proxy": return properties(value, state);
    default: throw new NoJson();
  }
}

function list(value, state) {
  const made = [], { length } = value;
  for (let i = 0; i < length; i++) {
    const item = value[i];
    made.push(item === undefined || typeof item === "function" || typeof item === "symbol"
      ? inexact(state, null) : convert(item, state));
  }
  return made;
}

function fromMap(value, state) {
  const entries = [...apply(Map.prototype.entries, value, [])];
  if (!entries.every(([key]) => typeof key === "string" || typeof key === "number")) return list(entries, state);
  const made = Object.create(null);
  for (const [key, item] of entries) {
    const converted = member(item, state);
    if (converted !== undefined) made[key] = converted;
  }
  return made;
}

function properties(value, state) {
  if (typeof value.toJSON === "function") return inexact(state, convert(value.toJSON(""), state));
  const prototype = Object.getPrototypeOf(value);
  // Null, Object.prototype of some realm, or an instance of a class, whose text says more.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) state.exact = false;
  const made = Object.create(null);
  for (const key of Object.keys(value)) {
    const converted = member(value[key], state);
    if (converted !== undefined) made[key] = converted;
  }
  return made;
}

/** A property's value; undefined for what JSON leaves out. */
function member(item, state) {
  if (item === undefined || typeof item === "function" || typeof item === "symbol") return inexact(state, undefined);
  return convert(item, state);
}

function typed(value, state) {
  return engine.typedArrayType(value) === UINT8 ? { base64: base64(value) } : list([...value], state);
}

const UINT8 = engine.typedArrayType(new Uint8Array(0));

export function base64(bytes) {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 4096) binary += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(binary);
}
