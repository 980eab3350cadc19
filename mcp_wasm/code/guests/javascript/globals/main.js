// What submitted code finds in its global scope beside ECMAScript. This runs in the realm of that code, so
// that its objects are instances of that code's own Object, Array and Error. `host` (c/host.c, c/files.c,
// c/tools.c) and `own` (inner/main.js) are in scope of every module here.
import { installConsole } from "./console.js";
import { installTimers } from "./timers.js";

export default function () {
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  installConsole(define);
  installTimers(define);
  Math.random = host.mathRandom;
}
