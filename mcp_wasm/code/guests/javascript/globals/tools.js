// The module `tools`: the tools that were granted to this code, as functions.

/** Why a tool gave no result: `tool`, `kind` and, where the tool itself failed, its error as `data`. */
export class ToolError extends Error {
  name = "ToolError";
  constructor(tool, kind, message, data) {
    super(message);
    this.tool = tool;
    this.kind = kind;
    if (data !== undefined) this.data = data;
  }
}

function failure(tool, kind, text) {
  let data;
  if (kind === "failed") {
    try {
      data = JSON.parse(text);
    } catch {
      data = text;
    }
  }
  const words = typeof data === "string" ? data : text;
  return new ToolError(tool, kind, `${tool}: ${words}`, data);
}

function isOptions(value) {
  const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  return prototype === Object.prototype || prototype === null;
}

/** Arguments by name: one object with names of parameters in it, else values in the order of the schema. */
function named(about, args) {
  const { published, parameters } = about;
  if (args.length === 0) return {};
  if (args.length === 1 && isOptions(args[0])) {
    const known = new Map(parameters.flatMap((name) => [[camel(name), name], [name, name]]));
    const keys = Object.keys(args[0]);
    // A record that is the first argument itself has other keys.
    if (keys.some((key) => known.has(key)) || (keys.length === 0 && parameters.length !== 1)) {
      return Object.fromEntries(Object.entries(args[0]).map(([key, value]) => [known.get(key) ?? key, value]));
    }
  }
  if (args.length > parameters.length) {
    throw new TypeError(`${published} takes ${parameters.length} arguments (${parameters.join(", ")}), not ${args.length}`);
  }
  return Object.fromEntries(args.map((value, i) => [parameters[i], value]).filter(([, value]) => value !== undefined));
}

const camel = (name) => name.replace(/[-_]+([a-z0-9])/g, (_, letter) => letter.toUpperCase());

// What JSON has no form for, as tools take it.
const bigger = (key, value) => value instanceof Map || value instanceof Set ? [...value]
  : typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)) ? String(value)
  : value instanceof Uint8Array ? btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join("")) : value;

function call(about, args) {
  const text = JSON.stringify(named(about, args), bigger);
  const [kind, result] = own.callTool(about.published, text);
  if (kind !== "ok") throw failure(about.published, kind, result);
  return JSON.parse(result);
}

// What others than code that wants a tool ask every object for.
const PROBED = new Set(["then", "toJSON", "inspect", "nodeType", "asymmetricMatch", "length"]);

/** A name as code writes it, as tools are published. */
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * `{live, whole}`: the module, which has at each request the tools that were granted to it (in a session a person
 * may grant one between two), and what the engine makes a namespace of.
 */
export function tools() {
  const target = { ToolError };
  let known, names = [];
  // The list is asked for when the module is looked at first in a request, and is then the same to its end.
  const current = () => {
    const listed = own.describeTools();
    if (listed === known) return target;
    for (const name of names) delete target[name];
    known = listed;
    names = listed.flatMap((about) => added(target, about));
    target.default = live;
    return target;
  };
  const live = new Proxy(target, {
    get(_, key, receiver) {
      if (typeof key !== "string" || PROBED.has(key) || !/^[a-z]\w*$/.test(key)) return Reflect.get(target, key, receiver);
      const here = current();
      // What is granted is never asked for: to ask for it is to call it.
      const found = [key, snake(key)].find((name) => name in here);
      if (found !== undefined) return here[found];
      const [published, kind, text] = own.askFor(key);
      throw failure(published, kind, text);
    },
    has: (_, key) => key in current(),
    ownKeys: () => Reflect.ownKeys(current()),
    getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(current(), key),
  });
  // The names of a namespace are fixed when it is made, and one that it has not is `undefined`. What `import("tools")`
  // promises is the module itself, by the rule for whatever has a `then`.
  const whole = () => ({ ...live, then: (resolve) => resolve(live) });
  return { live, whole };
}

/** Put a tool into `target` as a function; returns the names that it has there. */
function added(target, about) {
  const f = { [about.name]: (...args) => call(about, args) }[about.name];
  f.description = about.description;
  f.parameters = about.parameters;
  const names = [...new Set([about.name, about.published])];
  for (const name of names) target[name] = f;
  return names;
}
