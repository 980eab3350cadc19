// How imports are answered: built-in modules by name, files of the scratch folder by path, nothing else.

const built = new Map();

/** Called by the outer realm's scripts: `make()` gives the exports of the module `name`. */
export function provide(name, make) {
  built.set(name, make);
}

export function plainName(name) {
  return name.startsWith("node:") ? name.slice(5) : name;
}

export function names() {
  return [...built.keys()];
}

/** The exports of a built-in module, or undefined. */
export function exportsOf(name) {
  const make = built.get(plainName(name));
  return make === undefined ? undefined : make();
}

export function resolve(base, name) {
  return plainName(name);
}

export function load(name) {
  const exports = exportsOf(name);
  if (exports === undefined) throw new ReferenceError(`there is no module "${name}"`);
  return exports;
}
