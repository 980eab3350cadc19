// TextEncoder and TextDecoder (Encoding Standard): UTF-8, UTF-16LE and Latin-1.

export class TextEncoder {
  get encoding() { return "utf-8"; }
  encode(text = "") { return host.encode(String(text).toWellFormed()); }
  encodeInto(text, target) {
    let read = 0, written = 0;
    for (const char of String(text).toWellFormed()) {
      const bytes = host.encode(char);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      read += char.length, written += bytes.length;
    }
    return { read, written };
  }
}

const NAMES = {
  "utf-8": "utf-8", utf8: "utf-8", "unicode-1-1-utf-8": "utf-8", "utf-16": "utf-16le", "utf-16le": "utf-16le",
  latin1: "windows-1252", "iso-8859-1": "windows-1252", ascii: "windows-1252", "us-ascii": "windows-1252",
  "windows-1252": "windows-1252",
};

export class TextDecoder {
  #encoding; #fatal; #keep; #rest = new Uint8Array(0); #begun = false;
  constructor(label = "utf-8", options = {}) {
    const name = NAMES[String(label).trim().toLowerCase()];
    if (name === undefined) throw new RangeError(`the encoding "${label}" is not supported: utf-8, utf-16le and latin1 are`);
    this.#encoding = name;
    this.#fatal = Boolean(options.fatal);
    this.#keep = Boolean(options.ignoreBOM);
  }
  get encoding() { return this.#encoding; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#keep; }
  decode(input, options = {}) {
    let bytes = asBytes(input);
    if (this.#rest.length) bytes = joined(this.#rest, bytes);
    this.#rest = new Uint8Array(0);
    if (options.stream) {
      const whole = this.#encoding === "utf-8" ? wholeUtf8(bytes) : this.#encoding === "utf-16le" ? bytes.length & ~1 : bytes.length;
      this.#rest = bytes.slice(whole);
      bytes = bytes.subarray(0, whole);
    }
    let text = decoded(this.#encoding, bytes, this.#fatal);
    if (!this.#begun && !this.#keep && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    this.#begun = Boolean(options.stream);
    return text;
  }
}

function asBytes(input) {
  if (input === undefined) return new Uint8Array(0);
  if (input instanceof Uint8Array) return input;
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  throw new TypeError("the input must be an ArrayBuffer or a view of one");
}

function joined(a, b) {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** How many bytes there are without a character that has only begun. */
function wholeUtf8(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) break;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

export function decoded(encoding, bytes, fatal) {
  if (encoding === "utf-8") {
    const [text, bad] = utf8(bytes);
    if (bad && fatal) throw new TypeError("the bytes are not valid UTF-8");
    return text;
  }
  let text = "";
  if (encoding === "utf-16le") {
    for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i] | (bytes[i + 1] << 8));
    if (bytes.length & 1) text += "\ufffd";
    if (fatal && (bytes.length & 1 || !text.isWellFormed())) throw new TypeError("the bytes are not valid UTF-16");
    return text.toWellFormed();
  }
  for (let i = 0; i < bytes.length; i++) text += bytes[i] >= 0x80 && bytes[i] < 0xa0 ? WINDOWS[bytes[i] - 0x80] : String.fromCharCode(bytes[i]);
  return text;
}

const WINDOWS = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** [text, whether some bytes were no UTF-8]; bad ones become U+FFFD by the standard's rule. */
function utf8(bytes) {
  let text = "", start = 0, bad = false;
  for (let i = 0; i < bytes.length;) {
    const length = sequence(bytes, i);
    if (length > 0) {
      i += length;
      continue;
    }
    bad = true;
    text += host.decode(bytes.subarray(start, i)) + "\ufffd";
    i += -length;
    start = i;
  }
  return [text + host.decode(start ? bytes.subarray(start) : bytes), bad];
}

/** The length of the valid sequence at `i`, or minus how many bytes one U+FFFD stands for. */
function sequence(bytes, i) {
  const first = bytes[i];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let next = 1; next < length; next++) {
    const byte = bytes[i + next];
    if (byte === undefined || byte < low || byte > high) return -next;
    low = 0x80, high = 0xbf;
  }
  return length;
}
