// What `import` and `require` give: the built-in modules, and files of the scratch folder.
import { Buffer } from "./buffer.js";
import { absolute, existsSync, files, filesPromises, readFileSync } from "./files.js";
import { assert, events, util } from "./nodes.js";
import { path } from "./path.js";
import { nodeCrypto, performance, process } from "./process.js";
import { decoded } from "./text.js";
import { setImmediate, setInterval, setTimeout, timersPromises } from "./timers.js";
import { tools } from "./tools.js";
import { URL, URLSearchParams } from "./url.js";

const os = () => ({ EOL: "\n", platform: () => "wasi", cpus: () => [], tmpdir: () => "/", homedir: () => "/", hostname: () => "code" });
const url = () => ({ URL, URLSearchParams, fileURLToPath: (given) => new URL(given).pathname, pathToFileURL: (given) => new URL(`file://${absolute(given)}`) });
const makers = {
  fs: files, "fs/promises": filesPromises, path, "path/posix": path, util, events, assert, "assert/strict": assert, os, url,
  crypto: nodeCrypto,
  buffer: () => ({ Buffer }),
  process: () => ({ ...process }),
  perf_hooks: () => ({ performance }),
  timers: () => ({ setTimeout, setInterval, setImmediate, clearTimeout, clearInterval }),
  "timers/promises": timersPromises,
  querystring: () => ({
    parse: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringify: (value) => new URLSearchParams(value).toString(),
  }),
};

const required = new Map();

/** A file as CommonJS has it: JSON, or code that fills `module.exports`. */
function requireFile(name, from) {
  const path = absolute(name.startsWith("/") ? name : `${from}/${name}`);
  const found = [path, `${path}.js`, `${path}.cjs`, `${path}.json`, `${path}/index.js`].find((each) => existsSync(each) && /\.\w+$/.test(each));
  if (found === undefined) throw missing(name);
  if (required.has(found)) return required.get(found).exports;
  const module = { exports: {}, id: found, filename: found };
  required.set(found, module);
  const text = decoded("utf-8", readFileSync(found), false);
  if (found.endsWith(".json")) module.exports = JSON.parse(text);
  else {
    const folder = found.replace(/\/[^/]*$/, "") || "/";
    own.compileFunction(text, found)(module.exports, (next) => requireFrom(next, folder), module, found, folder);
  }
  return module.exports;
}

function missing(name) {
  const error = new Error(`Cannot find module '${name}'`);
  error.code = "MODULE_NOT_FOUND";
  return error;
}

function requireFrom(name, folder) {
  const exports = own.exportsOf(String(name));
  if (exports !== undefined) return typeof exports.default === "function" ? exports.default : exports;
  if (/^\.{0,2}\//.test(name)) return requireFile(name, folder);
  throw missing(name);
}

export function installModules(define) {
  for (const name of Object.keys(makers)) {
    own.provide(name, () => {
      const made = makers[name]();
      if (typeof made === "function") return { ...made, default: made };
      return "default" in made ? made : { ...made, default: made };
    });
  }
  const { live, whole } = tools();
  own.provide("tools", () => live, whole);
  // A file of the scratch folder, for the engine, which asks when it is imported.
  own.provide("", (name) => {
    const found = name.startsWith("/") && [name, `${name}.js`, `${name}.mjs`].find((each) => existsSync(each));
    if (!found) throw missing(name);
    const text = decoded("utf-8", readFileSync(found), false);
    return found.endsWith(".json") ? `export default ${text}` : text;
  });
  const require = (name) => requireFrom(name, "/");
  const module = { exports: {}, id: ".", filename: "/code.js" };
  require.main = module;
  require.resolve = (name) => name;
  const values = { require, module, exports: module.exports, __filename: "/code.js", __dirname: "/" };
  for (const name of Object.keys(values)) define(name, values[name]);
}
