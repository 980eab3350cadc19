// A value as text, as Node's console shows it. Nothing here calls code of the value, except its own
// [nodejs.util.inspect.custom] where it has one.
import { bare, className, kindOf } from "./kinds.js";
import { bracketed, grouped, keyText, quoted } from "./layout.js";
import { stackOf } from "./stack.js";

const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
const TAG = Symbol.toStringTag;
const { ownKeys, getOwnPropertyDescriptor, getPrototypeOf, apply } = Reflect;
const map = Map.prototype, set = Set.prototype;
const mapSize = getOwnPropertyDescriptor(map, "size").get, setSize = getOwnPropertyDescriptor(set, "size").get;
const WEAK = new Set(["WeakMap", "WeakSet", "WeakRef"]);
const BOXED = { Number, String, Boolean, Symbol, BigInt };

/** `options`: depth (2), breakLength (80), maxArrayLength (100), maxStringLength (10,000), showHidden, compact. */
export function inspect(value, options) {
  const context = {
    depth: number(options?.depth, 2),
    breakLength: number(options?.breakLength, 80),
    maxArrayLength: number(options?.maxArrayLength, 100),
    maxStringLength: number(options?.maxStringLength, 10000),
    compact: options?.compact === false ? 0 : 3,
    hidden: options?.showHidden === true,
    indent: 0, level: 0, seen: [], circular: new Map(), budget: { left: 1e5 },
  };
  return formatValue(context, value, 0, true);
}

function number(given, otherwise) {
  return given === null ? Infinity : typeof given === "number" ? given : otherwise;
}

function formatValue(context, given, level, top = false) {
  if ((typeof given !== "object" || given === null) && typeof given !== "function") return primitive(context, given, top);
  const value = bare(given);
  if (value === null) return "<Revoked Proxy>";
  const own = custom(context, value, level);
  if (own !== undefined) return own;
  if (context.seen.includes(value)) {
    if (!context.circular.has(value)) context.circular.set(value, context.circular.size + 1);
    return `[Circular *${context.circular.get(value)}]`;
  }
  if (--context.budget.left < 0) return "…";
  return formatObject(context, value, level);
}

function primitive(context, value, top) {
  if (typeof value === "string") {
    const more = value.length - context.maxStringLength;
    const shown = more > 0 ? value.slice(0, context.maxStringLength) : value;
    const rest = more > 0 ? `... ${more} more character${more > 1 ? "s" : ""}` : "";
    const room = context.breakLength - context.indent - 4;
    if (context.compact && !top && shown.length > 16 && shown.length > room && shown.includes("\n")) {
      return shown.split(/(?<=\n)/).map(quoted).join(` +\n${" ".repeat(context.indent + 2)}`) + rest;
    }
    return quoted(shown) + rest;
  }
  if (typeof value === "bigint") return `${value}n`;
  return Object.is(value, -0) ? "-0" : String(value);
}

function custom(context, value, level) {
  let found;
  try {
    found = value[CUSTOM];
    if (typeof found !== "function" || found === inspect) return undefined;
    const shown = apply(found, value, [context.depth - level, {}, inspect]);
    return typeof shown === "string" ? shown : formatValue(context, shown, level);
  } catch {
    return undefined;
  }
}

function formatObject(context, value, level) {
  const kind = kindOf(value), name = className(value);
  const about = describe(context, value, kind, name);
  if (about.whole !== undefined && about.keys.length === 0) return about.whole;
  const empty = about.entries === undefined || (about.list && value.length === 0);
  if (empty && about.keys.length === 0) return `${about.prefix}${about.open}${about.close}`;
  if (level > context.depth) return `[${name ?? "Object: null prototype"}]`;
  context.seen.push(value);
  context.level = level;
  let output;
  try {
    output = about.entries === undefined ? [] : about.entries(context, value, level + 1);
    for (const key of about.keys) output.push(property(context, value, key, level + 1));
  } finally {
    context.seen.pop();
  }
  const base = about.whole ?? "";
  const reference = context.circular.get(value);
  const start = `${reference === undefined ? "" : `<ref *${reference}> `}`;
  if (output.length === 0) return `${start}${about.prefix}${about.open}${about.close}`;
  const list = about.list ? value : undefined;
  return start + bracketed(context, output, base, about.prefix + about.open, about.close, list, level);
}

/** How an object is shown: `whole` alone, or entries and properties between brackets. */
function describe(context, value, kind, name) {
  const keys = shownKeys(context, value, kind);
  const tag = tagOf(value, name);
  const prefix = (otherwise, size = "") =>
    name === null ? `[${otherwise}${size}: null prototype] ${tag}` : `${name}${size} ${tag}`;
  const braces = (rest) => ({ open: "{", close: "}", prefix: "", keys, ...rest });
  switch (kind) {
    case "Array":
      return { open: "[", close: "]", list: true, keys, entries: items,
        prefix: name === "Array" && tag === "" ? "" : prefix("Array", `(${value.length})`) };
    case "TypedArray":
      return { open: "[", close: "]", list: true, keys, entries: items, prefix: prefix("TypedArray", `(${value.length})`) };
    case "Arguments": return { open: "[", close: "]", list: true, keys, entries: items, prefix: "[Arguments] " };
    case "Map": return braces({ prefix: prefix("Map", `(${apply(mapSize, value, [])})`), entries: pairs });
    case "Set": return braces({ prefix: prefix("Set", `(${apply(setSize, value, [])})`), entries: members });
    case "MapIterator": return braces({ prefix: "[Map Iterator] " });
    case "SetIterator": return braces({ prefix: "[Set Iterator] " });
    case "Function": return braces({ whole: functionText(value, name, tag) });
    case "RegExp": return braces({ whole: apply(RegExp.prototype.toString, value, []) });
    case "Date": return braces({ whole: dateText(value) });
    case "Error": return braces({ whole: errorText(context, value, keys) });
    case "Promise": return braces({ prefix: prefix("Promise"), entries: settled });
    case "ArrayBuffer": case "SharedArrayBuffer": return braces({ prefix: prefix(kind), entries: contents });
    case "Generator": case "AsyncGenerator": return braces({ prefix: `Object [${kind}] ` });
  }
  if (WEAK.has(kind)) return braces({ prefix: prefix(kind), entries: () => ["<items unknown>"] });
  if (kind in BOXED) return braces({ whole: boxed(kind, value) });
  const plain = name === "Object" && tag === "";
  return braces({ prefix: plain ? "" : prefix("Object") });
}

function tagOf(value, name) {
  if (getOwnPropertyDescriptor(value, TAG)?.enumerable) return "";
  try {
    const tag = value[TAG];
    return typeof tag === "string" && tag !== "" && tag !== name ? `[${tag}] ` : "";
  } catch {
    return "";
  }
}

const SYMBOLIC = (key) => typeof key === "symbol";
const LISTS = new Set(["Array", "TypedArray", "Arguments", "String"]);

function shownKeys(context, value, kind) {
  const shown = [];
  for (const key of ownKeys(value)) {
    if (LISTS.has(kind) && !SYMBOLIC(key) && (/^(?:0|[1-9]\d*)$/.test(key) || key === "length")) continue;
    if (kind === "Error" && (key === "stack" || key === "message")) continue;
    if (getOwnPropertyDescriptor(value, key)?.enumerable || (kind === "Error" && key === "cause") || context.hidden) {
      shown.push(key);
    }
  }
  return shown;
}

function property(context, value, key, level) {
  const found = getOwnPropertyDescriptor(value, key);
  const name = keyText(key, found.enumerable);
  if (found.get || found.set) {
    return `${name}: ${found.get ? (found.set ? "[Getter/Setter]" : "[Getter]") : "[Setter]"}`;
  }
  context.indent += 2;
  const text = formatValue(context, found.value, level);
  context.indent -= 2;
  return `${name}: ${text}`;
}

function nested(context, value, level) {
  context.indent += 2;
  const text = formatValue(context, value, level);
  context.indent -= 2;
  return text;
}

function items(context, value, level) {
  const output = [], { length } = value, most = Math.min(context.maxArrayLength, length);
  let i = 0;
  for (; i < length && output.length < most; i++) {
    if (getOwnPropertyDescriptor(value, i) !== undefined) {
      output.push(nested(context, value[i], level));
      continue;
    }
    let holes = 1;
    while (i + holes < length && getOwnPropertyDescriptor(value, i + holes) === undefined && holes < 1e6) holes++;
    output.push(`<${holes} empty item${holes > 1 ? "s" : ""}>`);
    i += holes - 1;
  }
  if (i < length) output.push(more(length - i));
  return output;
}

function pairs(context, value, level) {
  const output = [];
  let count = 0;
  for (const [key, item] of apply(map.entries, value, [])) {
    if (count++ === context.maxArrayLength) break;
    output.push(`${nested(context, key, level)} => ${nested(context, item, level)}`);
  }
  const rest = apply(mapSize, value, []) - output.length;
  if (rest > 0) output.push(more(rest));
  return output;
}

function members(context, value, level) {
  const output = [];
  let count = 0;
  for (const item of apply(set.values, value, [])) {
    if (count++ === context.maxArrayLength) break;
    output.push(nested(context, item, level));
  }
  const rest = apply(setSize, value, []) - output.length;
  if (rest > 0) output.push(more(rest));
  return output;
}

function more(count) {
  return `... ${count} more item${count > 1 ? "s" : ""}`;
}

function settled(context, value, level) {
  const state = engine.promiseState(value);
  if (state === 0) return ["<pending>"];
  const result = nested(context, engine.promiseResult(value), level);
  return [state === 2 ? `<rejected> ${result}` : result];
}

function contents(context, value) {
  const bytes = [...new Uint8Array(value, 0, Math.min(50, value.byteLength))];
  const shown = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const rest = value.byteLength > 50 ? ` ... ${value.byteLength - 50} more bytes` : "";
  return [`[Uint8Contents]: <${shown}${rest}>`, `byteLength: ${value.byteLength}`];
}

function boxed(kind, value) {
  const inside = apply(BOXED[kind].prototype.valueOf, value, []);
  return `[${kind}: ${kind === "String" ? quoted(inside) : kind === "BigInt" ? `${inside}n` : String(inside)}]`;
}

function dateText(value) {
  const time = apply(Date.prototype.getTime, value, []);
  return Number.isNaN(time) ? "Invalid Date" : new Date(time).toISOString();
}

function functionText(value, name, tag) {
  const own = getOwnPropertyDescriptor(value, "name")?.value;
  const source = apply(Function.prototype.toString, value, []);
  if (source.startsWith("class") && !/^class\s*\(/.test(source)) {
    const parent = getPrototypeOf(value);
    const above = typeof parent === "function" ? getOwnPropertyDescriptor(parent, "name")?.value : "";
    return `[class ${own || "(anonymous)"}${above ? ` extends ${above}` : ""}]`;
  }
  const kind = name === null || name === "Function" ? "Function" : name;
  return own ? `[${kind}: ${own}]` : `[${kind} (anonymous)]`;
}

function errorText(context, value, keys) {
  const stack = stackOf(value);
  const text = stack.includes("\n    at ") || keys.length ? stack : `[${stack}]`;
  return context.indent ? text.replaceAll("\n", `\n${" ".repeat(context.indent)}`) : text;
}
