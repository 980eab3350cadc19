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

// Plain JSON; `decode` and `encode` are what differs for another form of the same values.
const JSON_FORM = {
  json: true,
  key: (name) => name,
  decode: {
    number: (value) => (typeof value === "string" ? Number(value) : value),
    bigint: (value) => BigInt(value),
    bytes: (value) => (typeof value === "string" ? fromBase64(value) : value),
  },
  encode: {
    number: (value) => (Number.isFinite(value) ? value : String(value)),
    bigint: (value) => (value <= SAFE && value >= -SAFE ? Number(value) : String(value)),
    bytes: toBase64,
  },
};

// What componentize-qjs and jco hand to a function: records with names in camelCase, BigInt, Uint8Array.
const COMPONENT_FORM = {
  json: false,
  key: (name) => name.replace(/-+([a-z0-9])/g, (_, letter) => letter.toUpperCase()),
  decode: { number: same, bigint: BigInt, bytes: same },
  encode: { number: same, bigint: same, bytes: same },
};

// `realm` is the global object of the code: what is made is of its classes.
export const fromJson = (value, shape, path = "the arguments", realm = globalThis) =>
  decoded(value, shape, path, { ...JSON_FORM, realm });
export const toJson = (value, shape, path = "the result") => encoded(value, shape, path, JSON_FORM);
export const fromComponent = (value, shape, path = "the arguments") =>
  decoded(value, shape, path, { ...COMPONENT_FORM, realm: globalThis });
export const toComponent = (value, shape, path = "the result") => encoded(value, shape, path, COMPONENT_FORM);

function decoded(value, shape, path, form) {
  if (shape === null || shape === undefined) return value;
  switch (shape.kind) {
    case "string":
    case "boolean":
      return value;
    case "number":
    case "bigint":
      return form.decode[shape.kind](value);
    case "bytes":
      return form.realm.Uint8Array.from(form.decode.bytes(value));
    case "date":
      return dateOf(value, path, form.realm);
    case "nothing":
      return undefined;
    case "option":
      if (value === null || value === undefined) return shape.none === "null" ? null : undefined;
      return decoded(value, shape.of, path, form);
    case "list":
      return form.realm.Array.from(value, (item, index) => decoded(item, shape.of, `${path}[${index}]`, form));
    case "set":
      return new form.realm.Set(
        Array.from(value, (item, index) => decoded(item, shape.of, `${path}[${index}]`, form)),
      );
    case "tuple":
      return form.realm.Array.from(shape.of, (part, index) =>
        decoded(value[index], part, `${path}[${index}]`, form),
      );
    case "map": {
      const pairs = Array.from(value, ([key, item], index) => [
        decoded(key, shape.key, `${path}[${index}]`, form),
        decoded(item, shape.value, `${path}[${index}]`, form),
      ]);
      return shape.as === "Map" ? new form.realm.Map(pairs) : form.realm.Object.fromEntries(pairs);
    }
    case "enum":
      return shape.values.find(([name]) => name === value)[1];
    case "record":
      return recordOf(value, shape, path, form);
    case "variant": {
      const [, literal, payload] = shape.cases.find(([name]) => name === value.tag);
      const made = payload ? recordOf(value.val, payload, path, form) : new form.realm.Object();
      return define(made, shape.tag, literal);
    }
    case "union": {
      const [, , payload] = shape.cases.find(([name]) => name === value.tag);
      return decoded(value.val, payload, path, form);
    }
  }
  throw new TypeError(`${path}: there is no shape ${shape.kind}`);
}

function recordOf(value, shape, path, form) {
  const made = new form.realm.Object();
  for (const [name, own, inner] of shape.fields) {
    const item = decoded(value[form.key(name)], inner, `${path}.${own}`, form);
    if (item !== undefined) define(made, own, item);
  }
  return made;
}

// Not by assignment: `__proto__` is a name as any other.
function define(object, name, value) {
  return Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

function encoded(value, shape, path, form) {
  if (shape === null || shape === undefined) return value;
  switch (shape.kind) {
    case "number":
      if (typeof value !== "number") throw wrong(path, "a number", value);
      return form.encode.number(value);
    case "bigint":
      if (typeof value === "number" && Number.isInteger(value)) value = BigInt(value);
      if (typeof value !== "bigint") throw wrong(path, "a bigint", value);
      return form.encode.bigint(value);
    case "bytes":
      if (!isBytes(value)) throw wrong(path, "a Uint8Array", value);
      return form.encode.bytes(value);
    case "string":
    case "boolean":
      if (typeof value !== shape.kind) throw wrong(path, `a ${shape.kind}`, value);
      return value;
    case "date":
      if (kindOf(value) !== "Date") throw wrong(path, "a Date", value);
      return dateOf(value, path).toISOString();
    case "nothing":
      return form.json ? null : undefined;
    case "option":
      if (value === null || value === undefined) return form.json ? null : undefined;
      return encoded(value, shape.of, path, form);
    case "list":
    case "set": {
      const ready = Array.isArray(value) || ArrayBuffer.isView(value) || kindOf(value) === "Set";
      if (!ready) throw wrong(path, shape.kind === "set" ? "a Set" : "an array", value);
      return Array.from(value, (item, index) => encoded(item, shape.of, `${path}[${index}]`, form));
    }
    case "tuple":
      if (!Array.isArray(value) || value.length !== shape.of.length) {
        throw wrong(path, `an array of ${shape.of.length}`, value);
      }
      return shape.of.map((part, index) => encoded(value[index], part, `${path}[${index}]`, form));
    case "map": {
      if (typeof value !== "object" || value === null) throw wrong(path, `a ${shape.as}`, value);
      const pairs = kindOf(value) === "Map" ? [...value] : Object.entries(value);
      return pairs.map(([key, item]) => [
        encoded(key, shape.key, `the key of ${path}`, form),
        encoded(item, shape.value, `${path}[${JSON.stringify(key)}]`, form),
      ]);
    }
    case "enum": {
      const found = shape.values.find(([, own]) => own === value);
      if (!found) throw wrong(path, `one of ${shape.values.map(([, own]) => JSON.stringify(own)).join(", ")}`, value);
      return found[0];
    }
    case "record":
      return recordFrom(value, shape, path, form);
    case "variant": {
      if (typeof value !== "object" || value === null) throw wrong(path, "an object", value);
      const found = shape.cases.find(([, literal]) => literal === value[shape.tag]);
      if (!found) {
        const known = shape.cases.map(([, literal]) => JSON.stringify(literal)).join(", ");
        throw wrong(`${path}.${shape.tag}`, `one of ${known}`, value[shape.tag]);
      }
      const [name, , payload] = found;
      return payload ? { tag: name, val: recordFrom(value, payload, path, form) } : { tag: name };
    }
    case "union": {
      const found = shape.cases.find(([, test]) => is(value, test));
      if (!found) throw wrong(path, `one of ${shape.cases.map(([name]) => name).join(", ")}`, value);
      return { tag: found[0], val: encoded(value, found[2], path, form) };
    }
  }
  throw new TypeError(`${path}: there is no shape ${shape.kind}`);
}

function recordFrom(value, shape, path, form) {
  if (typeof value !== "object" || value === null) throw wrong(path, "an object", value);
  return Object.fromEntries(
    shape.fields.map(([name, own, inner]) => [form.key(name), encoded(value[own], inner, `${path}.${own}`, form)]),
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

function same(value) {
  return value;
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
