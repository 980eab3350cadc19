// Buffer, as far as programs use it for text in other forms.
import { decoded } from "./text.js";

const encoding = (name = "utf8") => {
  const known = String(name).toLowerCase().replace("-", "");
  if (/^(?:utf8|hex|base64|base64url|latin1|binary|ascii|utf16le|ucs2)$/.test(known)) return known;
  throw new TypeError(`Unknown encoding: ${name}`);
};

export class Buffer extends Uint8Array {
  static from(value, second, third) {
    if (typeof value === "string") return wrap(encoded(value, encoding(second)));
    if (value instanceof ArrayBuffer) return new Buffer(value, second, third);
    return wrap(Uint8Array.from(value?.type === "Buffer" ? value.data : value));
  }
  static alloc(size, fill = 0, name) {
    return new Buffer(size).fill(typeof fill === "string" ? encoded(fill, encoding(name))[0] ?? 0 : fill);
  }
  static allocUnsafe(size) { return new Buffer(size); }
  static isBuffer(value) { return value instanceof Buffer; }
  static byteLength(value, name) { return typeof value === "string" ? encoded(value, encoding(name)).length : value.byteLength; }
  static concat(list, total = list.reduce((sum, each) => sum + each.length, 0)) {
    const all = new Buffer(total);
    let at = 0;
    for (const each of list) {
      all.set(each.subarray(0, Math.max(0, total - at)), at);
      at += each.length;
    }
    return all;
  }
  static compare(a, b) { return wrap(a).compare(b); }
  toString(name, start = 0, end = this.length) { return text(this.subarray(start, end), encoding(name)); }
  toJSON() { return { type: "Buffer", data: Array.from(this) }; }
  equals(other) { return this.compare(other) === 0; }
  compare(other) {
    const length = Math.min(this.length, other.length);
    for (let i = 0; i < length; i++) if (this[i] !== other[i]) return this[i] < other[i] ? -1 : 1;
    return Math.sign(this.length - other.length);
  }
  slice(start, end) { return this.subarray(start, end); }
  write(value, at = 0, length = this.length - at, name = "utf8") {
    const bytes = encoded(value, encoding(typeof length === "string" ? length : name)).subarray(0, this.length - at);
    this.set(bytes, at);
    return bytes.length;
  }
  copy(target, at = 0, start = 0, end = this.length) {
    const part = this.subarray(start, Math.min(end, start + target.length - at));
    target.set(part, at);
    return part.length;
  }
  readUInt8(at = 0) { return this[at]; }
  readUInt16BE(at = 0) { return view(this).getUint16(at); }
  readUInt16LE(at = 0) { return view(this).getUint16(at, true); }
  readUInt32BE(at = 0) { return view(this).getUint32(at); }
  readUInt32LE(at = 0) { return view(this).getUint32(at, true); }
  readInt32BE(at = 0) { return view(this).getInt32(at); }
  readInt32LE(at = 0) { return view(this).getInt32(at, true); }
  writeUInt8(value, at = 0) { this[at] = value; return at + 1; }
  writeUInt16BE(value, at = 0) { view(this).setUint16(at, value); return at + 2; }
  writeUInt32BE(value, at = 0) { view(this).setUint32(at, value); return at + 4; }
  writeUInt32LE(value, at = 0) { view(this).setUint32(at, value, true); return at + 4; }
  [Symbol.for("nodejs.util.inspect.custom")]() {
    const shown = Array.from(this.subarray(0, 50), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return `<Buffer${shown && " "}${shown}${this.length > 50 ? ` ... ${this.length - 50} more bytes` : ""}>`;
  }
}

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const wrap = (bytes) => new Buffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function encoded(value, name) {
  switch (name) {
    case "utf8": return host.encode(value.toWellFormed());
    case "hex": return Uint8Array.from(value.match(/[\da-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16));
    case "base64": case "base64url": {
      const plain = value.replace(/[^A-Za-z0-9+/_-]/g, "").replaceAll("-", "+").replaceAll("_", "/");
      return bytesOf(atob(plain.length % 4 === 1 ? plain.slice(0, -1) : plain));
    }
    case "utf16le": case "ucs2": {
      const bytes = new Uint8Array(value.length * 2);
      for (let i = 0; i < value.length; i++) view(bytes).setUint16(i * 2, value.charCodeAt(i), true);
      return bytes;
    }
    default: return bytesOf(value);
  }
}

function bytesOf(binary) {
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function text(bytes, name) {
  if (name === "utf8") return decoded("utf-8", bytes, false);
  if (name === "utf16le" || name === "ucs2") return decoded("utf-16le", bytes, false);
  if (name === "hex") return Array.prototype.map.call(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  let binary = "";
  for (let i = 0; i < bytes.length; i++) binary += String.fromCharCode(name === "ascii" ? bytes[i] & 127 : bytes[i]);
  if (name === "base64") return btoa(binary);
  if (name === "base64url") return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return binary;
}
