// SHA-256 and SHA-1 (FIPS 180-4) and MD5 (RFC 1321), which programs use to name things.

const right = (x, n) => (x >>> n) | (x << (32 - n));
const left = (x, n) => (x << n) | (x >>> (32 - n));

/** The digest of `bytes`; `name` is sha256, sha1 or md5. */
export function digest(name, bytes) {
  const make = { sha256, sha1, md5 }[name];
  if (make === undefined) throw new Error(`the digest ${name} is not here: sha256, sha1 and md5 are`);
  return make(bytes);
}

function padded(bytes, little) {
  const length = ((bytes.length + 8) >> 6) * 64 + 64, block = new Uint8Array(length), view = new DataView(block.buffer);
  block.set(bytes);
  block[bytes.length] = 0x80;
  view.setUint32(length - (little ? 8 : 4), bytes.length << 3, little);
  view.setUint32(length - (little ? 4 : 8), Math.floor(bytes.length / 2 ** 29), little);
  return view;
}

function written(state, little) {
  const out = new Uint8Array(state.length * 4), view = new DataView(out.buffer);
  state.forEach((word, i) => view.setUint32(i * 4, word >>> 0, little));
  return out;
}

function fractions(count, power) {
  const found = [];
  for (let n = 2; found.length < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) found.push(((n ** power) % 1) * 2 ** 32 | 0);
  }
  return found;
}

let k256;

function sha256(bytes) {
  k256 ??= fractions(64, 1 / 3);
  const h = fractions(8, 1 / 2), w = new Int32Array(64), view = padded(bytes, false);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (right(a, 7) ^ right(a, 18) ^ (a >>> 3)) + (right(b, 17) ^ right(b, 19) ^ (b >>> 10));
    }
    const s = h.slice();
    for (let i = 0; i < 64; i++) {
      const [a, b, c, , e, f, g] = s;
      const one = (s[7] + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + k256[i] + w[i]) | 0;
      const two = ((right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      s.pop();
      s[3] = (s[3] + one) | 0;
      s.unshift((one + two) | 0);
    }
    for (let i = 0; i < 8; i++) h[i] = (h[i] + s[i]) | 0;
  }
  return written(h, false);
}

function sha1(bytes) {
  const h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0], w = new Int32Array(80), view = padded(bytes, false);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
    for (let i = 16; i < 80; i++) w[i] = left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    let [a, b, c, d, e] = h;
    for (let i = 0; i < 80; i++) {
      const f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
      const k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      [a, b, c, d, e] = [(left(a, 5) + f + e + k + w[i]) | 0, a, left(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((word, i) => { h[i] = (h[i] + word) | 0; });
  }
  return written(h, false);
}

const TURNS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

function md5(bytes) {
  const h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476], view = padded(bytes, true);
  for (let at = 0; at < view.byteLength; at += 64) {
    let [a, b, c, d] = h;
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      const f = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
      const g = round === 0 ? i : round === 1 ? (5 * i + 1) % 16 : round === 2 ? (3 * i + 5) % 16 : (7 * i) % 16;
      const sum = (a + f + (Math.abs(Math.sin(i + 1)) * 2 ** 32 | 0) + view.getInt32(at + g * 4, true)) | 0;
      [a, b, c, d] = [d, (b + left(sum, TURNS[round][i % 4])) | 0, b, c];
    }
    [a, b, c, d].forEach((word, i) => { h[i] = (h[i] + word) | 0; });
  }
  return written(h, true);
}
