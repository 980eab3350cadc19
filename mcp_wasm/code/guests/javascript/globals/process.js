// `process`, `performance` and `crypto`, as far as code that computes wants them.
import { Buffer } from "./buffer.js";
import { digest } from "./digest.js";

const { timers, exit, format } = own;

const stream = (number) => ({
  write(text) {
    host.write(number, typeof text === "string" ? text : new TextDecoder().decode(text));
    return true;
  },
  isTTY: false,
  columns: 80,
});

function hrtime(before) {
  const now = host.now(), since = before ? before[0] * 1e3 + before[1] / 1e6 : 0;
  const passed = now - since;
  return [Math.floor(passed / 1e3), Math.round((passed % 1e3) * 1e6)];
}
hrtime.bigint = () => BigInt(Math.round(host.now() * 1e6));

let variables;

export const process = {
  argv: ["node", "code.js"],
  // Asked for when it is wanted: the snapshot was made before there was a run with variables.
  get env() { return variables ??= host.environment(); },
  set env(value) { variables = value; },
  platform: "wasi",
  arch: "wasm32",
  pid: 1,
  title: "code",
  version: "v0.0.0",
  versions: { quickjs: "0.17.0" },
  exitCode: undefined,
  stdout: stream(1),
  stderr: stream(2),
  cwd: () => "/",
  exit(code) { exit(code ?? process.exitCode ?? 0); },
  nextTick(callback, ...args) { timers.nextTick(() => callback(...args)); },
  uptime: () => timers.elapsed() / 1e3,
  hrtime,
  memoryUsage() {
    const [rss, heapUsed] = host.memory();
    return { rss, heapTotal: rss, heapUsed, external: 0, arrayBuffers: 0 };
  },
  emitWarning(warning) { host.write(2, `Warning: ${format([warning])}\n`); },
  on() { return process; },
  once() { return process; },
  off() { return process; },
};

const marks = new Map();

export const performance = {
  timeOrigin: 0,
  now: () => timers.elapsed(),
  mark(name) { marks.set(name, timers.elapsed()); },
  measure(name, from, to) {
    const startTime = marks.get(from) ?? 0;
    return { name, startTime, duration: (marks.get(to) ?? timers.elapsed()) - startTime };
  },
  toJSON: () => ({ timeOrigin: 0 }),
};

const MOST = 65536;

export const crypto = {
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array)) throw new TypeError("the argument must be an integer array");
    if (array.byteLength > MOST) throw new DOMException(`at most ${MOST} bytes at once`, "QuotaExceededError");
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(host.random(array.byteLength));
    return array;
  },
  randomUUID() {
    const bytes = host.random(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Buffer.from(bytes).toString("hex");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },
  subtle: {
    async digest(algorithm, data) {
      const name = String(algorithm?.name ?? algorithm).toLowerCase().replace("-", "");
      return digest(name, new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength)).buffer;
    },
  },
};

/** The module `crypto` of Node, what of it there is. */
export function nodeCrypto() {
  return {
    webcrypto: crypto,
    randomUUID: crypto.randomUUID,
    getRandomValues: crypto.getRandomValues,
    randomBytes: (size) => Buffer.from(host.random(size)),
    randomInt(low, high) {
      const [from, to] = high === undefined ? [0, low] : [low, high];
      return from + Math.floor(host.mathRandom() * (to - from));
    },
    createHash(name) {
      const parts = [];
      return {
        update(data, encoding) {
          parts.push(Buffer.from(data, encoding));
          return this;
        },
        digest(encoding) {
          const bytes = Buffer.from(digest(String(name).toLowerCase().replace("-", ""), Buffer.concat(parts)));
          return encoding ? bytes.toString(encoding) : bytes;
        },
      };
    },
    timingSafeEqual: (a, b) => Buffer.from(a).equals(Buffer.from(b)),
  };
}
