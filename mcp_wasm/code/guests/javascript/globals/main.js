// What submitted code finds in its global scope beside ECMAScript. This runs in the realm of that code, so
// that its objects are instances of that code's own Object, Array and Error. `host` (c/host.c, c/files.c) and
// `own` (inner/main.js) are in scope of every module here.
import { Buffer } from "./buffer.js";
import { structuredClone } from "./clone.js";
import { installConsole } from "./console.js";
import { installLocale } from "./locale.js";
import { installModules } from "./modules.js";
import { AbortController, AbortSignal, fetch } from "./network.js";
import { crypto, performance, process } from "./process.js";
import { TextDecoder, TextEncoder } from "./text.js";
import { installTimers } from "./timers.js";
import { URL, URLSearchParams } from "./url.js";

export default function () {
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  installConsole(define);
  installTimers(define);
  installLocale();
  const values = { TextEncoder, TextDecoder, URL, URLSearchParams, structuredClone, Buffer, crypto, performance,
    process, fetch, AbortController, AbortSignal, global: globalThis };
  for (const name of Object.keys(values)) define(name, values[name]);
  installModules(define);
  Math.random = host.mathRandom;
}
