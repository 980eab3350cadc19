// What a value of either realm is, told by the engine's own class and not by anything that code could change.

const ids = new Map();
const note = (kind, sample) => ids.set(engine.classId(sample), kind);

note("Object", {});
note("Array", []);
note("Error", new Error());
note("Number", Object(1));
note("String", Object(""));
note("Boolean", Object(true));
note("Symbol", Object(Symbol()));
note("BigInt", Object(1n));
note("Date", new Date(0));
note("RegExp", /x/);
note("Map", new Map());
note("Set", new Set());
note("WeakMap", new WeakMap());
note("WeakSet", new WeakSet());
note("WeakRef", new WeakRef({}));
note("Promise", Promise.resolve());
note("ArrayBuffer", new ArrayBuffer(0));
note("SharedArrayBuffer", new SharedArrayBuffer(0));
note("DataView", new DataView(new ArrayBuffer(0)));
note("Proxy", new Proxy({}, {}));
note("Generator", (function* () {})());
note("AsyncGenerator", (async function* () {})());
note("MapIterator", new Map().entries());
note("SetIterator", new Set().values());
note("Arguments", (function () { return arguments; })());
note("Arguments", new Function("return arguments")());
for (const type of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
  BigInt64Array, BigUint64Array, Float32Array, Float64Array]) {
  note("TypedArray", new type(0));
}
note("TypedArray", new Float16Array(0));
const DOM = engine.classId(new DOMException("", ""));

/** "Map", "Date", ..., "Function", or "Object" for all that has nothing of its own; "" for a primitive. */
export function kindOf(value) {
  if (typeof value === "function") return "Function";
  if (typeof value !== "object" || value === null) return "";
  const id = engine.classId(value);
  return id === DOM ? "Error" : (ids.get(id) ?? "Object");
}

/** The object behind any number of proxies, so that looking at it runs no code. */
export function bare(value) {
  let found = value;
  while (kindOf(found) === "Proxy") found = engine.proxyTarget(found);
  return found;
}

const { getPrototypeOf, getOwnPropertyDescriptor } = Reflect;

/** The name of the class that an object is an instance of, or null where it has none. */
export function className(value) {
  let object = value;
  for (let i = 0; object !== null && i < 100; i++) {
    object = bare(object);
    const found = getOwnPropertyDescriptor(object, "constructor");
    const name = typeof found?.value === "function" ? getOwnPropertyDescriptor(found.value, "name")?.value : "";
    if (typeof name === "string" && name !== "" && isBelow(value, found.value)) return name;
    object = getPrototypeOf(object);
  }
  return null;
}

function isBelow(value, constructor) {
  const prototype = getOwnPropertyDescriptor(constructor, "prototype")?.value;
  let object = value;
  for (let i = 0; object !== null && i < 100; i++) {
    object = getPrototypeOf(bare(object));
    if (object === prototype) return true;
  }
  return false;
}
