// Plain JSON to what a JavaScript function takes, and back, by WIT types as the host writes them
// (["list", type], ["record", [[name, type], ...]], ...; see mcp_wasm/sandbox/script.py).
import { kindOf } from "./kinds.js";
import { inspect } from "./inspect.js";
import { Refused } from "./refused.js";
import { base64 } from "./value.js";

const BIG = new Set(["u64", "s64"]);
const isBytes = (type) => type[0] === "list" && type[1][0] === "primitive" && type[1][1] === "u8";

export const camel = (name) => name.replace(/[-_]+([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** A value for the code; objects and arrays are of its own realm. */
export function fromPlain(type, value) {
  const [kind, of] = type;
  switch (kind) {
    case "primitive":
      if (BIG.has(of)) return BigInt(value);
      return typeof value === "string" && (of === "f32" || of === "f64") ? Number(value) : value;
    case "list":
      if (isBytes(type)) return engine.bytes(binary(value));
      return replaced(value, (item) => fromPlain(of, item));
    case "option":
      if (value === null || value === undefined) return undefined;
      return fromPlain(of, of[0] === "option" ? value.some : value);
    case "tuple": return replaced(value, (item, i) => fromPlain(of[i], item));
    case "record": return record(of, value);
    case "variant": {
      const payload = of.find(([name]) => name === value.tag)?.[1];
      if (payload) value.val = fromPlain(payload, value.val);
      return value;
    }
    case "result": {
      const side = "ok" in value ? "ok" : "err", inside = type[side === "ok" ? 1 : 2];
      if (inside) value[side] = fromPlain(inside, value[side]);
      return value;
    }
    default: return value;
  }
}

// The request was parsed in the code's realm and is used for nothing else, so it is changed in place.
function replaced(list, change) {
  for (let i = 0; i < list.length; i++) list[i] = change(list[i], i);
  return list;
}

function record(fields, value) {
  for (const [name, type] of fields) {
    const made = fromPlain(type, Object.hasOwn(value, name) ? value[name] : null);
    delete value[name];
    if (made !== undefined) value[camel(name)] = made;
  }
  return value;
}

function binary(text) {
  const decoded = atob(text), bytes = new Uint8Array(decoded.length);
  for (let i = 0; i < decoded.length; i++) bytes[i] = decoded.charCodeAt(i);
  return bytes;
}

/** What the code gave as the plain JSON of `type`. */
export function toPlain(type, value, where) {
  const [kind, of] = type;
  switch (kind) {
    case "primitive": return primitive(of, value, where);
    case "list":
      if (isBytes(type)) return bytes(value, where);
      return items(value, where).map((item, i) => toPlain(of, item, `${where}[${i}]`));
    case "option": {
      if (value === null || value === undefined) return null;
      const inside = toPlain(of, value, where);
      return of[0] === "option" ? { some: inside } : inside;
    }
    case "tuple": {
      const list = items(value, where);
      return of.map((part, i) => toPlain(part, list[i], `${where}[${i}]`));
    }
    case "record": return Object.fromEntries(of.map(([name, part]) => {
      const found = member(object(value, where), name);
      return [name, toPlain(part, found, `${where}.${camel(name)}`)];
    }));
    case "variant": {
      const tag = typeof value === "string" ? value : object(value, where).tag;
      const found = of.find(([name]) => name === tag);
      if (found === undefined) throw misfit(where, `one of the tags ${of.map(([name]) => name).join(", ")}`, value);
      return found[1] ? { tag, val: toPlain(found[1], value.val, `${where}.val`) } : { tag };
    }
    case "enum":
      if (!of.includes(value)) throw misfit(where, `one of ${of.join(", ")}`, value);
      return value;
    case "flags": return kindOf(value) === "Set" ? [...Set.prototype.values.call(value)] : items(value, where);
    case "result": {
      const side = Object.hasOwn(object(value, where), "err") ? "err" : "ok", inside = type[side === "ok" ? 1 : 2];
      return { [side]: inside ? toPlain(inside, value[side], `${where}.${side}`) : null };
    }
    default: return value;
  }
}

function primitive(of, value, where) {
  if (of === "bool") {
    if (typeof value !== "boolean") throw misfit(where, "a boolean", value);
    return value;
  }
  if (of === "string" || of === "char") {
    if (kindOf(value) === "Date") return Date.prototype.toISOString.call(value);
    if (typeof value !== "string") throw misfit(where, "a string", value);
    return value.toWellFormed();
  }
  if (typeof value === "bigint") {
    const safe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    return safe ? Number(value) : String(value);
  }
  if (typeof value !== "number") throw misfit(where, "a number", value);
  return Number.isFinite(value) ? value : String(value);
}

function bytes(value, where) {
  if (kindOf(value) === "ArrayBuffer") return base64(new Uint8Array(value));
  if (kindOf(value) === "TypedArray") return base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  throw misfit(where, "a Uint8Array", value);
}

function items(value, where) {
  const kind = kindOf(value);
  if (kind === "Set") return [...Set.prototype.values.call(value)];
  if (kind === "Map") return [...Map.prototype.entries.call(value)];
  if (kind !== "Array" && kind !== "TypedArray") throw misfit(where, "an array", value);
  const list = [];
  for (let i = 0; i < value.length; i++) list.push(value[i]);
  return list;
}

function object(value, where) {
  if (typeof value !== "object" || value === null) throw misfit(where, "an object", value);
  return value;
}

/** A field by its name in WIT, which code writes in one of three ways. */
function member(value, name) {
  for (const key of [camel(name), name, name.replaceAll("-", "_")]) if (key in value) return value[key];
  return undefined;
}

function misfit(where, expected, value) {
  const shown = inspect(value, { depth: 0 });
  return new Refused("TypeError", `${where} should be ${expected}, but is ${shown.slice(0, 200)}`);
}
