// Values of typed tools between plain JSON and what the code has, by shapes.
//
// A shape says how a value of a declared type looks in the code; null is for what looks
// the same (strings, booleans). `mcp_wasm/build/signature/typescript_shapes.py` makes them:
//   {kind: "number"}                      NaN and infinities are strings in JSON
//   {kind: "bigint"}                      an integer, past 2^53 a decimal string
//   {kind: "bytes"}                       base64 or an array; a Uint8Array
//   {kind: "date"}                        ISO 8601; a Date
//   {kind: "nothing"}                     no value
//   {kind: "option", of, none}            null; `none` is "null" or "undefined"
//   {kind: "list" | "set", of}            an array; an Array or a Set
//   {kind: "tuple", of: [shape]}          an array
//   {kind: "map", as, key, value}         an array of pairs; `as` is "Map" or "object"
//   {kind: "enum", values: [[wit, value]]}
//   {kind: "record", fields: [[wit, name, shape]]}
//   {kind: "variant", tag, cases: [[wit, value, shape or null]]}   an object that says by `tag` which it is
//   {kind: "union", cases: [[wit, test, shape]]}                   told apart by what `test` says of the value

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// `realm` has the classes of the code: what is made is of them.
export const fromJson = (value, shape, path = "the arguments", realm = globalThis) =>
  decoded(value, shape, path, realm);
export const toJson = (value, shape, path = "the result") => encoded(value, shape, path);

function decoded(value, shape, path, realm) {
  if (shape === null || shape === undefined) return value;
  switch (shape.kind) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return typeof value === "string" ? Number(value) : value;
    case "bigint":
      return BigInt(value);
    case "bytes":
      return realm.Uint8Array.from(typeof value === "string" ? fromBase64(value) : value);
    case "date":
      return dateOf(value, path, realm);
    case "nothing":
      return undefined;
    case "option":
      if (value === null || value === undefined) return shape.none === "null" ? null : undefined;
      return decoded(value, shape.of, path, realm);
    case "list":
      return realm.Array.from(value, (item, index) => decoded(item, shape.of, `${path}[${index}]`, realm));
    case "set":
      return new realm.Set(
        Array.from(value, (item, index) => decoded(item, shape.of, `${path}[${index}]`, realm)),
      );
    case "tuple":
      return realm.Array.from(shape.of, (part, index) =>
        decoded(value[index], part, `${path}[${index}]`, realm),
      );
    case "map": {
      const pairs = Array.from(value, ([key, item], index) => [
        decoded(key, shape.key, `${path}[${index}]`, realm),
        decoded(item, shape.value, `${path}[${index}]`, realm),
      ]);
      return shape.as === "Map" ? new realm.Map(pairs) : realm.Object.fromEntries(pairs);
    }
    case "enum":
      return shape.values.find(([name]) => name === value)[1];
    case "record":
      return recordOf(value, shape, path, realm);
    case "variant": {
      const [, literal, payload] = shape.cases.find(([name]) => name === value.tag);
      const made = payload ? recordOf(value.val, payload, path, realm) : new realm.Object();
      return define(made, shape.tag, literal);
    }
    case "union": {
      const [, , payload] = shape.cases.find(([name]) => name === value.tag);
      return decoded(value.val, payload, path, realm);
    }
  }
  throw new TypeError(`${path}: there is no shape ${shape.kind}`);
}

function recordOf(value, shape, path, realm) {
  const made = new realm.Object();
  for (const [name, own, inner] of shape.fields) {
    const item = decoded(value[name], inner, `${path}.${own}`, realm);
    if (item !== undefined) define(made, own, item);
  }
  return made;
}

// Not by assignment: `__proto__` is a name as any other.
function define(object, name, value) {
  return Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

function encoded(value, shape, path) {
  if (shape === null || shape === undefined) return value;
  switch (shape.kind) {
    case "number":
      if (typeof value !== "number") throw wrong(path, "a number", value);
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      if (typeof value === "number" && Number.isInteger(value)) value = BigInt(value);
      if (typeof value !== "bigint") throw wrong(path, "a bigint", value);
      return value <= SAFE && value >= -SAFE ? Number(value) : String(value);
    case "bytes":
      if (!isBytes(value)) throw wrong(path, "a Uint8Array", value);
      return toBase64(value);
    case "string":
    case "boolean":
      if (typeof value !== shape.kind) throw wrong(path, `a ${shape.kind}`, value);
      return value;
    case "date":
      if (kindOf(value) !== "Date") throw wrong(path, "a Date", value);
      return dateOf(value, path).toISOString();
    case "nothing":
      return null;
    case "option":
      if (value === null || value === undefined) return null;
      return encoded(value, shape.of, path);
    case "list":
    case "set": {
      const ready = Array.isArray(value) || ArrayBuffer.isView(value) || kindOf(value) === "Set";
      if (!ready) throw wrong(path, shape.kind === "set" ? "a Set" : "an array", value);
      return Array.from(value, (item, index) => encoded(item, shape.of, `${path}[${index}]`));
    }
    case "tuple":
      if (!Array.isArray(value) || value.length !== shape.of.length) {
        throw wrong(path, `an array of ${shape.of.length}`, value);
      }
      return shape.of.map((part, index) => encoded(value[index], part, `${path}[${index}]`));
    case "map": {
      if (typeof value !== "object" || value === null) throw wrong(path, `a ${shape.as}`, value);
      const pairs = kindOf(value) === "Map" ? [...value] : Object.entries(value);
      return pairs.map(([key, item]) => [
        encoded(key, shape.key, `the key of ${path}`),
        encoded(item, shape.value, `${path}[${JSON.stringify(key)}]`),
      ]);
    }
    case "enum": {
      const found = shape.values.find(([, own]) => own === value);
      if (!found) throw wrong(path, `one of ${shape.values.map(([, own]) => JSON.stringify(own)).join(", ")}`, value);
      return found[0];
    }
    case "record":
      return recordFrom(value, shape, path);
    case "variant": {
      if (typeof value !== "object" || value === null) throw wrong(path, "an object", value);
      const found = shape.cases.find(([, literal]) => literal === value[shape.tag]);
      if (!found) {
        const known = shape.cases.map(([, literal]) => JSON.stringify(literal)).join(", ");
        throw wrong(`${path}.${shape.tag}`, `one of ${known}`, value[shape.tag]);
      }
      const [name, , payload] = found;
      return payload ? { tag: name, val: recordFrom(value, payload, path) } : { tag: name };
    }
    case "union": {
      const found = shape.cases.find(([, test]) => is(value, test));
      if (!found) throw wrong(path, `one of ${shape.cases.map(([name]) => name).join(", ")}`, value);
      return { tag: found[0], val: encoded(value, found[2], path) };
    }
  }
  throw new TypeError(`${path}: there is no shape ${shape.kind}`);
}

function recordFrom(value, shape, path) {
  if (typeof value !== "object" || value === null) throw wrong(path, "an object", value);
  return Object.fromEntries(
    shape.fields.map(([name, own, inner]) => [name, encoded(value[own], inner, `${path}.${own}`)]),
  );
}

function is(value, test) {
  switch (test) {
    case "bytes":
      return isBytes(value);
    case "array":
      return Array.isArray(value);
    case "date":
      return kindOf(value) === "Date";
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value) && !isBytes(value);
    default:
      return typeof value === test;
  }
}

// By what it is and not by its class, which may be that of another realm.
function kindOf(value) {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function isBytes(value) {
  return ArrayBuffer.isView(value) && kindOf(value) === "Uint8Array";
}

function dateOf(value, path, realm = globalThis) {
  const date = new realm.Date(value);
  if (Number.isNaN(date.getTime())) throw wrong(path, "a date in ISO 8601", value);
  return date;
}

function wrong(path, expected, value) {
  return new TypeError(`${path}: expected ${expected}, got ${said(value)}`);
}

function said(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    text += DIGITS[a >> 2] + DIGITS[((a & 3) << 4) | ((b ?? 0) >> 4)];
    text += b === undefined ? "=" : DIGITS[((b & 15) << 2) | ((c ?? 0) >> 6)];
    text += c === undefined ? "=" : DIGITS[c & 63];
  }
  return text;
}

function fromBase64(text) {
  const plain = text.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((plain.length * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const digit of plain) {
    held = ((held << 6) | DIGITS.indexOf(digit)) & 0xffffff;
    bits += 6;
    if (bits >= 8) bytes[at++] = (held >> (bits -= 8)) & 255;
  }
  return bytes;
}
