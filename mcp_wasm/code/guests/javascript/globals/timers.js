// Timers. A timer is an object, as in Node, that counts as its number.

class Timeout {
  #id;
  constructor(id) { this.#id = id; }
  ref() { return this; }
  unref() { return this; }
  hasRef() { return true; }
  [Symbol.toPrimitive]() { return this.#id; }
  [Symbol.dispose]() { own.timers.clear(this.#id); }
}

function bound(callback, args) {
  if (typeof callback !== "function") {
    throw new TypeError(`The "callback" argument must be of type function. Received ${own.inspect(callback)}`);
  }
  return () => callback(...args);
}

const { add, clear } = own.timers;

export function setTimeout(callback, delay, ...args) {
  return new Timeout(add(bound(callback, args), Number(delay), false));
}

export function setInterval(callback, delay, ...args) {
  return new Timeout(add(bound(callback, args), Number(delay), true));
}

export function setImmediate(callback, ...args) {
  return new Timeout(add(bound(callback, args), 0, false));
}

export function installTimers(define) {
  const all = {
    setTimeout, setInterval, setImmediate,
    clearTimeout(id) { clear(id); },
    clearInterval(id) { clear(id); },
    clearImmediate(id) { clear(id); },
    queueMicrotask(callback) {
      const run = bound(callback, []);
      Promise.resolve().then(run);
    },
  };
  for (const name of Object.keys(all)) define(name, all[name]);
}

/** The module `timers/promises`. */
export function timersPromises() {
  return {
    setTimeout: (delay, value) => new Promise((resolve) => setTimeout(resolve, delay, value)),
    setImmediate: (value) => new Promise((resolve) => setImmediate(resolve, value)),
    scheduler: { wait: (delay) => new Promise((resolve) => setTimeout(resolve, delay)) },
    async *setInterval(delay, value) {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, delay));
        yield value;
      }
    },
  };
}
