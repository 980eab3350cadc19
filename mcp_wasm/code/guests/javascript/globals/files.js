// `fs` over the folders that were opened for the run; the current folder is `/`.
import { Buffer } from "./buffer.js";
import { decoded } from "./text.js";

const WORDS = {
  ENOENT: "no such file or directory", EEXIST: "file already exists", ENOTDIR: "not a directory",
  EISDIR: "illegal operation on a directory", ENOTEMPTY: "directory not empty", EACCES: "permission denied",
  EPERM: "operation not permitted", EROFS: "read-only file system", ENOSPC: "no space left", EDQUOT: "quota exceeded",
  ENODEV: "no folder was opened for this code", ENOTSUP: "not supported", EINVAL: "invalid argument",
};
const DIRECTORY = 3, FILE = 6, LINK = 5;

function fail(code, call, path, to) {
  const error = new Error(`${code}: ${WORDS[code] ?? "the file system failed"}, ${call} '${path}'${to ? ` -> '${to}'` : ""}`);
  return Object.assign(error, { errno: -1, code, syscall: call, path, ...(to && { dest: to }) });
}

/** The absolute path, without `.` and `..`. */
export function absolute(given) {
  const text = given instanceof URL ? decodeURIComponent(given.pathname) : given instanceof Uint8Array ? decoded("utf-8", given, false) : given;
  if (typeof text !== "string") throw new TypeError(`The "path" argument must be of type string. Received ${own.inspect(given)}`);
  const parts = [];
  for (const part of text.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function done(result, call, path, to) {
  if (typeof result === "string") throw fail(result, call, path, to);
  return result;
}

const encodingOf = (options) => (typeof options === "string" ? options : options?.encoding) ?? null;

export function readFileSync(path, options) {
  const bytes = done(host.readFile(absolute(path)), "open", path);
  const encoding = encodingOf(options), buffer = new Buffer(bytes.buffer, 0, bytes.length);
  return encoding === null ? buffer : buffer.toString(encoding);
}

function put(path, data, options, mode) {
  const bytes = typeof data === "string" ? Buffer.from(data, encodingOf(options) ?? "utf8")
    : ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : undefined;
  if (bytes === undefined) {
    throw new TypeError(`The "data" argument must be of type string or Uint8Array. Received ${own.inspect(data, { depth: 0 })}`);
  }
  const flag = options?.flag, how = flag === "a" ? 1 : flag === "wx" ? 2 : mode;
  done(host.writeFile(absolute(path), bytes, how), "open", path);
}

export const writeFileSync = (path, data, options) => put(path, data, options, 0);
export const appendFileSync = (path, data, options) => put(path, data, options, 1);

class Stats {
  constructor([type, size, changed]) {
    const times = new Date(changed);
    Object.assign(this, { size, mtimeMs: changed, mtime: times, ctime: times, birthtime: times, mode: type === DIRECTORY ? 0o40755 : 0o100644 });
    Object.defineProperty(this, "type", { value: type, enumerable: false });
  }
  isFile() { return this.type === FILE; }
  isDirectory() { return this.type === DIRECTORY; }
  isSymbolicLink() { return this.type === LINK; }
}

class Dirent {
  constructor(name, type, parentPath) {
    Object.assign(this, { name, parentPath, path: parentPath });
    Object.defineProperty(this, "type", { value: type, enumerable: false });
  }
  isFile() { return this.type === FILE; }
  isDirectory() { return this.type === DIRECTORY; }
  isSymbolicLink() { return this.type === LINK; }
}

export function statSync(path, options) {
  const found = host.stat(absolute(path));
  if (found === "ENOENT" && options?.throwIfNoEntry === false) return undefined;
  return new Stats(done(found, "stat", path));
}

export const existsSync = (path) => typeof host.stat(absolute(path)) !== "string";

function accessSync(path) {
  done(host.stat(absolute(path)), "access", path);
}

export function readdirSync(path, options) {
  const top = absolute(path), found = [];
  const visit = (folder, prefix) => {
    const entries = done(host.list(folder), "scandir", path);
    const names = [];
    for (let i = 0; i < entries.length; i += 2) names.push([entries[i], entries[i + 1]]);
    for (const [name, type] of names.sort(([a], [b]) => (a < b ? -1 : 1))) {
      found.push(options?.withFileTypes ? new Dirent(name, type, folder) : prefix + name);
      if (options?.recursive && type === DIRECTORY) visit(`${folder}/${name}`, `${prefix}${name}/`);
    }
  };
  visit(top, "");
  return found;
}

export function mkdirSync(path, options) {
  const whole = absolute(path);
  if (!(options === true || options?.recursive)) return void done(host.mkdir(whole), "mkdir", path);
  let at = "";
  for (const part of whole.split("/").slice(1)) {
    at += `/${part}`;
    const result = host.mkdir(at);
    if (typeof result === "string" && !(result === "EEXIST" || host.stat(at)[0] === DIRECTORY)) throw fail(result, "mkdir", path);
  }
  return undefined;
}

export function unlinkSync(path) {
  done(host.unlink(absolute(path)), "unlink", path);
}

export function rmdirSync(path) {
  done(host.rmdir(absolute(path)), "rmdir", path);
}

export function rmSync(path, options = {}) {
  const whole = absolute(path), about = host.stat(whole);
  if (typeof about === "string") {
    if (about === "ENOENT" && options.force) return;
    throw fail(about, "rm", path);
  }
  if (about[0] !== DIRECTORY) return unlinkSync(whole);
  if (!options.recursive) throw fail("EISDIR", "rm", path);
  for (const name of readdirSync(whole)) rmSync(`${whole}/${name}`, options);
  rmdirSync(whole);
}

export function renameSync(from, to) {
  done(host.rename(absolute(from), absolute(to)), "rename", from, to);
}

export function copyFileSync(from, to) {
  writeFileSync(to, readFileSync(from));
}

const SYNC = { readFileSync, writeFileSync, appendFileSync, statSync, lstatSync: statSync, existsSync, accessSync, readdirSync,
  mkdirSync, unlinkSync, rmdirSync, rmSync, renameSync, copyFileSync };

/** The module `fs/promises`. */
export function filesPromises() {
  const made = {};
  for (const name of Object.keys(SYNC)) {
    if (name !== "existsSync") made[name.slice(0, -4)] = async (...args) => SYNC[name](...args);
  }
  return made;
}

/** The module `fs`. */
export function files() {
  const made = { ...SYNC, promises: filesPromises(), constants: { F_OK: 0, R_OK: 4, W_OK: 2 } };
  for (const name of Object.keys(SYNC)) {
    made[name.slice(0, -4)] = (...args) => {
      const callback = args.pop();
      if (typeof callback !== "function") throw new TypeError(`fs.${name.slice(0, -4)} wants a callback; use fs.${name}`);
      let result;
      try {
        result = SYNC[name](...args);
      } catch (error) {
        return queueMicrotask(() => callback(error));
      }
      return queueMicrotask(() => (name === "existsSync" ? callback(result) : callback(null, result)));
    };
  }
  return made;
}
