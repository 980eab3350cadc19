// Small modules of Node that programs import without thinking: util, events, assert.
import { TextDecoder, TextEncoder } from "./text.js";

export function isDeepEqual(a, b, strict = true, known = new Map()) {
  if (Object.is(a, b) || (!strict && a == b)) return true; // eslint-disable-line eqeqeq
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (known.get(a) === b) return true;
  known.set(a, b);
  if (a instanceof Date || a instanceof RegExp || a instanceof Error) {
    if (String(a) !== String(b) || (a instanceof Date && a.getTime() !== b.getTime())) return false;
  }
  if (a instanceof Set) {
    return b instanceof Set && a.size === b.size
      && [...a].every((item) => b.has(item) || [...b].some((other) => isDeepEqual(item, other, strict, known)));
  }
  if (a instanceof Map) {
    return b instanceof Map && a.size === b.size && [...a].every(([key, value]) => b.has(key) && isDeepEqual(value, b.get(key), strict, known));
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isDeepEqual(a[key], b[key], strict, known));
}

export function util() {
  const inspect = (value, options) => own.inspect(value, options);
  inspect.custom = Symbol.for("nodejs.util.inspect.custom");
  return {
    inspect,
    format: (...args) => own.format(args),
    promisify: (f) => (...args) => new Promise((resolve, reject) => {
      f(...args, (error, value) => (error ? reject(error) : resolve(value)));
    }),
    inherits(child, parent) { Object.setPrototypeOf(child.prototype, parent.prototype); },
    deprecate: (f) => f,
    isDeepStrictEqual: (a, b) => isDeepEqual(a, b),
    types: {
      isDate: (value) => value instanceof Date, isRegExp: (value) => value instanceof RegExp, isMap: (value) => value instanceof Map,
      isSet: (value) => value instanceof Set, isPromise: (value) => value instanceof Promise,
    },
    TextEncoder, TextDecoder,
  };
}

class EventEmitter {
  #listeners = new Map();
  on(name, listener) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    return this;
  }
  addListener(name, listener) { return this.on(name, listener); }
  prependListener(name, listener) {
    this.#listeners.set(name, [listener, ...(this.#listeners.get(name) ?? [])]);
    return this;
  }
  once(name, listener) {
    const once = (...args) => {
      this.off(name, once);
      listener.apply(this, args);
    };
    once.listener = listener;
    return this.on(name, once);
  }
  off(name, listener) {
    const list = this.#listeners.get(name) ?? [], at = list.findLastIndex((each) => each === listener || each.listener === listener);
    if (at >= 0) this.#listeners.set(name, list.toSpliced(at, 1));
    return this;
  }
  removeListener(name, listener) { return this.off(name, listener); }
  removeAllListeners(name) {
    if (name === undefined) this.#listeners.clear();
    else this.#listeners.delete(name);
    return this;
  }
  emit(name, ...args) {
    const list = this.#listeners.get(name) ?? [];
    if (name === "error" && list.length === 0) throw args[0] instanceof Error ? args[0] : new Error(`Unhandled error. (${own.inspect(args[0])})`);
    for (const listener of list) listener.apply(this, args);
    return list.length > 0;
  }
  listeners(name) { return (this.#listeners.get(name) ?? []).map((each) => each.listener ?? each); }
  listenerCount(name) { return (this.#listeners.get(name) ?? []).length; }
  eventNames() { return [...this.#listeners.keys()].filter((name) => this.listenerCount(name)); }
  setMaxListeners() { return this; }
}

export function events() {
  const once = (emitter, name) => new Promise((resolve, reject) => {
    emitter.once(name, (...args) => resolve(args));
    if (name !== "error") emitter.once("error", reject);
  });
  EventEmitter.EventEmitter = EventEmitter;
  return { EventEmitter, once, default: EventEmitter };
}

class AssertionError extends Error {
  name = "AssertionError";
  code = "ERR_ASSERTION";
  constructor(message, actual, expected) {
    super(message);
    Object.assign(this, { actual, expected });
  }
}

export function assert() {
  const shown = (value) => own.inspect(value);
  const check = (holds, message, otherwise, actual, expected) => {
    if (holds) return;
    if (message instanceof Error) throw message;
    throw new AssertionError(message ?? otherwise, actual, expected);
  };
  const ok = (value, message) => check(value, message, `The expression evaluated to a falsy value: ${shown(value)}`, value, true);
  const equal = (same, words) => (a, b, message) => check(same(a, b), message, `Expected values to be ${words}: ${shown(a)} and ${shown(b)}`, a, b);
  const fits = (error, expected) => expected === undefined || (expected instanceof RegExp ? expected.test(String(error))
    : typeof expected === "function" ? error instanceof expected || expected.prototype === undefined && expected(error) === true
      : Object.keys(expected).every((key) => isDeepEqual(error[key], expected[key])));
  const made = Object.assign((value, message) => ok(value, message), {
    ok, AssertionError,
    equal: equal((a, b) => a == b, "loosely equal"), // eslint-disable-line eqeqeq
    notEqual: equal((a, b) => a != b, "loosely unequal"), // eslint-disable-line eqeqeq
    strictEqual: equal(Object.is, "strictly equal"),
    notStrictEqual: equal((a, b) => !Object.is(a, b), "strictly unequal"),
    deepEqual: equal((a, b) => isDeepEqual(a, b, false), "loosely deep-equal"),
    deepStrictEqual: equal((a, b) => isDeepEqual(a, b), "strictly deep-equal"),
    notDeepStrictEqual: equal((a, b) => !isDeepEqual(a, b), "strictly deep-unequal"),
    match: equal((text, pattern) => pattern.test(text), "a match"),
    fail(message = "Failed") { throw new AssertionError(message); },
    throws(f, expected) {
      try {
        f();
      } catch (error) {
        if (!fits(error, expected)) throw error;
        return;
      }
      throw new AssertionError("Missing expected exception.");
    },
    async rejects(promise, expected) {
      try {
        await (typeof promise === "function" ? promise() : promise);
      } catch (error) {
        if (!fits(error, expected)) throw error;
        return;
      }
      throw new AssertionError("Missing expected rejection.");
    },
  });
  made.strict = made;
  return made;
}
