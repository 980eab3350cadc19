// How imports are answered: built-in modules by name, files of the scratch folder by path, nothing else.

const makers = new Map();
const made = new Map();
const namespaces = new Map();
let readSource;

/** Called by the outer realm's scripts: `make()` gives the exports of the module `name`, `namespace()` what an import sees where it is more. */
export function provide(name, make, namespace) {
  if (name === "") readSource = make;
  else makers.set(name, make);
  if (namespace !== undefined) namespaces.set(name, namespace);
}

export function plainName(name) {
  return name.startsWith("node:") ? name.slice(5) : name;
}

export function isBuiltIn(name) {
  return makers.has(plainName(name));
}

export function builtIns() {
  return [...makers.keys()];
}

/** The exports of a built-in module, made when first asked for; undefined if there is none of that name. */
export function exportsOf(given) {
  const name = plainName(given);
  if (!made.has(name)) {
    const make = makers.get(name);
    if (make === undefined) return undefined;
    made.set(name, make());
  }
  return made.get(name);
}

/** For the engine: the full name of the module that `base` calls `name`. */
export function resolve(base, name) {
  if (isBuiltIn(name)) return plainName(name);
  if (!/^\.{0,2}\//.test(name)) return name;
  const parts = name.startsWith("/") ? [] : base.split("/").slice(0, -1);
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return `/${parts.filter(Boolean).join("/")}`;
}

/** For the engine: exports, or the source text of a file. */
export function load(name) {
  return namespaces.get(name)?.() ?? exportsOf(name) ?? readSource(name);
}
